"""What a report says of the machine and of the state of the repository."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

OURS = ("graphembed-engine", "numpy", "scipy", "numba", "scikit-learn", "torch")


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cache_bytes(level: int = 3) -> int | None:
    """Return the size of the processor's cache of this level, if the system tells."""
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    for index in sorted(folder.glob("index*")):
        if (index / "level").read_text().strip() == str(level):
            size = (index / "size").read_text().strip()
            return int(size[:-1]) * {"K": 1024, "M": 1024**2}[size[-1]]
    return None


def versions() -> dict[str, str]:
    """Return the versions of our own environment."""
    found = {"python": platform.python_version()}
    for name in OURS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_state(root: Path) -> dict[str, Any]:
    """Return the commit that is checked out, and whether files differ from it."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    status = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": git("rev-parse", "--verify", "HEAD"), "modified": bool(status)}


def describe(root: Path, threads: int) -> dict[str, Any]:
    """Return everything a reader needs to place the figures."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_state(root),
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count(),
            "last_level_cache_bytes": cache_bytes(),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "threads": threads,
        "versions": versions(),
    }
