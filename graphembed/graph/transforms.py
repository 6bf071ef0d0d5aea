"""Graphs made from graphs: subgraphs, cores, partitions and their quotients, unions."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from graphembed.exceptions import GraphError
from graphembed.graph.builders import from_rows
from graphembed.graph.coarsening import Level
from graphembed.graph.graph import Features, Graph
from graphembed.graph.ids import NodeIndex
from graphembed.random_state import RandomStateLike, check_random_state, draw_key

Labels = npt.NDArray[np.int32]

_CAREFUL = 16  # groups per part below which only the better half of the merges is made


def subgraph(graph: Graph, rows: npt.ArrayLike) -> Graph:
    """Return the graph of some nodes and the edges between them.

    Parameters
    ----------
    graph : Graph
    rows : array-like of int or bool
        Row numbers of the nodes to keep, or one bool for each node. The nodes stay in the order
        of the graph; a row given twice counts once.

    Returns
    -------
    Graph
        With the ids, weights, relations and features of what is kept.

    Raises
    ------
    GraphError
        If no node is kept.
    IndexError
        If a row number is negative or too large.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import subgraph
    >>> path = Graph.from_edges(["a", "b", "c"], ["b", "c", "d"])
    >>> subgraph(path, [3, 1, 2]).to_frame("pyarrow").to_pylist()
    [{'source': 'b', 'target': 'c'}, {'source': 'c', 'target': 'd'}]
    """
    keep = _row_mask(rows, graph.n_nodes)
    if keep.all():
        return graph
    kept = np.flatnonzero(keep)
    if len(kept) == 0:
        raise GraphError("A subgraph needs at least one node; no row was given.")
    new_row = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    entries = np.repeat(keep, graph.degrees)
    entries &= keep[graph.indices]
    n_before = np.concatenate([[0], np.cumsum(entries, dtype=np.int64)])
    stops = n_before[graph.indptr[kept + 1]]
    return graph._replace(
        indptr=np.concatenate([np.zeros(1, dtype=np.int64), stops]),
        indices=new_row[graph.indices[entries]],
        weights=None if graph.weights is None else graph.weights[entries],
        edge_types=None if graph.edge_types is None else graph.edge_types[entries],
        nodes=NodeIndex.from_ids(graph.node_index.to_arrow().take(kept)),
        features=None if graph.features is None else graph.features[kept],
    )


def largest_component(graph: Graph) -> Graph:
    """Return the largest connected component (weakly connected, if the graph is directed).

    Of components of equal size it is the one with the smallest row number.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    Graph
        As :func:`subgraph` returns it; a connected graph is returned itself.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import largest_component
    >>> largest_component(Graph.from_edges([0, 2, 3], [1, 3, 4])).nodes.tolist()
    [2, 3, 4]
    """
    if graph.n_nodes == 0:
        return graph
    _, labels = connected_components(graph.adjacency, directed=graph.directed, connection="weak")
    sizes = np.bincount(labels)
    largest = np.flatnonzero(sizes == sizes.max())
    first_row = np.argmax(np.isin(labels, largest))
    return subgraph(graph, labels == labels[first_row])


def core_numbers(graph: Graph) -> npt.NDArray[np.int32]:
    """Return the largest k for which each node is in the k-core.

    The k-core is the largest subgraph in which every node has at least k neighbours. Directions,
    weights, relations and self-loops do not count.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    ndarray of shape (n_nodes,), int32
        In row order.

    References
    ----------
    Batagelj & Zaversnik (2003), An O(m) Algorithm for Cores Decomposition of Networks.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import core_numbers
    >>> core_numbers(Graph.from_edges([0, 1, 2, 2], [1, 2, 0, 3]))
    array([2, 2, 2, 1], dtype=int32)
    """
    from graphembed.kernels import cores

    # Weights go first: opposite ones would cancel.
    plain = graph._replace(weights=None, features=None).without_relations()
    plain = plain._replace(weights=None).to_undirected()
    numbers: npt.NDArray[np.int32] = cores.core_numbers(plain.indptr, plain.indices)
    return numbers


def k_core(graph: Graph, k: int) -> Graph:
    """Return the k-core: the largest subgraph in which every node has at least k neighbours.

    Parameters
    ----------
    graph : Graph
        Directions, weights, relations and self-loops do not count.
    k : int
        At least 0.

    Returns
    -------
    Graph
        As :func:`subgraph` returns it.

    Raises
    ------
    GraphError
        If no node is in the k-core.
    ValueError
        If k is negative or not an int.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import k_core
    >>> k_core(Graph.from_edges([0, 1, 2, 2], [1, 2, 0, 3]), 2)
    Graph(n_nodes=3, n_edges=3, undirected, unweighted)
    """
    _check_int("k", k, 0)
    numbers = core_numbers(graph)
    largest = int(numbers.max(initial=0))
    if k > largest:
        raise GraphError(f"{graph!r} has no {k}-core. Ask for one with k up to {largest}.")
    return subgraph(graph, numbers >= k)


def quotient_graph(graph: Graph, labels: npt.ArrayLike) -> Graph:
    """Merge the nodes of each part into one.

    Parameters
    ----------
    graph : Graph
    labels : array-like of shape (n_nodes,), int
        Part of each node, from 0.

    Returns
    -------
    Graph
        Nodes ``0 .. n_parts - 1``, directed if the graph is. The weight of an edge is the sum of
        the weights between two parts (their number, if the graph is unweighted), that of a
        self-loop the sum inside a part: so the total stays the same. Relations are added up, and
        features are left out.

    Raises
    ------
    GraphError
        If there is not one label for each node, or a label is not a non-negative int.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import quotient_graph
    >>> square = Graph.from_edges([0, 1, 2, 3], [1, 2, 3, 0])
    >>> quotient_graph(square, [0, 0, 1, 1]).adjacency.toarray()
    array([[1., 2.],
           [2., 1.]], dtype=float32)
    """
    parts = np.asarray(labels)
    if parts.shape != (graph.n_nodes,) or (parts.size and parts.dtype.kind not in "iu"):
        raise GraphError(
            f"labels must be {graph.n_nodes} ints, one for each node; got an array of shape "
            f"{parts.shape} and dtype {parts.dtype}."
        )
    if parts.size and parts.min() < 0:
        raise GraphError(f"labels must not be negative; got {parts.min()}.")
    edges = graph.edges()
    return from_rows(
        parts[edges[:, 0]],
        parts[edges[:, 1]],
        weights=graph.edge_weights(),
        nodes=NodeIndex.range(int(parts.max(initial=-1)) + 1),
        directed=graph.directed,
    )


def partition(
    graph: Graph,
    n_parts: int,
    *,
    random_state: RandomStateLike = 0,
    n_jobs: int | None = -1,
) -> Labels:
    r"""Cut a graph into parts with much weight inside and little between them.

    Nodes are merged level by level: neighbours that rate each other highest pair up, by

    .. math:: r(i, j) = \frac{w_{ij}}{d_i d_j}

    with :math:`d_i` the total weight at a node; what is left over joins a neighbour's pair (the
    leaves of a star would need as many levels otherwise); each group becomes one node of the next
    level. Merging stops at ``n_parts`` groups, and the best merges go first.

    Parameters
    ----------
    graph : Graph
        With non-negative weights. Directions are left out, and weights of relations summed.
    n_parts : int
        Number of parts wanted, at least 1.
    random_state : None, int, SeedSequence, Generator or RandomState, default=0
        Decides ties. An int gives the same parts each time.
    n_jobs : int or None, default=-1
        Threads; the result does not depend on it.

    Returns
    -------
    ndarray of shape (n_nodes,), int32
        Part of each node, numbered from 0 in the order of their first nodes.

    Raises
    ------
    GraphError
        If a weight is negative.
    ValueError
        If ``n_parts`` is not a positive int.

    Notes
    -----
    A connected graph of at least ``n_parts`` nodes has exactly ``n_parts`` parts, each connected.
    Nothing is merged over a gap: components that cannot be merged further are parts of their own,
    and those with fewer than half of the ``n_nodes / n_parts`` nodes of a mean part (isolated
    nodes, say) come on top of ``n_parts``.

    Ties go by a hash of ids, and all sums of weights are exact; so the parts do not depend on the
    order of nodes and edges. Time O(n_edges) for each of about log(n_nodes / n_parts) levels,
    memory O(n_edges).

    References
    ----------
    Karypis & Kumar (1998), A Fast and High Quality Multilevel Scheme for Partitioning Irregular
    Graphs, SIAM J. Sci. Comput. 20 (1).

    Lin et al. (2020), Initialization for Network Embedding: A Graph Partition Approach, WSDM.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import partition
    >>> triangles = Graph.from_edges([0, 1, 2, 2, 3, 4, 5], [1, 2, 0, 3, 4, 5, 3])
    >>> partition(triangles, 2)
    array([0, 0, 0, 1, 1, 1], dtype=int32)
    """
    _check_int("n_parts", n_parts, 1)
    key = draw_key(check_random_state(random_state))
    level = Level.of(graph, key)
    labels = np.arange(graph.n_nodes, dtype=np.int32)
    while True:
        n_counted = level.count(graph.n_nodes / n_parts)
        if n_counted <= n_parts:
            break
        groups = level.merge(n_counted - n_parts, n_counted < _CAREFUL * n_parts, n_jobs)
        if groups.max() + 1 == level.n_groups:
            break  # nothing is left to merge
        level = level.contract(groups, n_jobs)
        labels = groups[labels]
    return _numbered(labels)


def disjoint_union(graphs: Sequence[Graph]) -> Graph:
    """Return one graph with the nodes and edges of several, and no edges between them.

    Parameters
    ----------
    graphs : sequence of Graph
        At least one, all directed or none, all with the same number of features, dense or sparse,
        or none with features, and all with the same relations. An unweighted graph beside
        weighted ones has weights of 1.

    Returns
    -------
    Graph
        The rows of the first graph, then those of the second, and so on. Nodes keep their ids if
        no two graphs share one and all are ints or all strings; else they are 0, 1, ...

    Raises
    ------
    GraphError
        If the graphs do not match.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.graph.transforms import disjoint_union
    >>> edge = Graph.from_edges(["a"], ["b"])
    >>> disjoint_union([edge, Graph.from_edges(["c"], ["d"])]).nodes.tolist()
    ['a', 'b', 'c', 'd']
    >>> disjoint_union([edge, edge]).edges().tolist()
    [[0, 1], [2, 3]]
    """
    graphs = list(graphs)
    if not graphs:
        raise GraphError("A union needs at least one graph; none was given.")
    first = graphs[0]
    if len(graphs) == 1:
        return first
    _check_same("kind", ["directed" if graph.directed else "undirected" for graph in graphs])
    _check_same("relations", [graph.relations for graph in graphs])
    n_nodes = sum(graph.n_nodes for graph in graphs)
    if n_nodes > np.iinfo(np.int32).max:
        raise GraphError(f"A Graph holds at most {np.iinfo(np.int32).max} nodes; got {n_nodes}.")
    starts = np.cumsum([0, *(graph.n_nodes for graph in graphs)]).tolist()
    ends = np.cumsum([0, *(len(graph.indices) for graph in graphs)]).tolist()
    indptr = [graph.indptr[1:] + end for graph, end in zip(graphs, ends, strict=False)]
    indices = [
        graph.indices + np.int32(start) for graph, start in zip(graphs, starts, strict=False)
    ]
    weights = None
    if any(graph.weighted for graph in graphs):
        weights = np.concatenate([_weights(graph) for graph in graphs])
    return Graph(
        np.concatenate([np.zeros(1, dtype=np.int64), *indptr]),
        np.concatenate(indices),
        weights,
        nodes=_joined_ids([graph.node_index for graph in graphs], n_nodes),
        directed=first.directed,
        edge_types=_joined([graph.edge_types for graph in graphs]),
        relations=first.relations,
        features=_joined_features([graph.features for graph in graphs]),
    )


def _joined(parts: list[Any]) -> Any:
    return None if parts[0] is None else np.concatenate(parts)


def _weights(graph: Graph) -> Any:
    return np.ones(len(graph.indices), np.float32) if graph.weights is None else graph.weights


def _joined_ids(parts: list[NodeIndex], n_nodes: int) -> NodeIndex:
    if len({part.kind == "str" for part in parts}) > 1:
        return NodeIndex.range(n_nodes)
    if parts[0].kind == "str":
        ids = pa.chunked_array([part.to_arrow() for part in parts])
        n_distinct = pc.count_distinct(ids).as_py()
    else:
        ids = np.concatenate([part.to_numpy() for part in parts])
        n_distinct = len(np.unique(ids))
    return NodeIndex.from_ids(ids) if n_distinct == n_nodes else NodeIndex.range(n_nodes)


def _joined_features(parts: list[Any]) -> Features | None:
    _check_same("features", [_form(part) for part in parts])
    if sp.issparse(parts[0]):
        return sp.csr_array(sp.vstack(parts, format="csr"))
    joined: Features | None = _joined(parts)
    return joined


def _form(features: Features | None) -> str:
    if features is None:
        return "none"
    kind = "sparse" if sp.issparse(features) else "dense"
    return f"{features.shape[1]} {kind} columns"


def _check_same(what: str, found: list[Any]) -> None:
    for number, value in enumerate(found):
        if value != found[0]:
            raise GraphError(
                f"The graphs of a union must agree in their {what}; got {found[0]} at position 0 "
                f"and {value} at position {number}."
            )


def _numbered(labels: Labels) -> Labels:
    """Return labels numbered in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[inverse]


def _row_mask(rows: npt.ArrayLike, n_nodes: int) -> npt.NDArray[np.bool_]:
    chosen = np.asarray(rows)
    if chosen.dtype == bool:
        if chosen.shape != (n_nodes,):
            raise IndexError(f"A mask must have the shape ({n_nodes},); got {chosen.shape}.")
        return chosen
    chosen = chosen.astype(np.int64, casting="same_kind") if chosen.size else chosen.astype(int)
    if chosen.size and (chosen.min() < 0 or chosen.max() >= n_nodes):
        raise IndexError(
            f"Rows must lie in 0 .. {n_nodes - 1}; got {chosen.min()} .. {chosen.max()}."
        )
    mask = np.zeros(n_nodes, dtype=bool)
    mask[chosen] = True
    return mask


def _check_int(name: str, value: Any, low: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} must be an int of at least {low}; got {value!r}.")
