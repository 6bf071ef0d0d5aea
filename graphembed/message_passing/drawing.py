"""One hop: whom each of some nodes hears, and the numbering of those who were found."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.engine.local import effective_n_jobs, run_blocks, split_by_weight
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.message_passing.block import Pointers, Rows

ALL = 2**62  # more neighbours than a node can have
SPAN = 1024  # targets that one thread takes at a time, at most
SPANS_PER_THREAD = 4
ROW_BLOCKS = 32


class Messages(NamedTuple):
    """What some targets hear.

    Attributes
    ----------
    indptr : ndarray of shape (n_targets + 1,), int64
        Where the messages to each target start.
    neighbors : ndarray of shape (n_messages,), int32
        Rows of the graph that send, ascending for each target; positions, once numbered.
    entries : ndarray of shape (n_messages,), int64
        Entries of the adjacency.
    """

    indptr: Pointers
    neighbors: Rows
    entries: Pointers


class NeighborDraws:
    """Draws neighbours in a graph, and numbers them.

    Parameters
    ----------
    graph : Graph
        Row ``i`` lists those whom node ``i`` hears; no relations.
    weighted : bool
        Draw in proportion to the weights.
    seed : int
        64 bits.
    n_jobs : int or None
        Threads.

    Raises
    ------
    GraphError
        If neighbours are to be drawn by weights and one is negative.
    """

    def __init__(self, graph: Graph, *, weighted: bool, seed: int, n_jobs: int | None) -> None:
        self.n_nodes: int = graph.n_nodes
        self.seed = np.uint64(seed)
        self._n_jobs = n_jobs
        self._n_threads = effective_n_jobs(n_jobs)
        self._table: npt.NDArray[np.uint64] | None = None
        if weighted and graph.weights is not None:
            graph = _without_zeros(graph)
            self._table = _alias_table(graph, n_jobs)
        self.graph = graph
        self._idle: list[Rows] = []

    @contextmanager
    def numbering(self, seeds: Rows) -> Iterator[Rows]:
        """Lend an array in which the position of each seed is written at its row.

        Raises
        ------
        ValueError
            If a seed is there twice.
        """
        from graphembed.kernels.sampling import number_rows

        try:
            places = self._idle.pop()
        except IndexError:  # each sample that is being made needs its own
            places = np.zeros(self.n_nodes, dtype=np.int32)
        try:
            twice = number_rows(seeds, places)
            if twice >= 0:
                raise ValueError(
                    f"Row {seeds[twice]} is there twice; take np.unique(rows) and spread the "
                    "results by its inverse."
                )
            yield places
        finally:
            self._idle.append(places)

    def draw(
        self, targets: Rows, fanout: int, *, epoch: int, hop: int, excluded: Pointers
    ) -> Messages:
        """Draw whom some nodes hear.

        Parameters
        ----------
        targets : ndarray of shape (n_targets,), int32
        fanout : int
            The most neighbours of a node; -1 for all.
        epoch, hop : int
            Sources of randomness, beside the seed.
        excluded : ndarray of shape (n_excluded,), int64
            From :func:`check_exclude`.
        """
        from graphembed.kernels.sampling import count_neighbors, draw_neighbors

        graph = self.graph
        rows = graph.indptr, graph.indices
        n_targets = len(targets)
        size = -(-n_targets // (SPANS_PER_THREAD * self._n_threads))
        size = min(max(size, SPAN // 16), SPAN)
        spans = [(i, min(i + size, n_targets)) for i in range(0, n_targets, size)]

        indptr = np.zeros(n_targets + 1, dtype=np.int64)
        most = ALL if fanout < 0 else fanout
        count = partial(count_neighbors, *rows, excluded, most, targets, indptr[1:])
        run_blocks(count, spans, n_jobs=self._n_jobs)
        np.cumsum(indptr, out=indptr)

        entries = np.empty(indptr[-1], dtype=np.int64)
        neighbors = np.empty(indptr[-1], dtype=np.int32)
        weights = None if self._table is None else graph.weights
        choose = partial(
            draw_neighbors, *rows, weights, self._table, excluded, self.seed, np.uint64(epoch),
            hop, targets, indptr, entries, neighbors,
        )  # fmt: skip
        run_blocks(choose, spans, n_jobs=self._n_jobs)
        return Messages(indptr, neighbors, entries)

    def number(self, messages: Messages, places: Rows, known: Rows) -> Rows:
        """Turn the neighbours of messages into positions; return known rows and new ones."""
        from graphembed.kernels.sampling import relabel

        sources = np.empty(len(known) + len(messages.neighbors), dtype=np.int32)
        sources[: len(known)] = known
        n_sources = relabel(messages.neighbors, places, sources, len(known))
        return sources[:n_sources].copy()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_idle": []}


def _alias_table(graph: Graph, n_jobs: int | None) -> npt.NDArray[np.uint64]:
    from graphembed.kernels.alias import build_alias

    table = np.empty(len(graph.indices), dtype=np.uint64)
    build = partial(build_alias, graph.indptr, graph.weights, table)
    run_blocks(build, split_by_weight(graph.indptr, ROW_BLOCKS), n_jobs=n_jobs)
    return table


def _without_zeros(graph: Graph) -> Graph:
    weights = graph.weights
    if weights is None or not len(weights) or weights.min() > 0:
        return graph
    if weights.min() < 0:
        raise GraphError(
            "Drawing neighbours by weight needs non-negative edge weights; the smallest is "
            f"{weights.min():g}. Drop such edges, or take the absolute values."
        )
    matrix = graph.adjacency.copy()
    matrix.eliminate_zeros()
    return Graph(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data,
        nodes=graph.node_index, directed=graph.directed,
    )  # fmt: skip


def check_rows(rows: Any, n_nodes: int) -> Rows:
    """Return row numbers as the kernels read them.

    Raises
    ------
    ValueError
        If they are not row numbers of a graph with so many nodes.
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise ValueError(
            f"rows must be a one-dimensional array of ints; got {rows.dtype} of shape {rows.shape}."
        )
    _check_range("rows", rows, n_nodes)
    return np.ascontiguousarray(rows, dtype=np.int32)


def check_exclude(pairs: Any, n_nodes: int) -> Pointers:
    """Return each pair of rows in both directions, as numbers ``row << 32 | other``, ascending.

    Raises
    ------
    ValueError
        If they are not pairs of row numbers of a graph with so many nodes.
    """
    pairs = np.empty((0, 2), dtype=np.int64) if pairs is None else np.asarray(pairs)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs.size and pairs.dtype.kind not in "iu"):
        raise ValueError(
            "exclude must be pairs of row numbers, an array of ints of shape (n, 2); got "
            f"{pairs.dtype} of shape {pairs.shape}."
        )
    _check_range("exclude", pairs, n_nodes)
    left, right = pairs.T.astype(np.int64)
    return np.unique(np.concatenate([left << 32 | right, right << 32 | left]))


def _check_range(name: str, rows: npt.NDArray[Any], n_nodes: int) -> None:
    if rows.size and not 0 <= rows.min() <= rows.max() < n_nodes:
        raise ValueError(
            f"{name} must be row numbers of the graph, 0 to {n_nodes - 1}; got values from "
            f"{rows.min()} to {rows.max()}."
        )
