"""Features of nodes that any graph has: what a node's surroundings look like."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks, split_by_weight
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph

STRUCTURE_NAMES: Final = (
    "log1p out-degree",
    "log1p in-degree",
    "log1p strength",
    "log1p core number",
    "clustering coefficient",
    "return probability, 2 steps",
    "return probability, 3 steps",
    "return probability, 4 steps",
)
N_STRUCTURE: Final = len(STRUCTURE_NAMES)
HUB = 1000  # neighbours beyond which the walks through a node are bounded
BLOCKS = 64  # ranges of rows; no feature depends on it

Columns = npt.NDArray[np.float32]


def structural_features(graph: Graph, *, n_jobs: int | None = -1) -> Columns:
    r"""Return features that say what the surroundings of each node look like.

    Parameters
    ----------
    graph : Graph
        Several relations between two nodes are one edge with the sum of their weights. Negative
        weights count by their size.
    n_jobs : int or None, default=-1
        Threads; no bit of the result depends on it.

    Returns
    -------
    ndarray of shape (n_nodes, 8), float32
        In the order of ``STRUCTURE_NAMES``: the logarithms :math:`\log(1 + x)` of out-degree,
        in-degree, strength (sum of weights) and core number; the clustering coefficient; and the
        probabilities that a random walk is home after 2, 3 and 4 steps. Degrees follow the
        directions of a directed graph; everything else is of the graph without directions, whose
        opposite edges add up. Nodes without neighbours have 0 throughout.

    Notes
    -----
    No column knows node ids or the size of the graph, so that what is learned of one graph can be
    used on another; with the nodes in another order the rows are in that order, up to rounding.

    Everything is exact but the walks of 4 steps: those whose second or fourth node (the one before
    home) is a hub, with more than 1,000 neighbours and a step home of probability below 1/1000,
    are left out unless their third node is home. That is at most 2/1000 of all walks, since a
    walk and its reverse are equally probable, and bounds the time: O(1,000 n_edges).

    Self-loops are steps of a walk and entries of the degrees; core numbers and clustering
    coefficients leave them out.

    References
    ----------
    Watts & Strogatz (1998), Collective dynamics of 'small-world' networks, Nature 393.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.message_passing.structure import structural_features
    >>> triangle = Graph.from_edges(["a", "b", "c"], ["b", "c", "a"])
    >>> structural_features(triangle)[0, 4:].tolist()
    [1.0, 0.5, 0.25, 0.375]
    """
    edges = Edges.of(graph)
    degrees = np.diff(edges.indptr)
    outward, inward = degrees, degrees
    if graph.directed:
        merged = graph.without_relations()
        outward = merged.degrees
        inward = np.bincount(merged.indices, minlength=graph.n_nodes)
    # Most steps lead to nodes of high degree: side by side, they stay in the cache.
    order = np.argsort(-degrees, kind="stable")
    sorted_edges = edges.reordered(order)
    walks = np.empty((graph.n_nodes, 4))
    walks[order] = sorted_edges.walks_home(n_jobs=n_jobs)
    return _columns(
        outward, inward, edges.strengths, edges.core_numbers, degrees - edges.loops, walks
    )  # fmt: skip


def block_structure(block: Any, graph: "Graph | Edges", *, n_jobs: int | None = -1) -> Columns:
    """Return the structural features of new nodes, each as though it alone had been added.

    Parameters
    ----------
    block : sparse matrix of shape (n_new, n_nodes)
        The weights of the edges from new nodes to nodes of the graph, in its row order.
    graph : Graph or Edges
        With :class:`Edges`, which keep what they computed, later calls read only what is around
        the new nodes.
    n_jobs : int or None, default=-1
        Threads; no bit of the result depends on it.

    Returns
    -------
    ndarray of shape (n_new, 8), float32
        As of :func:`structural_features` on the graph with that node. Only the core number may be
        too small by 1: it is the largest k so that k neighbours had core numbers of at least k
        before the node came (1 at least, if there are neighbours).

    Raises
    ------
    GraphError
        If the block has not one column for each node of the graph.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from graphembed import Graph
    >>> from graphembed.message_passing.structure import block_structure
    >>> edge = Graph.from_edges(["a"], ["b"])
    >>> block_structure(sp.csr_array([[1.0, 1.0]]), edge)[0, 4:].tolist()
    [1.0, 0.5, 0.25, 0.375]
    """
    from graphembed.kernels.structure import h_indices

    edges = Edges.of(graph) if isinstance(graph, Graph) else graph
    rows = _rows(block, len(edges.strengths))
    degrees = np.diff(rows[0])
    inward = np.zeros_like(degrees) if edges.directed else degrees
    strengths = degrees.astype(np.float64) if rows[2] is None else _sums(rows[0], rows[2])
    cores = np.maximum(h_indices(*rows[:2], edges.core_numbers), degrees > 0)
    walks = edges.walks_home(rows, n_jobs=n_jobs)
    return _columns(degrees, inward, strengths, cores, degrees, walks)


@dataclass(frozen=True, eq=False)
class Edges:
    """A graph without directions, relations and signs of weights.

    Attributes
    ----------
    indptr, indices, weights : ndarray
        Symmetric CSR; no weights if all are 1.
    strengths : ndarray of shape (n_nodes,), float64
        Sums of weights.
    loops : ndarray of shape (n_nodes,), bool
        Whether each node is its own neighbour.
    directed : bool
        Whether the graph is.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32] | None
    strengths: npt.NDArray[np.float64]
    loops: npt.NDArray[np.bool_]
    directed: bool

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """Make them of any graph."""
        from graphembed.kernels.structure import find_loops

        # Signs go first: opposite weights would cancel.
        if graph.weights is not None and graph.weights.size and graph.weights.min() < 0:
            graph = graph._replace(weights=np.abs(graph.weights))
        if graph.features is not None:
            graph = graph._replace(features=None)
        plain = graph.without_relations().to_undirected()
        degrees = plain.degrees.astype(np.float64)
        strengths = degrees if plain.weights is None else _sums(plain.indptr, plain.weights)
        loops = find_loops(plain.indptr, plain.indices)
        return cls(plain.indptr, plain.indices, plain.weights, strengths, loops, graph.directed)

    @property
    def rows(self) -> tuple[Any, Any, Any]:
        """Indptr, indices and weights."""
        return self.indptr, self.indices, self.weights

    def reordered(self, order: npt.NDArray[np.int64]) -> Self:
        """Return the same edges with the nodes in another order."""
        from graphembed.kernels.structure import reordered

        indptr, indices, weights = reordered(*self.rows, order)
        return replace(
            self, indptr=indptr, indices=indices,
            weights=None if self.weights is None else weights,
            strengths=self.strengths[order], loops=self.loops[order],
        )  # fmt: skip

    @cached_property
    def core_numbers(self) -> npt.NDArray[np.int32]:
        """Core number of each node."""
        from graphembed.kernels.cores import core_numbers

        numbers: npt.NDArray[np.int32] = core_numbers(self.indptr, self.indices)
        return numbers

    def walks_home(
        self, new_rows: tuple[Any, Any, Any] | None = None, *, n_jobs: int | None
    ) -> npt.NDArray[np.float64]:
        """Return pairs of neighbours that are neighbours, and three return probabilities.

        Parameters
        ----------
        new_rows : tuple of indptr, indices and weights, optional
            Of nodes that are added, each alone; by default the walks start at the graph's own.
        n_jobs : int or None

        Returns
        -------
        ndarray of shape (n_rows, 4), float64
        """
        from graphembed.kernels import structure

        count_home: Any = structure.walks_home
        is_new = new_rows is not None
        rows = self.rows if new_rows is None else new_rows
        hub_degree, hubs = self._hubs_beside_new if is_new else self._hubs(HUB)
        found = np.empty((len(rows[0]) - 1, 4))
        steps = structure.count_steps(*rows[:2], self.indptr, hub_degree)
        run_blocks(
            lambda first, last: count_home(
                *rows, is_new, *self.rows, self.strengths, self.loops, *hubs, hub_degree, 1 / HUB,
                found, first, last,
            ),
            split_by_weight(steps, BLOCKS),
            n_jobs=n_jobs,
        )  # fmt: skip
        return found

    @cached_property
    def _hubs_beside_new(self) -> tuple[int, tuple[Any, ...]]:
        return self._hubs(HUB - 1)  # a new node is one neighbour more

    def _hubs(self, degree: int) -> tuple[int, tuple[Any, ...]]:
        """Return the degree beyond which nodes are hubs, and the entries between these."""
        from graphembed.kernels.structure import hub_entries

        hubs = hub_entries(*self.rows, degree)
        return degree, hubs if self.weights is not None else (*hubs[:3], None)


def _rows(block: Any, n_nodes: int) -> tuple[Any, Any, Any]:
    matrix = sp.csr_array(block)
    if matrix.shape[1] != n_nodes:
        raise GraphError(
            f"A block of new nodes must have {n_nodes} columns, one for each node of the graph; "
            f"got {matrix.shape[1]}."
        )
    matrix = abs(matrix)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    weights = None if np.all(matrix.data == 1) else matrix.data.astype(np.float32)
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), weights


def _sums(
    indptr: npt.NDArray[np.int64], weights: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the sum of each row's weights."""
    sums = np.zeros(len(indptr) - 1)
    filled = np.flatnonzero(np.diff(indptr))
    if len(filled):
        sums[filled] = np.add.reduceat(weights, indptr[filled], dtype=np.float64)
    return sums


def _columns(
    outward: Any, inward: Any, strengths: Any, cores: Any, neighbors: Any, walks: Any
) -> Columns:
    pairs = np.maximum(neighbors * (neighbors - 1), 1)
    logs = np.log1p(np.column_stack([outward, inward, strengths, cores]))
    return np.column_stack([logs, walks[:, 0] / pairs, walks[:, 1:]]).astype(np.float32)
