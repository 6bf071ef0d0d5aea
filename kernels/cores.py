"""Core numbers by peeling: always take off a node of least degree (Batagelj & Zaversnik 2003)."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def core_numbers(indptr, indices):
    """Return the largest k for which each node is in the k-core.

    The k-core is the largest subgraph in which every node has at least k neighbours.

    Parameters
    ----------
    indptr : ndarray of shape (n_nodes + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        A symmetric CSR matrix without repeated entries. Self-loops are ignored.

    Returns
    -------
    ndarray of shape (n_nodes,), int32

    Notes
    -----
    O(n_nodes + n_entries): nodes stand in the order of their degrees, and one that loses a
    neighbour changes places with the first of its degree.

    References
    ----------
    Batagelj & Zaversnik (2003), An O(m) Algorithm for Cores Decomposition of Networks.
    """
    n = len(indptr) - 1
    degree = np.empty(n, dtype=np.int32)
    largest = 0
    for i in range(n):
        degree[i] = indptr[i + 1] - indptr[i]
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] == i:
                degree[i] -= 1
        largest = max(largest, degree[i])
    # first[d] is where the nodes of degree d start in the order.
    first = np.zeros(largest + 2, dtype=np.int64)
    for i in range(n):
        first[degree[i] + 1] += 1
    for d in range(largest + 1):
        first[d + 1] += first[d]
    order = np.empty(n, dtype=np.int32)
    place = np.empty(n, dtype=np.int32)
    free = first.copy()
    for i in range(n):
        place[i] = free[degree[i]]
        order[place[i]] = i
        free[degree[i]] += 1
    for i in order:
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            # Peeled nodes have a degree of at most this one's; the node itself is its equal.
            if degree[j] > degree[i]:
                front = first[degree[j]]
                other = order[front]
                place[other], place[j] = place[j], front
                order[place[other]], order[front] = other, j
                first[degree[j]] = front + 1
                degree[j] -= 1
    return degree
