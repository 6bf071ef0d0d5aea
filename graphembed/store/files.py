"""Make a store's folder appear whole or not at all, and write long arrays piece by piece."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from graphembed import atomic
from graphembed.exceptions import StoreError
from graphembed.store.format import FOLDERS


def made_folder(path: str | os.PathLike[str]) -> Path:
    """Return a folder, made if it is not there, with the folders above it.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    folder = Path(path).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}.") from error
    return folder


@contextmanager
def new_store(path: Path) -> Iterator[Path]:
    """Give an empty folder to write a store's files to; it becomes ``path`` when the block ends.

    Parameters
    ----------
    path : pathlib.Path
        Nothing is there, or an empty folder.

    Yields
    ------
    pathlib.Path
        A hidden folder beside ``path``, with the folders of a store.

    Raises
    ------
    StoreError
        If there is something at ``path``, its folder is missing or may not be written, or the
        disk is full. What was written is deleted after any error.
    """
    check_free(path)
    building = None
    try:
        building = atomic.temporary_sibling(path)
        make_folders(building)
        yield building
        publish(building, path)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            error.errno, f"The store {path} could not be written and is not there: {error}"
        ) from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)


def check_free(path: Path) -> None:
    """Check that a store can be made at ``path``.

    Raises
    ------
    StoreError
        If something is there that is not an empty folder.
    """
    if path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir()))):
        raise StoreError(f"{path} exists already. Delete it, or choose another path.")


def make_folders(building: Path) -> None:
    """Make the folders of a store."""
    for name in FOLDERS:
        (building / name).mkdir(parents=True)


def publish(building: Path, path: Path) -> None:
    """Give a finished store its name, at once and for good; an empty folder there is replaced."""
    for name in FOLDERS:
        if not any((building / name).iterdir()):
            (building / name).rmdir()
    atomic.sync(building)
    if os.name == "nt" and path.exists():
        path.rmdir()
    building.rename(path)
    atomic.sync(path.parent)


class NpyWriter:
    """Writes a one-dimensional npy file of known length piece by piece.

    Parameters
    ----------
    path : pathlib.Path
        A new file.
    dtype : dtype-like
    length : int

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from graphembed.store.files import NpyWriter
    >>> path = Path(tempfile.mkdtemp()) / "numbers.npy"
    >>> with NpyWriter(path, np.int64, 3) as writer:
    ...     writer.append([1, 2])
    ...     writer.append([3])
    >>> np.load(path)
    array([1, 2, 3])
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike, length: int) -> None:
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._path, self._left = path, length
        self._file = path.open("xb", buffering=0)
        header: dict[str, Any] = {
            "descr": self._dtype.str, "fortran_order": False, "shape": (length,),
        }  # fmt: skip
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, values: npt.ArrayLike) -> None:
        """Write the next numbers."""
        array = np.ascontiguousarray(values, dtype=self._dtype)
        self._left -= len(array)
        write_all(self._file, array)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._file.close()
        if kind is None and self._left:
            raise ValueError(f"{self._path} was to hold {self._left} more numbers than it got.")


def write_all(file: Any, array: npt.NDArray[Any]) -> None:
    """Write an array to an unbuffered file, which may take less than it is given at a time."""
    left = memoryview(array.view(np.uint8).data)
    while left:
        left = left[file.write(left) :]
