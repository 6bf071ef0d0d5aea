"""Ranks by counting: how many candidates score above the true answer of a query, how many level.

Nothing is sorted and no scores are kept, so that candidates may come in any number of blocks. Each
score has the same bits wherever it is computed (:mod:`graphembed.kernels.rank_tiles`), the true
answer's own among them. Known answers are masked by one bit for each query and candidate.
"""

import math

import numpy as np
from numba import njit

from graphembed.kernels.ball import MARGIN
from graphembed.kernels.pair_tiles import QUERIES, ROWS
from graphembed.kernels.rank_tiles import SQUARES, count_tile, score_tile
from graphembed.kernels.vector_math import log1p

SUM, ROOT, HYPERBOLIC = range(3)


@njit(nogil=True, cache=True, fastmath={"contract"})
def add_products(rows, matrix, out):
    """Add ``rows @ matrix`` to ``out``, each row by itself and in the same order.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float32
    matrix : ndarray of shape (d, k), float32
    out : ndarray of shape (n, k), float32
    """
    for i in range(len(rows)):
        for c in range(len(matrix)):
            value = rows[i, c]
            for k in range(matrix.shape[1]):
                out[i, k] += value * matrix[c, k]


@njit(nogil=True, cache=True)
def pack_queries(vectors, slots, order, packed):
    """Lay out queries for tiles.

    Parameters
    ----------
    vectors : ndarray of shape (n_queries, n_columns), float32
    slots : ndarray of shape (n_groups * QUERIES,), int64
        The query of each place, -1 for none.
    order : ndarray of shape (n_columns,), int64
        Columns in the order in which they are laid out.
    packed : ndarray of shape (n_groups, n_columns, QUERIES), float32
        Written; zeros where there is no query.
    """
    for slot in range(len(slots)):
        group, lane, query = slot // QUERIES, slot % QUERIES, slots[slot]
        for column in range(len(order)):
            packed[group, column, lane] = vectors[query, order[column]] if query >= 0 else 0


@njit(nogil=True, cache=True)
def pack_candidates(vectors, order, n_rows, panels):
    """Lay out the first ``n_rows`` candidates for tiles; return whether all are finite.

    Parameters
    ----------
    vectors : ndarray of shape (>= n_rows, n_columns), float32
    order : ndarray of shape (n_columns,), int64
    n_rows : int
    panels : ndarray of shape (n_panels, n_columns, ROWS), float32
        Written; zeros where there is no candidate.
    """
    check = np.float32(0.0)
    for panel in range(len(panels)):
        first = panel * ROWS
        n = max(0, min(ROWS, n_rows - first))
        for column in range(len(order)):
            panels[panel, column, n:] = 0
        for j in range(n):
            for column in range(len(order)):
                value = vectors[first + j, order[column]]
                panels[panel, column, j] = value
                check += value * np.float32(0.0)
    return check == np.float32(0.0)


@njit(nogil=True, cache=True)
def _allow(first, n_rows, slots, starts, stops, known, own, allowed, counted):
    """Set the bits of candidates that count, and add their number to ``counted``."""
    n_panels = len(allowed)
    for slot in range(len(slots)):
        query = slots[slot]
        if query < 0:
            allowed[:, slot] = 0
            continue
        for panel in range(n_panels):
            n = min(ROWS, n_rows - panel * ROWS)
            allowed[panel, slot] = (np.uint64(1) << np.uint64(n)) - np.uint64(1)
        n_left = n_rows
        low, high = starts[query], stops[query]
        while low < high:
            middle = (low + high) // 2
            if known[middle] < first:
                low = middle + 1
            else:
                high = middle
        end = stops[query]
        while low < end and known[low] < first + n_rows:
            n_left -= _forbid(known[low] - first, slot, allowed)
            low += 1
        if first <= own[query] < first + n_rows:
            n_left -= _forbid(own[query] - first, slot, allowed)
        counted[slot] += n_left


@njit(nogil=True, cache=True)
def _forbid(place, slot, allowed):
    panel = place // ROWS
    bit = np.uint64(1) << np.uint64(place - panel * ROWS)
    if allowed[panel, slot] & bit:
        allowed[panel, slot] ^= bit
        return 1
    return 0


@njit(nogil=True, cache=True)
def query_factors(packed, curvatures, factors):
    r"""Write :math:`2 c / (1 - c |x|^2)` of queries x in the ball of curvature -c.

    Parameters
    ----------
    packed : ndarray of shape (n_groups, n_columns, QUERIES), float32
    curvatures : ndarray of shape (n_groups,), float32
    factors : ndarray of shape (n_groups * QUERIES,), float32
        Written.
    """
    for group in range(len(packed)):
        c = np.float64(curvatures[group])
        for lane in range(QUERIES):
            square = 0.0
            for column in range(packed.shape[1]):
                square += np.float64(packed[group, column, lane]) ** 2
            factors[group * QUERIES + lane] = 2.0 * c / max(1.0 - c * square, MARGIN)


@njit(nogil=True, cache=True)
def _to_ball(panel, curvature, mapped, factors):
    r"""Map tangent vectors to the ball, and write :math:`1 / (1 - c |y|^2)` of each.

    Lengths are kept below ``1 - MARGIN`` of the ball's radius.
    """
    root = math.sqrt(np.float64(curvature))
    squares = np.zeros(ROWS)
    scales = np.empty(ROWS, dtype=np.float32)
    for column in range(len(panel)):
        for j in range(ROWS):
            squares[j] += np.float64(panel[column, j]) * np.float64(panel[column, j])
    for j in range(ROWS):
        length = root * math.sqrt(squares[j])
        reached = min(math.tanh(length), 1.0 - MARGIN)
        scales[j] = reached / length if length > 0.0 else 1.0
        factors[j] = 1.0 / (1.0 - reached * reached)
    for column in range(len(panel)):
        for j in range(ROWS):
            mapped[column, j] = panel[column, j] * scales[j]


@njit(nogil=True, cache=True)
def _finish(form, group, factors, curvature, shifts, row_factors, scores):
    """Turn sums, which started at zero, into scores up to what a query adds to all of its own."""
    if form == ROOT:
        for i in range(QUERIES):
            for j in range(ROWS):
                scores[i, j] = shifts[j] - np.sqrt(-scores[i, j])
    else:
        inverse = np.float32(1.0) / curvature
        for i in range(QUERIES):
            factor = factors[group * QUERIES + i]
            for j in range(ROWS):
                u = -scores[i, j] * (factor * row_factors[j])
                angle = log1p(u + np.sqrt(u * (u + np.float32(2.0))))
                scores[i, j] = shifts[j] - angle * angle * inverse


@njit(nogil=True, cache=True)
def true_scores(
    kind, form, packed, factors, curvatures, start, stop, vectors, shifts, order, bars
):  # fmt: skip
    """Write the score of each query of groups ``start .. stop - 1`` with its true answer.

    Parameters
    ----------
    kind, form, packed, factors, curvatures
        As in :func:`count_groups`.
    vectors : ndarray of shape ((stop - start) * QUERIES, n_columns), float32
    shifts : ndarray of shape ((stop - start) * QUERIES,), float32
        The answers as candidates.
    order : ndarray of shape (n_columns,), int64
    bars : ndarray of shape (n_groups * QUERIES,), float32
        Written.
    """
    panel = np.zeros((packed.shape[1], ROWS), dtype=np.float32)
    mapped = np.empty_like(panel)
    lane_shifts = np.zeros(ROWS, dtype=np.float32)
    row_factors = np.empty(ROWS, dtype=np.float32)
    zeros = np.zeros(ROWS, dtype=np.float32)
    scores = np.empty((QUERIES, ROWS), dtype=np.float32)
    for group in range(start, stop):
        for lane in range(QUERIES):
            row = (group - start) * QUERIES + lane
            lane_shifts[lane] = shifts[row]
            for column in range(len(order)):
                panel[column, lane] = vectors[row, order[column]]
        if form == HYPERBOLIC:
            _to_ball(panel, curvatures[group], mapped, row_factors)
            score_tile(SQUARES, packed, group, mapped, zeros, scores)
        else:
            score_tile(kind, packed, group, panel, lane_shifts if form == SUM else zeros, scores)
        if form != SUM:
            _finish(form, group, factors, curvatures[group], lane_shifts, row_factors, scores)
        for lane in range(QUERIES):
            bars[group * QUERIES + lane] = scores[lane, lane]


@njit(nogil=True, cache=True)
def count_groups(
    kind, form, packed, factors, curvatures, start, stop, panels, shifts, n_rows, first,
    slots, starts, stops, known, own, bars, above, reached, counted,
):  # fmt: skip
    """Count the candidates of a chunk that reach the bars of the groups ``start .. stop - 1``.

    Parameters
    ----------
    kind : int
        See :func:`graphembed.kernels.rank_tiles.score_tile`.
    form : int
        :data:`SUM`; :data:`ROOT`, minus the root of minus the sum; or :data:`HYPERBOLIC`: queries
        lie in balls, candidates are tangent vectors at their origins, and minus the squared
        distance counts. Shifts are added at the end.
    packed : ndarray of shape (n_groups, n_columns, QUERIES), float32
        From :func:`pack_queries`.
    factors : ndarray of shape (n_groups * QUERIES,), float32
        From :func:`query_factors`; only read if hyperbolic, as the next.
    curvatures : ndarray of shape (n_groups,), float32
    start, stop : int
    panels : ndarray of shape (n_panels, n_columns, ROWS), float32
    shifts : ndarray of shape (n_panels, ROWS), float32
        The candidates, from :func:`pack_candidates`, and what is added to their scores.
    n_rows, first : int
        Number of candidates, and the position of the first.
    slots : ndarray of shape (n_groups * QUERIES,), int64
        The query of each place, -1 for none.
    starts, stops : ndarray of shape (n_queries,), int64
    known : ndarray, int32 or int64
        Positions ``known[starts[i]:stops[i]]``, ascending, do not count for query i.
    own : ndarray of shape (n_queries,), int64
        Nor does this one, the true answer's.
    bars : ndarray of shape (n_groups * QUERIES,), float32
        From :func:`true_scores`.
    above, reached, counted : ndarray of shape (n_groups * QUERIES,), int64
        Numbers of candidates with a score above the bar, at least the bar, and of all that count;
        added to. NaN, of a score or a bar, is above.
    """
    n_panels = (n_rows + ROWS - 1) // ROWS
    begin, end = start * QUERIES, stop * QUERIES
    allowed = np.empty((n_panels, end - begin), dtype=np.uint64)
    _allow(first, n_rows, slots[begin:end], starts, stops, known, own, allowed, counted[begin:end])
    mapped = np.empty((packed.shape[1], ROWS), dtype=np.float32)
    row_factors = np.empty(ROWS, dtype=np.float32)
    zeros = np.zeros(ROWS, dtype=np.float32)
    scores = np.empty((QUERIES, ROWS), dtype=np.float32)
    for panel in range(n_panels):
        for group in range(start, stop):
            if form == HYPERBOLIC:
                if group == start or curvatures[group] != curvatures[group - 1]:
                    _to_ball(panels[panel], curvatures[group], mapped, row_factors)
                score_tile(SQUARES, packed, group, mapped, zeros, scores)
            else:
                beginning = shifts[panel] if form == SUM else zeros
                score_tile(kind, packed, group, panels[panel], beginning, scores)
            if form != SUM:
                _finish(form, group, factors, curvatures[group], shifts[panel], row_factors, scores)
            count_tile(
                scores, group - start, bars[begin:end], allowed[panel],
                above[begin:end], reached[begin:end],
            )  # fmt: skip
