"""New nodes beside a fitted graph: whom they hear, and features for those that have none."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from graphembed.graph.graph import Features, Graph
from graphembed.graph.ids import NodeIndex


def beside_fitted(heard: Graph, block: sp.csr_array) -> Graph:
    """Return a graph in which new nodes hear fitted ones, without being heard by anybody.

    Parameters
    ----------
    heard : Graph
        Row i lists those whom fitted node i hears.
    block : csr_array of shape (n_new, n_fitted), float32
        Edges of the new nodes.

    Returns
    -------
    Graph
        Rows of the fitted nodes first; ids are the numbers of rows.
    """
    indptr = np.concatenate([heard.indptr, heard.indptr[-1] + block.indptr[1:].astype(np.int64)])
    indices = np.concatenate([heard.indices, block.indices.astype(np.int32)])
    weights = heard.weights
    if weights is not None or not np.all(block.data == 1):
        if weights is None:
            weights = np.ones(len(heard.indices), dtype=np.float32)
        weights = np.concatenate([weights, block.data])
    nodes = NodeIndex(heard.n_nodes + block.shape[0])
    return Graph(indptr, indices, weights, nodes=nodes, directed=True)


def mean_features(block: sp.csr_array, graph: Graph) -> Features | None:
    """Return the weighted means of the features of those whom new nodes have edges to.

    Parameters
    ----------
    block : csr_array of shape (n_new, n_fitted), float32
    graph : Graph

    Returns
    -------
    ndarray or csr_array of shape (n_new, n_features), float32, or None
        None if the graph has no features; zeros for a node without edges.
    """
    if graph.features is None:
        return None
    sums = np.asarray(block.sum(axis=1), dtype=np.float32).ravel()
    shares = sp.diags_array(1 / np.where(sums > 0, sums, 1)).tocsr() @ block
    means: Any = sp.csr_array(shares, dtype=np.float32) @ graph.features
    if isinstance(means, np.ndarray):
        return np.asarray(means, dtype=np.float32)
    return sp.csr_array(means)


def stacked(first: Any, second: Any) -> Any:
    """Return the rows of two matrices of features; csr if the first is."""
    if isinstance(first, sp.csr_array):
        return sp.csr_array(sp.vstack([first, sp.csr_array(second)], format="csr"))
    if isinstance(second, sp.csr_array):
        second = second.toarray()
    return np.concatenate([first, second])


def without_edges(n_nodes: int) -> Graph:
    """Return a graph of so many nodes, 0, 1, ..., and no edge."""
    nothing = np.empty(0, dtype=np.int32)
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    return Graph(indptr, nothing, nodes=NodeIndex(n_nodes), directed=False)
