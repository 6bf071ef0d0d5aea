"""Undirected counterparts of directed graphs, for methods that need a symmetric matrix."""

import numpy as np
import scipy.sparse as sp

from graphembed.graph.graph import Graph


def symmetric_part(graph: Graph) -> Graph:
    r"""Return a graph whose adjacency is :math:`(A + A^T) / 2`.

    The same graph if it is undirected, or if its adjacency is symmetric as it is.

    Parameters
    ----------
    graph : Graph

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.factorization.symmetry import symmetric_part
    >>> symmetric_part(Graph.from_edges([0, 1, 1], [1, 0, 2], directed=True)).to_scipy().toarray()
    array([[0. , 1. , 0. ],
           [1. , 0. , 0.5],
           [0. , 0.5, 0. ]], dtype=float32)
    """
    if not graph.directed or _is_symmetric(graph):
        return graph
    adjacency = graph.adjacency
    # Halved first: a weight near the limit of float32 must not overflow.
    half = sp.csr_array(
        (adjacency.data * np.float32(0.5), adjacency.indices, adjacency.indptr), adjacency.shape
    )
    return Graph.from_scipy(half + half.T, nodes=graph.node_index, directed=False)


def reversed_graph(graph: Graph) -> Graph:
    """Return the graph with every edge turned round; one without directions is its own.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.factorization.symmetry import reversed_graph
    >>> reversed_graph(Graph.from_edges([0], [1], directed=True)).to_scipy().toarray()
    array([[0., 0.],
           [1., 0.]], dtype=float32)
    """
    if not graph.directed:
        return graph
    turned = sp.csr_array(graph.adjacency.T)
    return Graph(
        turned.indptr.astype(np.int64, copy=False), turned.indices.astype(np.int32, copy=False),
        None if graph.weights is None else turned.data, nodes=graph.node_index, directed=True,
    )  # fmt: skip


def _is_symmetric(graph: Graph) -> bool:
    adjacency = graph.adjacency
    turned = sp.csr_array(adjacency.T)
    return (
        np.array_equal(turned.indptr, adjacency.indptr)
        and np.array_equal(turned.indices, adjacency.indices)
        and np.array_equal(turned.data, adjacency.data)
    )
