"""Paths of two edges that a third one closes, counted by the relations of the two."""

from numba import njit


@njit(nogil=True, cache=True)
def count_compositions(
    heads, tails, out_starts, out_ends, out_relations, in_starts, in_ends, in_relations,
    n_relations, closed, covered, stamps, stamp,
):  # fmt: skip
    """Add the paths from the head to the tail of some triples to the counts of their relations.

    Parameters
    ----------
    heads, tails : ndarray of shape (n,), int64
        Of the triples that close paths.
    out_starts, in_starts : ndarray of shape (n_entities + 1,), int64
    out_ends, in_ends : ndarray of shape (n_edges,), int64
    out_relations, in_relations : ndarray of shape (n_edges,), int64
        CSR of all edges by head, the tails of each head ascending; and by tail, the heads
        ascending.
    n_relations : int
    closed, covered : ndarray of shape (n_relations ** 2,), int64
        At ``r * n_relations + s``, the paths of an edge of r and then one of s that a triple
        closes, and the triples that close any; added to.
    stamps : ndarray of shape (n_relations ** 2,), int64
        Kept from call to call; zeros at first.
    stamp : int
        Larger than any in ``stamps``, by one at least.

    Returns
    -------
    int
        The next stamp.
    """
    for i in range(len(heads)):
        a, a_end = out_starts[heads[i]], out_starts[heads[i] + 1]
        b, b_end = in_starts[tails[i]], in_starts[tails[i] + 1]
        while a < a_end and b < b_end:
            middle = out_ends[a]
            if middle < in_ends[b]:
                a += 1
            elif middle > in_ends[b]:
                b += 1
            else:
                b_next = b
                while a < a_end and out_ends[a] == middle:
                    b_next = b
                    while b_next < b_end and in_ends[b_next] == middle:
                        code = out_relations[a] * n_relations + in_relations[b_next]
                        closed[code] += 1
                        if stamps[code] != stamp:
                            stamps[code] = stamp
                            covered[code] += 1
                        b_next += 1
                    a += 1
                b = b_next
        stamp += 1
    return stamp
