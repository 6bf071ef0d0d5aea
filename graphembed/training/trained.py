"""What training in buckets leaves: losses, and tables to read vectors from in the graph's order."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from graphembed.atomic import replaced_file
from graphembed.callbacks import progress
from graphembed.exceptions import StoreError
from graphembed.store.dealing import Dealing
from graphembed.store.journal import Commit
from graphembed.store.run_folder import RunFolder
from graphembed.store.tables import (
    Shapes,
    Table,
    Tables,
    aligned,
    partition_bytes,
    table_views,
    write_failed,
)


class InMemory:
    """The tables of a single partition, in memory: no files, no checkpoints.

    Parameters
    ----------
    shapes : tuple of shapes
    initialise : callable
        ``initialise(0, tables)`` fills them.
    """

    start: Commit | None = None

    def __init__(self, shapes: Shapes, initialise: Callable[[int, Tables], None]) -> None:
        buffer = aligned(partition_bytes(shapes))
        buffer[:] = 0
        self.tables = table_views(shapes, buffer)
        initialise(0, self.tables)

    def load(self, resident: Collection[int], ahead: Collection[int]) -> Mapping[int, Tables]:  # noqa: ARG002
        """Return the tables, which are here."""
        return {0: self.tables}

    def step_done(self, describe: Callable[..., Commit]) -> None:
        """Nothing is kept."""

    def finish(self, describe: Callable[..., Commit]) -> None:
        """Nothing is kept."""


class Result(Protocol):
    """What of a trainer the result needs."""

    n_columns: int

    def result(self, tables: Tables, places: npt.NDArray[np.int64] | slice) -> Table:
        """Return the vectors of some nodes of a partition."""


class Trained:
    """The end of :func:`graphembed.training.buckets.train_buckets`.

    Parameters
    ----------
    trainer : Trainer
    dealing : Dealing
        Which rows are in which partition.
    losses : list of float
        The mean loss of each epoch.
    tables : InMemory or RunFolder

    Attributes
    ----------
    losses : list of float
    """

    def __init__(
        self, trainer: Result, dealing: Dealing, losses: list[float], tables: InMemory | RunFolder
    ) -> None:
        self.losses = losses
        self._trainer, self._dealing, self._tables = trainer, dealing, tables

    def to_array(self) -> Table:
        """Return the vectors in the row order of the graph, shape (n_nodes, n_columns)."""
        if isinstance(self._tables, InMemory):
            return self._trainer.result(self._tables.tables, slice(None))
        vectors = np.empty((self._dealing.n_nodes, self._trainer.n_columns), dtype=np.float32)
        for partition, tables in self._partitions(self._tables):
            vectors[self._dealing.rows(partition)] = self._trainer.result(tables, slice(None))
        return vectors

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the vectors to a npy file, in the row order of the graph, with bounded memory.

        Rows of a partition are all over the file. So it is made block by block, each as large as
        the partitions that were trained on at a time, and picks its rows from all partitions.

        Raises
        ------
        StoreError
            If it cannot be written, or a partition cannot be read.
        """
        path = Path(path).expanduser()
        shape = (self._dealing.n_nodes, self._trainer.n_columns)
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        try:
            with replaced_file(path) as temporary, temporary.open("xb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                for block in self._blocks():
                    file.write(block.data)
                    del block  # before there is another
        except StoreError:  # of reading
            raise
        except OSError as error:
            raise write_failed(path, error) from error

    def discard(self) -> None:
        """Delete the folder of the run, if it had one; its vectors are gone."""
        if isinstance(self._tables, RunFolder):
            self._tables.discard()

    def _blocks(self) -> Iterator[Table]:
        if isinstance(self._tables, InMemory):
            yield np.ascontiguousarray(self.to_array())
            return
        dealing, n_columns = self._dealing, self._trainer.n_columns
        n_blocks = -(-dealing.n_partitions // self._tables.buffer.capacity)
        size = -(-dealing.n_nodes // n_blocks)
        with progress(n_blocks * dealing.n_partitions, "writing", "partition") as done:
            for start in range(0, dealing.n_nodes, size):
                stop = min(start + size, dealing.n_nodes)
                block = np.empty((stop - start, n_columns), dtype=np.float32)
                for partition, tables in self._partitions(self._tables):
                    rows = dealing.rows(partition)
                    places = np.flatnonzero((start <= rows) & (rows < stop))
                    block[rows[places] - start] = self._trainer.result(tables, places)
                    done()
                yield block
                del block

    def _partitions(self, files: RunFolder) -> Iterator[tuple[int, Any]]:
        """Read one partition after the other into the same buffer."""
        buffer = files.tables.new_buffer()
        for partition in range(self._dealing.n_partitions):
            yield partition, files.read(partition, buffer)
