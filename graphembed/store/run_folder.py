"""A folder in which a training run lives, so that it can be killed and go on."""

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphembed.exceptions import StoreError
from graphembed.store.buffer import Initialise, PartitionBuffer
from graphembed.store.cadence import Cadence
from graphembed.store.files import made_folder
from graphembed.store.journal import Commit, Journal
from graphembed.store.lock import single_writer
from graphembed.store.tables import Shapes, Table, TablePartitions, Tables, Version

JOURNAL = "journal"


class RunFolder:
    """Tables that are trained partition by partition, and the journal of their states.

    A partition that leaves memory is written as a new version. Nobody resumes from that: the
    partitions that stayed have moved on with it. A checkpoint writes them as well, and then one
    record in the journal names the versions that belong together; versions that neither the last
    record nor the run needs are deleted. So a kill at any moment costs the steps since the last
    checkpoint, which are done again from the same tables. Made by :func:`open_run`.

    Parameters
    ----------
    tables : TablePartitions
    journal : Journal
    buffer : PartitionBuffer
    checkpoint_every : float
        Seconds.

    Attributes
    ----------
    start : Commit or None
        Where the run goes on.
    """

    def __init__(
        self,
        tables: TablePartitions,
        journal: Journal,
        buffer: PartitionBuffer,
        checkpoint_every: float,
    ) -> None:
        self.tables, self.buffer, self.start = tables, buffer, journal.last
        self._journal, self._cadence = journal, Cadence(checkpoint_every)
        self._changed = False

    def load(self, resident: Collection[int], ahead: Collection[int]) -> Mapping[int, Tables]:
        """Bring partitions into memory; see :meth:`PartitionBuffer.load`."""
        return self.buffer.load(resident, ahead)

    def step_done(self, describe: Callable[[tuple[Version, ...]], Commit]) -> None:
        """Say that the resident partitions were trained; make a checkpoint if it is time."""
        self.buffer.mark_changed()
        self._changed = True
        if self._cadence.due():
            self.checkpoint(describe)

    def checkpoint(self, describe: Callable[[tuple[Version, ...]], Commit]) -> None:
        """Make this the state to resume from.

        Parameters
        ----------
        describe : callable
            Returns the commit, given the version of each partition.

        Raises
        ------
        StoreError
            If it could not be written; the run can be resumed from the checkpoint before.
        """
        with self._cadence.writing():
            versions = self.buffer.flush()
            self._journal.append(describe(tuple(versions)))
            self.buffer.committed(versions)
        self._changed = False

    def finish(self, describe: Callable[[tuple[Version, ...]], Commit]) -> None:
        """Commit what has changed since the last checkpoint, and end the threads."""
        if self._changed:
            self.checkpoint(describe)
        self.buffer.close()

    def read(self, partition: int, buffer: Table) -> Tables:
        """Read the last committed tables of a partition into ``buffer``."""
        last = self._journal.last
        version = Version(0) if last is None else last.versions[partition]
        self.buffer.fill(partition, version, buffer)
        return self.tables.views(partition, buffer)

    def discard(self) -> None:
        """Delete the folder and all that is in it.

        Raises
        ------
        StoreError
            If the run is going on.
        """
        with single_writer(self.tables.folder):
            shutil.rmtree(self.tables.folder)


@contextmanager
def open_run(
    folder: str | os.PathLike[str],
    shapes: Sequence[Shapes],
    settings: Mapping[str, Any],
    *,
    capacity: int,
    initialise: Initialise,
    resume: bool,
    checkpoint_every: float = 60.0,
) -> Iterator[RunFolder]:
    """Start a run in a folder or go on with it; nobody else can while the block runs.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    shapes : sequence of tuples of shapes
        The shapes of the tables of each partition.
    settings : dict
        All that the result depends on, as JSON; a run can only go on with the same.
    capacity : int
        Partitions to train on at a time.
    initialise : callable
        ``initialise(partition, tables)`` fills the tables of a partition before training.
    resume : bool
        Whether to go on with a run that is there. If there is none, one is started either way.
    checkpoint_every : float, default=60.0
        Seconds of training that a kill may cost. If checkpoints are slow they are fewer, so that
        they take about a twentieth of the time; 0 makes one after every step.

    Raises
    ------
    StoreError
        If there is a run and ``resume`` is False, or it has other settings, is damaged, or is
        running now; or if the folder cannot be written.
    """
    folder = made_folder(folder)
    with single_writer(folder):
        journal = _open_journal(folder / JOURNAL, settings, resume)
        tables = TablePartitions(folder, shapes)
        unwritten = [Version(0)] * len(shapes)
        versions = journal.last.versions if journal.last else unwritten
        tables.keep_only(versions)
        with PartitionBuffer(tables, capacity, initialise, versions) as buffer:
            yield RunFolder(tables, journal, buffer, checkpoint_every)


def _open_journal(path: Path, settings: Mapping[str, Any], resume: bool) -> Journal:
    if not path.exists():
        return Journal.create(path, settings)
    if not resume:
        raise StoreError(
            f"There is a run in {path.parent}. Resume it to go on with it, delete the folder, or "
            "choose another one."
        )
    return Journal.open(path, settings)
