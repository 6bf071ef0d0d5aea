"""States of a run of training in one file each, so that it can be killed and go on."""

import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphembed.atomic import replaced_file
from graphembed.exceptions import StoreError
from graphembed.message_passing.weights import Weights
from graphembed.store.lock import single_writer
from graphembed.training.workdir import work_folder

NAME = "checkpoint.safetensors"
_NOTES = "graphembed"  # where JSON lies in the header of the file


@contextmanager
def claimed_folder(
    owner: Any, workdir: str | os.PathLike[str] | None, *, resume: bool
) -> Iterator[Path | None]:
    """Give the folder of a run to one fit alone, while the block runs.

    Parameters
    ----------
    owner : object
        Whose run it is.
    workdir : path-like or None
        Made if it is not there; None gives None.
    resume : bool
        Whether to go on with a run that is there.

    Raises
    ------
    StoreError
        If another fit is using the folder, in this process or another; if there is a run and
        ``resume`` is False; or if the folder cannot be made or written.
    KeyboardInterrupt
        On Ctrl-C in the block; if there is a checkpoint, the message says how to go on.
    """
    if workdir is None:
        yield None
        return
    folder = work_folder(owner, workdir)
    with single_writer(folder / NAME):
        if not resume:
            check_unused(folder)
        try:
            yield folder
        except KeyboardInterrupt:
            if not (folder / NAME).exists():
                raise
            raise KeyboardInterrupt(
                f"The run can be resumed from its last checkpoint in {folder}."
            ) from None


@dataclass(frozen=True, eq=False)
class State:
    """What a run knows between two epochs.

    Parameters
    ----------
    tensors : Weights
        Of the network, of the optimiser, and of the best network so far.
    notes : dict
        JSON.
    """

    tensors: Weights
    notes: dict[str, Any]


class Checkpoint:
    """The file in which a run keeps its last state.

    Parameters
    ----------
    folder : pathlib.Path
        An existing folder.
    settings : dict
        All that the result depends on, as JSON; a run can only go on with the same.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / NAME
        # As it will be read: tuples are lists there.
        self._settings = json.loads(json.dumps(settings))

    def read(self, resume: bool) -> State | None:
        """Return where to go on; None if there is no run.

        Raises
        ------
        StoreError
            If there is a run and ``resume`` is False, or it has other settings, or is damaged.
        """
        if not self._path.exists():
            return None
        if not resume:
            check_unused(self._path.parent)
        state = read_state(self._path)
        found = state.notes.pop("settings", None)
        if found != self._settings:
            raise StoreError(
                f"The run in {self._path.parent} is another one: "
                f"{_difference(found, self._settings)} differ. Choose another workdir, or fit with "
                "the same parameters on the same graph."
            )
        return state

    def write(self, state: State) -> None:
        """Make this the state to go on from.

        Raises
        ------
        StoreError
            If it cannot be written; the state before is as it was.
        """
        from safetensors.numpy import save

        notes = {**state.notes, "settings": self._settings}
        try:
            with replaced_file(self._path) as temporary:
                temporary.write_bytes(save(state.tensors, {_NOTES: json.dumps(notes)}))
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.") from error

    def discard(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)


def read_state(path: Path) -> State:
    """Read the file of a state.

    Raises
    ------
    StoreError
        If it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = path.read_bytes()
        tensors = Weights(load(content))
        (length,) = struct.unpack("<Q", content[:8])
        notes = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_NOTES])
    except (SafetensorError, KeyError, ValueError, struct.error) as error:
        raise StoreError(f"{path} is damaged: {error}. Delete it to start anew.") from error
    return State(tensors, notes)


def check_unused(folder: Path) -> None:
    """Find out whether a new run can begin in a folder.

    Raises
    ------
    StoreError
        If there is a run.
    """
    if (folder / NAME).exists():
        raise StoreError(
            f"There is a run in {folder}. Pass resume=True to go on with it, delete {NAME}, or "
            "choose another workdir."
        )


def begun_seed(folder: Path) -> int | None:
    """Return the seed of the run in a folder; None if there is no run."""
    path = folder / NAME
    return int(read_state(path).notes["settings"]["seed"]) if path.exists() else None


def _difference(found: Any, expected: dict[str, Any]) -> str:
    if not isinstance(found, dict):
        return "its settings"
    names = sorted({*found, *expected})
    return ", ".join(name for name in names if found.get(name) != expected.get(name))
