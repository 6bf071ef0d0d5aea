"""The peers' own virtual environment, so that their pins never meet ours."""

import subprocess
import sys
import venv
from pathlib import Path


def peer_python(folder: Path) -> Path:
    """Return the interpreter of the environment in ``folder``, made or not."""
    if sys.platform == "win32":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def make_peers(folder: Path, requirements: Path) -> None:
    """Create the environment anew and install the pinned peers.

    Raises
    ------
    subprocess.CalledProcessError
        If the installation fails.
    """
    venv.create(folder, clear=True, with_pip=True)
    subprocess.run(
        [str(peer_python(folder)), "-m", "pip", "install", "-r", str(requirements)], check=True
    )
