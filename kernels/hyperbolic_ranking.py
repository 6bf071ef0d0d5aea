r"""Where the right answers of a node stand when all nodes are ranked by distance, by counting.

The distances of a node's few right answers are its *levels*. Every other node only has to be placed
among them, and nearly all lie beyond the last: a matrix product that bounds their distance from
below tells. What it cannot tell is measured exactly, so that counts are those of exact distances,
at every thread count and size of blocks.

A *key* grows with distance: ``cosh d - 1`` in hyperbolic space, the squared distance in Euclidean
space, minus the product. In hyperbolic space, with :math:`a = |x|`, :math:`b = |y|`,
:math:`e_x = a + \sqrt{1 + a^2}`,

.. math::

    \cosh d(x, y) - 1 = \frac{(e_x - e_y)^2}{2 e_x e_y} + \frac{a b}{2}
        \left| \frac{x}{a} - \frac{y}{b} \right|^2

Both terms are positive, so that nothing cancels: where differences of coordinates lose a parent and
its child behind it from radius 18 on, this is right to six digits at radius 25.
"""

import numpy as np
from numba import njit

HYPERBOLIC, EUCLIDEAN, DOT = 0, 1, 2

_CHUNK = 128


@njit(nogil=True, cache=True)
def exact_key(rows, norms, reach, u, v, kind):
    """Return the key of two rows: float64, summed in the order of coordinates.

    Parameters
    ----------
    rows : ndarray of shape (n_nodes, n_components), float64
        Vectors; for :data:`HYPERBOLIC` their directions, of length 1 (or 0, at the origin).
    norms, reach : ndarray of shape (n_nodes,), float64
        For :data:`HYPERBOLIC`: ``|x|`` and ``|x| + sqrt(1 + |x|^2)``; otherwise not read.
    u, v : int
        Row numbers.
    kind : int
        :data:`HYPERBOLIC`, :data:`EUCLIDEAN` or :data:`DOT`.
    """
    total = 0.0
    if kind == DOT:
        for i in range(rows.shape[1]):
            total -= rows[u, i] * rows[v, i]
        return total
    for i in range(rows.shape[1]):
        step = rows[u, i] - rows[v, i]
        total += step * step
    if kind == HYPERBOLIC:
        gap = reach[u] - reach[v]
        total = 0.5 * (gap * (gap / (reach[u] * reach[v])) + norms[u] * norms[v] * total)
    return total


@njit(nogil=True, cache=True)
def answer_keys(rows, norms, reach, kind, indptr, indices, nodes, keys):
    """Write the keys of the right answers of some nodes, node by node.

    Parameters
    ----------
    rows, norms, reach, kind
        As in :func:`exact_key`.
    indptr, indices : ndarray
        Right answers of each row; a node is not among its own.
    nodes : ndarray of shape (n_queries,), int64
    keys : ndarray of shape (n_answers,), float64
        Written.
    """
    place = 0
    for u in nodes:
        for entry in range(indptr[u], indptr[u + 1]):
            keys[place] = exact_key(rows, norms, reach, u, indices[entry], kind)
            place += 1


@njit(nogil=True, cache=True)
def count_candidates(
    bounds, room, bars, first_row, rows, norms, reach, kind, nodes,
    offsets, levels, n_levels, between, tied,
):  # fmt: skip
    """Count rows ``first_row ..`` into the levels of some nodes.

    Parameters
    ----------
    bounds : ndarray of shape (n_queries, n_block), float64
        No candidate is nearer than this says, ...
    room : float
        ... nor farther than the bound plus this share of the numbers that were multiplied.
    bars : ndarray of shape (n_queries,), float64
        A candidate with a larger bound lies beyond the last level.
    first_row : int
        Row number of the block's first row.
    rows, norms, reach, kind, nodes
        As in :func:`answer_keys`.
    offsets : ndarray of shape (n_queries + 1,), int64
        Query i has room from ``offsets[i]`` to ``offsets[i + 1]``: one place for each answer.
    levels : ndarray of shape (n_answers,), float64
        Distinct keys of the answers, ascending.
    n_levels : ndarray of shape (n_queries,), int64
        How many there are.
    between : ndarray, int64
        Added to: candidates nearer than a level and farther than the one before it.
    tied : ndarray, int64
        Added to: candidates as near as a level, answers among them.
    """
    for i in range(len(nodes)):
        u, base, size = nodes[i], offsets[i], n_levels[i]
        if size == 0:
            continue
        bar, own = bars[i], levels[base : base + size]
        for start in range(0, bounds.shape[1], _CHUNK):
            stop = min(start + _CHUNK, bounds.shape[1])
            near = 0
            for j in range(start, stop):
                near += not (bounds[i, j] > bar)
            if near == 0:
                continue
            for j in range(start, stop):
                v = first_row + j
                low = bounds[i, j]
                if low > bar or v == u:
                    continue
                place = _level_from(own, low)
                if low + room * _magnitude(norms[u], norms[v], kind) < own[place]:
                    between[base + place] += 1
                    continue
                key = exact_key(rows, norms, reach, u, v, kind)
                _count(own, key, base, 1, between, tied)


@njit(nogil=True, cache=True)
def discount_known(
    rows, norms, reach, kind, indptr, indices, known_indptr, known_indices, nodes,
    offsets, levels, n_levels, between, tied,
):  # fmt: skip
    """Take candidates that are known to be right, but are not asked for, out of the counts.

    Parameters
    ----------
    rows, norms, reach, kind, indptr, indices, nodes, offsets, levels, n_levels
        As in :func:`answer_keys` and :func:`count_candidates`; ``indices`` ascend in each row.
    known_indptr, known_indices : ndarray
        What is known of each row; right answers among them are not taken out.
    between, tied : ndarray, int64
        From :func:`count_candidates`; changed.
    """
    for i in range(len(nodes)):
        u, base, size = nodes[i], offsets[i], n_levels[i]
        if size == 0:
            continue
        own = levels[base : base + size]
        answers = indices[indptr[u] : indptr[u + 1]]
        for entry in range(known_indptr[u], known_indptr[u + 1]):
            v = known_indices[entry]
            if v == u or (len(answers) > 0 and answers[_level_from(answers, v)] == v):
                continue
            key = exact_key(rows, norms, reach, u, v, kind)
            _count(own, key, base, -1, between, tied)


@njit(nogil=True, cache=True)
def rank_answers(offsets, places, relevant, n_levels, between, tied, ranks, average_precision):
    """Write the filtered rank of each answer, and the average precision of each node.

    Parameters
    ----------
    offsets, n_levels, between, tied
        As in :func:`count_candidates`.
    places : ndarray of shape (n_answers,), int64
        The number of the level that each answer is at.
    relevant : ndarray of shape (n_answers,), int64
        Number of answers at each level.
    ranks : ndarray, float64
        Written: 1 plus the wrong candidates that are nearer, and half of those as near.
    average_precision : ndarray of shape (n_queries,), float64
        Written: mean over the answers of the share of answers among all that are not farther; NaN
        for a node without answers.
    """
    for i in range(len(n_levels)):
        base = offsets[i]
        level_ranks = np.empty(n_levels[i])
        total, wrong, found = 0.0, 0, 0
        for level in range(n_levels[i]):
            right = relevant[base + level]
            wrong += between[base + level]
            wrong_tied = tied[base + level] - right
            level_ranks[level] = 1.0 + wrong + 0.5 * wrong_tied
            wrong += wrong_tied
            found += right
            total += right * (found / (found + wrong))
        average_precision[i] = total / found if found > 0 else np.nan
        for j in range(base, offsets[i + 1]):
            ranks[j] = level_ranks[places[j]]


@njit(nogil=True, cache=True, inline="always")
def _magnitude(left, right, kind):
    """Return what rounding errors of products of two rows are a share of."""
    if kind == HYPERBOLIC:
        return (1.0 + left) * (1.0 + right)
    if kind == EUCLIDEAN:
        return 2.0 * (left * left + right * right)
    return left * right


@njit(nogil=True, cache=True, inline="always")
def _count(levels, key, base, step, between, tied):
    """Add ``step`` where a key belongs; nothing beyond the last level."""
    if key > levels[-1]:
        return
    place = _level_from(levels, key)
    if key == levels[place]:
        tied[base + place] += step
    else:
        between[base + place] += step


@njit(nogil=True, cache=True, inline="always")
def _level_from(levels, key):
    """Return the position of the first level that is not below ``key``."""
    first, left = 0, len(levels)
    while left > 1:
        half = left // 2
        first += half * (levels[first + half - 1] < key)
        left -= half
    return first


@njit(nogil=True, cache=True)
def keys_from(rows, norms, reach, kind, u, out):
    """Write the key of row ``u`` with each row to ``out``; see :func:`exact_key`."""
    for v in range(len(out)):
        out[v] = exact_key(rows, norms, reach, u, v, kind)
