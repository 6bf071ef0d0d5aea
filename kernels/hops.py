"""How many edges lie between nodes, by breadth-first search."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def hop_counts(indptr, indices, source, hops, queue):
    """Write the number of edges on a shortest path from a node to each other one.

    Parameters
    ----------
    indptr, indices : ndarray
        CSR of the graph.
    source : int
    hops : ndarray of shape (n_nodes,), int32
        Written: 0 for the source, -1 for nodes that no path leads to.
    queue : ndarray of shape (n_nodes,), int32
        Room to work in.

    Returns
    -------
    int
        Number of nodes that were reached, the source among them; ``queue`` starts with them, the
        nearest first.
    """
    hops[:] = -1
    hops[source] = 0
    queue[0] = source
    taken, size = 0, 1
    while taken < size:
        u = queue[taken]
        taken += 1
        for entry in range(indptr[u], indptr[u + 1]):
            v = indices[entry]
            if hops[v] < 0:
                hops[v] = hops[u] + np.int32(1)
                queue[size] = v
                size += 1
    return size
