"""A spanning tree of any graph: what a tree embedding lays out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse import csgraph

from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SpanningTree:
    """A tree, or a forest, on the nodes of a graph.

    Parameters
    ----------
    parents : ndarray of shape (n_nodes,), int64
        Row of each node's parent; -1 for a root.
    lengths : ndarray of shape (n_nodes,), float64
        Length of the edge to the parent; 0 for a root.
    """

    parents: Rows
    lengths: npt.NDArray[np.float64]

    @property
    def roots(self) -> Rows:
        """Rows without a parent, ascending."""
        return np.flatnonzero(self.parents < 0)

    @cached_property
    def levels(self) -> list[Rows]:
        """Rows by their number of edges to the root, siblings side by side."""
        order = np.argsort(self.parents, kind="stable")
        first = np.searchsorted(self.parents[order], np.arange(len(order) + 1))
        levels, level = [], self.roots
        while len(level):
            levels.append(level)
            level = order[_ranges(first[level], first[level + 1])]
        return levels

    @cached_property
    def n_children(self) -> Rows:
        """Number of children of each node."""
        return np.bincount(self.parents[self.parents >= 0], minlength=len(self.parents))

    @cached_property
    def depths(self) -> npt.NDArray[np.float64]:
        """Length of the path to the root."""
        depths = np.zeros(len(self.parents))
        for level in self.levels[1:]:
            depths[level] = depths[self.parents[level]] + self.lengths[level]
        return depths


def spanning_tree(graph: Graph, root: int | None = None, *, weighted: bool = False) -> SpanningTree:
    """Return a spanning tree, one for each component.

    A directed graph without cycles is a hierarchy whose edges lead to parents: of its parents a
    node keeps the deepest, that is, the one that most steps lead up from. Of the closure of a tree
    this is the tree itself. Any other graph is searched breadth first, directions apart.

    Parameters
    ----------
    graph : Graph
        Self-loops are passed over.
    root : int, optional
        Row where the search begins, also in a hierarchy. By default it is the middle of a longest
        path of the search: of a tree, its centre, which halves the depth.
    weighted : bool, default=False
        Whether weights are lengths; otherwise every edge has length 1.

    Returns
    -------
    SpanningTree
        Of parents that are equally good, the first is taken.
    """
    matrix = sp.csr_array(
        (graph.adjacency.data.astype(np.float64), graph.indices, graph.indptr),
        shape=(graph.n_nodes, graph.n_nodes),
    ) if graph.edge_types is None else graph.adjacency.astype(np.float64)  # fmt: skip
    if not weighted:
        matrix = sp.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), matrix.shape)
    elif matrix.nnz and matrix.data.min() <= 0:
        raise GraphError("Weights that are lengths must be positive.")
    hierarchy = _deepest_parents(matrix) if graph.directed and root is None else None
    parents = _search(matrix, root, weighted=weighted) if hierarchy is None else hierarchy
    return SpanningTree(parents, _lengths(matrix, parents))


def _deepest_parents(matrix: sp.csr_array) -> Rows | None:
    """Return the deepest parent of each node; None if there is a cycle."""
    n_nodes = matrix.shape[0]
    sources = np.repeat(np.arange(n_nodes), np.diff(matrix.indptr))
    targets = matrix.indices.astype(np.int64)
    sources, targets = sources[sources != targets], targets[sources != targets]
    below = sp.csr_array(
        (np.ones(len(sources), dtype=np.int8), (targets, sources)), (n_nodes, n_nodes)
    )
    waiting = np.bincount(sources, minlength=n_nodes)  # for so many parents
    depths = np.full(n_nodes, -1)
    level, depth = np.flatnonzero(waiting == 0), 0
    while len(level):
        depths[level] = depth
        reached = below.indices[_ranges(below.indptr[level], below.indptr[level + 1])]
        waiting -= np.bincount(reached, minlength=n_nodes)
        level = np.unique(reached[waiting[reached] == 0])
        depth += 1
    if (depths < 0).any():
        return None
    parents = np.full(n_nodes, -1)
    deepest = depths[sources] == depths[targets] + 1
    # In reverse, so that the first of equals is written last.
    parents[sources[deepest][::-1]] = targets[deepest][::-1]
    return parents


def _search(matrix: sp.csr_array, root: int | None, *, weighted: bool) -> Rows:
    """Return the parents of a search from the middle of each component, or from ``root``."""
    both = sp.csr_array(matrix.maximum(matrix.T) if _one_way(matrix) else matrix)
    _, labels = csgraph.connected_components(both, directed=False)
    _, starts = np.unique(labels, return_index=True)
    for _ in range(2):  # from one end of a long path to the other
        parents, distances = _parents_from(both, starts, weighted=weighted)
        starts = _farthest(distances, labels)
    middles = _walk_up(parents, distances, starts)
    if root is not None:
        middles[labels[root]] = root
    return _parents_from(both, middles, weighted=weighted)[0]


def _one_way(matrix: sp.csr_array) -> bool:
    return bool(abs(matrix - matrix.T).max() > 0) if matrix.nnz else False


def _parents_from(
    both: sp.csr_array, starts: Rows, *, weighted: bool
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Return parents and distances of a search from several starts at once."""
    n_nodes = both.shape[0]
    parents: Rows = np.full(n_nodes, -1, dtype=np.int64)
    distances: npt.NDArray[np.float64] = np.full(n_nodes, -1.0)
    if weighted:
        distances, found, _ = csgraph.dijkstra(
            both, indices=starts, min_only=True, return_predecessors=True
        )
        return np.maximum(found, -1).astype(np.int64), distances
    distances[starts] = 0.0
    level, depth = np.sort(starts), 0
    while len(level):
        depth += 1
        reached = both.indices[_ranges(both.indptr[level], both.indptr[level + 1])]
        above = np.repeat(level, np.diff(both.indptr)[level])
        new = distances[reached] < 0
        level, first = np.unique(reached[new], return_index=True)
        parents[level], distances[level] = above[new][first], depth
    return parents, distances


def _farthest(distances: npt.NDArray[np.float64], labels: npt.NDArray[np.int32]) -> Rows:
    """Return the first of the farthest nodes of each component."""
    order = np.lexsort((-np.arange(len(labels)), distances, labels))
    last = np.append(np.flatnonzero(np.diff(labels[order])), len(order) - 1)
    ends: Rows = order[last]
    return ends


def _walk_up(parents: Rows, distances: npt.NDArray[np.float64], ends: Rows) -> Rows:
    """Return the node in the middle of the path from each end up to its root."""
    middles, half = ends.copy(), distances[ends] / 2
    while True:
        above = parents[middles]
        # One step more if that is nearer to the middle.
        nearer = (above >= 0) & (
            np.abs(distances[above] - half) < np.abs(distances[middles] - half)
        )
        if not nearer.any():
            return middles
        middles = np.where(nearer, above, middles)


def _lengths(matrix: sp.csr_array, parents: Rows) -> npt.NDArray[np.float64]:
    """Return the length of the edge between each node and its parent, whichever way it leads."""
    lengths = np.zeros(len(parents))
    below = np.flatnonzero(parents >= 0)
    if len(below):
        there = np.asarray(matrix[below, parents[below]], dtype=np.float64).ravel()
        back = np.asarray(matrix[parents[below], below], dtype=np.float64).ravel()
        lengths[below] = np.maximum(there, back)
    return lengths


def _ranges(first: npt.NDArray[np.integer], last: npt.NDArray[np.integer]) -> Rows:
    """Return the numbers of all ranges ``first[i] .. last[i] - 1``, one after the other."""
    sizes = (last - first).astype(np.int64)
    offsets = np.repeat(first.astype(np.int64) - np.cumsum(sizes) + sizes, sizes)
    return offsets + np.arange(len(offsets))
