r"""Coarsening a weighted graph: choose neighbours to merge with, and merge.

Two nodes are the closer the more weight is between them and the less there is around them:

.. math:: r(i, j) = \frac{w_{ij}}{d_i d_j}

with :math:`d_i` the total weight at node i. (Without the division hubs would swallow the graph.)
Ties go by a hash of the edge. So the edges at a node are strictly ordered, the same way seen from
either end: among the nodes that choose there is always a pair that choose each other.

Weights are whole numbers with a sum below 2**53: every sum of them is exact, in any order.
"""

import numpy as np
from numba import njit, uint64

from graphembed.kernels.rng import fold, mix


@njit(cache=True, nogil=True)
def hash_nodes(seed, keys, out):
    """Write the hash of each node's key under a seed; all arrays are uint64."""
    for i in range(len(keys)):
        out[i] = fold(seed, keys[i])


@njit(cache=True, nogil=True)
def choose_neighbors(
    indptr, indices, weights, scales, hashes, asks, offers, chosen, ratings, first, last
):
    """Write the closest eligible neighbour of each asking node among ``first <= i < last``.

    Parameters
    ----------
    indptr : ndarray of shape (n_nodes + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    weights : ndarray of shape (n_entries,), float64
        A symmetric CSR matrix of non-negative weights. Self-loops are ignored.
    scales : ndarray of shape (n_nodes,), float64
        1 / d of each node.
    hashes : ndarray of shape (n_nodes,), uint64
        Distinct hashes of the nodes, which decide ties.
    asks, offers : ndarray of shape (n_nodes,), bool
        Which nodes choose, and which can be chosen.
    chosen : ndarray of shape (n_nodes,), int32
        Written for the nodes that ask: the neighbour, -1 if there is none.
    ratings : ndarray of shape (n_nodes,), float64
        Written for the nodes that ask: r of that neighbour.
    first, last : int
        Range of rows; any cut of the rows gives the same choices.
    """
    for i in range(first, last):
        if not asks[i]:
            continue
        best, best_rating, best_tie = -1, -1.0, uint64(0)
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j == i or not offers[j]:
                continue
            # The product of the scales first: so that it is the same from either end.
            rating = weights[k] * (scales[i] * scales[j])
            if rating < best_rating:
                continue
            tie = mix(hashes[i] + hashes[j])
            if rating > best_rating or tie > best_tie:
                best, best_rating, best_tie = j, rating, tie
        chosen[i] = best
        ratings[i] = best_rating


@njit(cache=True, nogil=True)
def count_links(indptr, indices, groups, member_ptr, members, counts, first, last):
    """Write to how many other groups each group ``first <= g < last`` has edges.

    Parameters
    ----------
    indptr : ndarray of shape (n_nodes + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        A CSR matrix.
    groups : ndarray of shape (n_nodes,), int32
        Group of each node.
    member_ptr : ndarray of shape (n_groups + 1,), int64
    members : ndarray of shape (n_nodes,), int32
        Nodes of each group.
    counts : ndarray of shape (n_groups,), int64
        Written.
    first, last : int
        Range of groups.
    """
    seen = np.full(len(counts), -1, dtype=np.int32)
    for g in range(first, last):
        seen[g] = g
        count = 0
        for m in range(member_ptr[g], member_ptr[g + 1]):
            for k in range(indptr[members[m]], indptr[members[m] + 1]):
                h = groups[indices[k]]
                if seen[h] != g:
                    seen[h] = g
                    count += 1
        counts[g] = count


@njit(cache=True, nogil=True)
def sum_links(
    indptr, indices, weights, groups, member_ptr, members, out_ptr, out_indices, out_weights,
    first, last,
):  # fmt: skip
    """Write the summed weights between each group ``first <= g < last`` and the others.

    Parameters
    ----------
    indptr, indices, groups, member_ptr, members, first, last
        As in :func:`count_links`.
    weights : ndarray of shape (n_entries,), float64
        Weight of each entry.
    out_ptr : ndarray of shape (n_groups + 1,), int64
        Where the entries of each group start: the running sum of its ``counts``.
    out_indices : ndarray of shape (n_links,), int32
    out_weights : ndarray of shape (n_links,), float64
        Written: the other groups, in no particular order, and the weights.
    """
    place = np.full(len(out_ptr) - 1, -1, dtype=np.int64)
    for g in range(first, last):
        end = out_ptr[g]
        for m in range(member_ptr[g], member_ptr[g + 1]):
            for k in range(indptr[members[m]], indptr[members[m] + 1]):
                h = groups[indices[k]]
                if h == g:
                    continue
                if place[h] < out_ptr[g]:
                    place[h] = end
                    out_indices[end] = h
                    out_weights[end] = 0.0
                    end += 1
                out_weights[place[h]] += weights[k]
