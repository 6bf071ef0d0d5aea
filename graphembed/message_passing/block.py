"""Who hears whom in one layer: bipartite blocks, and samples made of several."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.graph.graph import Graph

Rows = npt.NDArray[np.int32]
Pointers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32]

DIRECTIONS = ("in", "out", "both")


class Pattern(NamedTuple):
    """Where the entries of a transposed matrix are: of messages by source, who hears each.

    Attributes
    ----------
    indptr : ndarray of shape (n_columns + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        Rows of the matrix, ascending for each of its columns.
    order : ndarray of shape (n_entries,), int32 (int64 of very many)
        Which entry of the matrix each is: ``weights[order]`` are the weights.
    """

    indptr: Pointers
    indices: Rows
    order: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Block:
    r"""Messages from sources to targets, as a sparse matrix of targets by sources.

    The targets are the first ``n_targets`` sources, so that a layer that needs a node's own row
    finds it in place: ``H[: block.n_targets]``. Those whom target ``i`` hears are

    .. code-block:: python

        block.indices[block.indptr[i] : block.indptr[i + 1]]

    Parameters
    ----------
    sources : ndarray of shape (n_sources,), int32
        Rows of the graph; none twice.
    n_targets : int
    indptr : ndarray of shape (n_targets + 1,), int64
        Where the messages to each target start.
    indices : ndarray of shape (n_messages,), int32
        Positions among the sources. Those of one target ascend by their rows in the graph (not by
        position), so that a sum over them does not depend on what else is in the block.
    weights : ndarray of shape (n_messages,), float32, optional
        Weights of the edges; None if the graph has none.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.message_passing.block import Block
    >>> block = Block.full(ge.Graph.from_edges(["a", "b"], ["b", "c"]))
    >>> block.n_targets, block.indptr, block.indices
    (3, array([0, 1, 3, 4]), array([1, 0, 2, 1], dtype=int32))
    """

    sources: Rows
    n_targets: int
    indptr: Pointers
    indices: Rows
    weights: Weights | None = None

    @classmethod
    def full(cls, graph: Graph, *, direction: str = "in") -> "Block":
        """Return the block in which every node hears all its neighbours.

        Parameters
        ----------
        graph : Graph
            Edges of several relations between the same nodes are merged.
        direction : {"in", "out", "both"}, default="in"
            Whom a node of a directed graph hears: those with an edge to it, those it has an edge
            to, or both.
        """
        heard = listening(graph, direction)
        rows = np.arange(heard.n_nodes, dtype=np.int32)
        return cls(rows, heard.n_nodes, heard.indptr, heard.indices, heard.weights)

    @property
    def n_sources(self) -> int:
        """Number of nodes that may send."""
        return len(self.sources)

    @property
    def n_messages(self) -> int:
        """Number of edges that are used."""
        return len(self.indices)

    @property
    def targets(self) -> Rows:
        """Rows of the graph that receive, the first of :attr:`sources`."""
        return self.sources[: self.n_targets]

    def transposed(self) -> Pattern:
        """Return the messages by source, made once: what the gradient of a sum walks along."""
        return self._transposed

    @cached_property
    def _transposed(self) -> Pattern:
        return transposed_pattern(self.indptr, self.indices, self.n_sources)


@dataclass(frozen=True, eq=False)
class Sample:
    """Neighbourhoods of some nodes, several hops deep.

    Parameters
    ----------
    seeds : ndarray of shape (n_seeds,), int32
        Rows of the graph, none twice.
    blocks : tuple of Block
        In the order in which layers apply: the last one's targets are the seeds, and the targets
        of each are the sources of the next.
    """

    seeds: Rows
    blocks: tuple[Block, ...]

    @property
    def rows(self) -> Rows:
        """Rows of the graph whose features the first layer reads."""
        return self.blocks[0].sources if self.blocks else self.seeds

    @property
    def n_messages(self) -> int:
        """Number of edges in all blocks."""
        return sum(block.n_messages for block in self.blocks)


def listening(graph: Graph, direction: str) -> Graph:
    """Return the graph whose row ``i`` lists those whom node ``i`` hears.

    Parameters
    ----------
    graph : Graph
    direction : {"in", "out", "both"}
        See :meth:`Block.full`.

    Raises
    ------
    ValueError
        If the direction is unknown.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"Unknown direction {direction!r} (known: {', '.join(DIRECTIONS)}).")
    graph = graph.without_relations()
    if not graph.directed or direction == "out":
        return graph
    return graph.reverse() if direction == "in" else graph.to_undirected()


def transposed_pattern(indptr: Pointers, indices: Rows, n_columns: int) -> Pattern:
    """Return where the entries of a sparse matrix are in its transpose.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        Columns, those of a row in any order.
    n_columns : int
    """
    n_entries = len(indices)
    order: Any = np.arange(n_entries, dtype=np.int32 if n_entries < 1 << 31 else np.int64)
    shape = (len(indptr) - 1, n_columns)
    turned: Any = sp.csr_array((order, indices, indptr), shape=shape).tocsc()
    return Pattern(
        turned.indptr.astype(np.int64), turned.indices.astype(np.int32, copy=False), turned.data
    )
