r"""Exact top-k by hyperbolic distance: a float64 product decides which rows are worth a distance.

Rows are points of the ball (:data:`POINCARE`) or spatial Lorentz coordinates (:data:`LORENTZ`); the
score is :math:`-d`, larger is nearer, computed in float64 without cancellation and rounded to
float32. From p, q of the ball, and from spatial x, y,

.. math::

    \cosh d - 1 = \frac{2 |p - q|^2}{(1 - |p|^2) (1 - |q|^2)}
        = (\cosh(r_x - r_y) - 1) + \frac{\big| |y| x - |x| y \big|^2}{2 |x| |y|}

A product of hyperboloid points is :math:`x_0 y_0 - x \cdot y = \cosh d`, but for what rounding
takes from numbers as large as :math:`x_0 y_0`; so it rules rows out, with room, and no more.
"""

from math import cosh, log1p, sqrt

import numpy as np
from numba import njit

from graphembed.kernels.topk import sift_down, sift_up

POINCARE, LORENTZ = 3, 4
GEOMETRIES = {"poincare": POINCARE, "lorentz": LORENTZ}

_CHUNK = 128
_LEAST_MARGIN = 2.0**-53  # of a ball's point from the edge: nothing is divided by 0
_SLACK = 1.0 + 2.0**-46  # of cosh in float64


@njit(nogil=True, cache=True)
def _ball_delta(left, right, left_norm, right_norm):
    squares = 0.0
    for i in range(len(left)):
        difference = np.float64(left[i]) - np.float64(right[i])
        squares += difference * difference
    return 2.0 * squares / (_margin(left_norm) * _margin(right_norm))


@njit(nogil=True, cache=True)
def _margin(norm):
    return max((1.0 - norm) * (1.0 + norm), _LEAST_MARGIN)


@njit(nogil=True, cache=True)
def _lorentz_delta(left, right, left_norm, right_norm):
    squares = product = 0.0
    for i in range(len(left)):
        x, y = np.float64(left[i]), np.float64(right[i])
        squares += (x - y) * (x - y)
        product += (x - y) * (x + y)
    norm_sum, norm_product = left_norm + right_norm, left_norm * right_norm
    if norm_sum == 0.0:
        return 0.0
    left_time, right_time = sqrt(1.0 + left_norm * left_norm), sqrt(1.0 + right_norm * right_norm)
    longer = product / norm_sum  # |x| - |y|
    gap = longer + product / (left_time + right_time)
    radial = gap * gap / (2.0 * (left_norm + left_time) * (right_norm + right_time))
    if norm_product == 0.0:
        return radial
    # |y| x - |x| y, from differences where these are small.
    near = norm_sum * sqrt(squares) < 2.0 * norm_product
    turned = 0.0
    for i in range(len(left)):
        x, y = np.float64(left[i]), np.float64(right[i])
        if near:
            part = 0.5 * (norm_sum * (x - y) - longer * (x + y))
        else:
            part = right_norm * x - left_norm * y
        turned += part * part
    return radial + turned / (2.0 * norm_product)


@njit(nogil=True, cache=True)
def hyperbolic_score(left, right, left_norm, right_norm, geometry):
    """Return minus the distance of two points, float32; their lengths are given as float64."""
    if geometry == POINCARE:
        delta = _ball_delta(left, right, left_norm, right_norm)
    else:
        delta = _lorentz_delta(left, right, left_norm, right_norm)
    return np.float32(-log1p(delta + sqrt(delta * (delta + 2.0))))


@njit(nogil=True, cache=True)
def pair_scores(matrix, norms, left, right, geometry, out, start, stop):
    """Write the score of rows ``left[i]`` and ``right[i]`` to ``out[i]`` (float32)."""
    for i in range(start, stop):
        u, v = left[i], right[i]
        out[i] = hyperbolic_score(matrix[u], matrix[v], norms[u], norms[v], geometry)


@njit(nogil=True, cache=True)
def lift(rows, norms, geometry, time_factor, out):
    """Write hyperboloid coordinates of points: spatial ones first, then the time times a factor.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, d), float32 or float64
    norms : ndarray of shape (n_rows,), float64
        Their lengths.
    geometry : int
        :data:`POINCARE` or :data:`LORENTZ`.
    time_factor : float
    out : ndarray of shape (n_rows, d + 1), float64
        Written.
    """
    d = rows.shape[1]
    for i in range(len(rows)):
        scale = 1.0
        if geometry == POINCARE:
            scale = 1.0 / _margin(norms[i])
            out[i, d] = time_factor * (1.0 + norms[i] * norms[i]) * scale
            scale *= 2.0
        else:
            out[i, d] = time_factor * sqrt(1.0 + norms[i] * norms[i])
        for j in range(d):
            out[i, j] = scale * np.float64(rows[i, j])


@njit(nogil=True, cache=True)
def update_topk(
    products, n_block, first_row, queries, query_norms, base, base_norms, exclude, geometry,
    heap_scores, heap_rows, sizes,
):  # fmt: skip
    """Offer rows ``first_row ..`` of ``base`` to the heap of each query.

    Parameters
    ----------
    products : ndarray of shape (>= n_queries, >= n_block), float64
        Lower bounds of cosh(d); infinity and NaN are none.
    n_block : int
        Number of rows in this block.
    first_row : int
        Row number in ``base`` of the block's first row. Blocks must come in ascending order.
    queries : ndarray of shape (n_queries, d), float32 or float64
    query_norms : ndarray of shape (n_queries,), float64
    base : ndarray of shape (n_rows, d), float32 or float64
    base_norms : ndarray of shape (n_rows,), float64
    exclude : ndarray of shape (n_queries,), int64
        A row that is not offered to the query, or -1.
    geometry : int
        :data:`POINCARE` or :data:`LORENTZ`.
    heap_scores, heap_rows : ndarray of shape (n_queries, k), float32 and int64
        Heaps with the worst kept row on top; written.
    sizes : ndarray of shape (n_queries,), int64
        Rows in each heap; written.
    """
    for query in range(len(queries)):
        scores, rows = heap_scores[query], heap_rows[query]
        size, norm = sizes[query], query_norms[query]
        bar = _bar(scores, size)
        for start in range(0, n_block, _CHUNK):
            stop = min(start + _CHUNK, n_block)
            hits = 0
            for j in range(start, stop):
                hits += not (bar <= products[query, j] < np.inf)
            if hits == 0:
                continue
            for j in range(start, stop):
                row = first_row + j
                if bar <= products[query, j] < np.inf or row == exclude[query]:
                    continue
                score = hyperbolic_score(queries[query], base[row], norm, base_norms[row], geometry)
                if size < len(scores):
                    size += 1
                    sift_up(scores, rows, size - 1, score, row)
                elif score > scores[0]:
                    sift_down(scores, rows, size, score, row)
                else:
                    continue
                bar = _bar(scores, size)
        sizes[query] = size


@njit(nogil=True, cache=True)
def _bar(scores, size):
    """Return cosh of the distance that a later row must be within: in a tie it loses."""
    if size < len(scores):
        return np.inf
    return cosh(min(-np.float64(scores[0]), 700.0)) * _SLACK
