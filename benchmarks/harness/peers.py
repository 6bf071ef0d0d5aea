"""The peers' own virtual environments, so that their pins never meet ours."""

import subprocess
import sys
import venv
from pathlib import Path

# An environment for each set of peers that agree on their pins: `.venv-peers` and
# requirements-peers.txt, `.venv-peers-walks` and requirements-peers-walks.txt.
GROUPS = ("", "walks", "kg")


def named(path: Path, group: str) -> Path:
    """Return the folder or file of a group, given that of the group "".

    Examples
    --------
    >>> named(Path("requirements-peers.txt"), "walks").name
    'requirements-peers-walks.txt'
    """
    return path.with_stem(f"{path.stem}-{group}") if group else path


def peer_python(folder: Path) -> Path:
    """Return the interpreter of the environment in ``folder``, made or not."""
    if sys.platform == "win32":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def make_peers(folder: Path, requirements: Path) -> None:
    """Create the environment anew and install the pinned peers.

    Peers that are built from their source need what is installed already; they are in a file of
    their own, ``requirements-peers-kg-source.txt`` beside ``requirements-peers-kg.txt``.

    Raises
    ------
    subprocess.CalledProcessError
        If the installation fails.
    """
    venv.create(folder, clear=True, with_pip=True)
    install = [str(peer_python(folder)), "-m", "pip", "install"]
    subprocess.run([*install, "-r", str(requirements)], check=True)
    source = named(requirements, "source")
    if source.exists():
        bare = ["--no-build-isolation", "--no-deps"]
        subprocess.run([*install, *bare, "-r", str(source)], check=True)
