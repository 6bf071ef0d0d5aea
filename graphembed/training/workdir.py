"""Folders for what does not fit in memory, and arrays in their files."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from graphembed.store.files import made_folder
from graphembed.training.tiles import Table


def work_folder(owner: Any, workdir: str | os.PathLike[str] | None) -> Path:
    """Return the folder for the files of ``owner``.

    Parameters
    ----------
    owner : object
        Without a ``workdir`` its files are in a temporary folder, which goes when it goes.
    workdir : path-like or None
        Made if it is not there.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    if workdir is None:
        folder = Path(tempfile.mkdtemp(prefix="graphembed-"))
        weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
        return folder
    return made_folder(workdir)


def mapped(path: Path) -> Table:
    """Return the array of a npy file, memory-mapped and read-only."""
    array: Table = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
