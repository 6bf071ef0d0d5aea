r"""Scores by distances in Poincaré balls, and their gradients, from inner products.

A query x is a point of the ball of its own curvature -c, a candidate v a tangent vector at 0 that
is mapped to the ball of whichever query it meets: :math:`y = \exp_0(v)`, at the distance
:math:`\|v\| \cdot 2` from 0. With :math:`A = 2 \sqrt c \|v\|` the distance d of x and y obeys

.. math:: \cosh(\sqrt c \, d) = 1 + u = \alpha \cosh A - \beta \frac{\sinh A}{\|v\|} \, x \cdot v,
    \quad \alpha = \frac{1 + c \|x\|^2}{1 - c \|x\|^2},
    \quad \beta = \frac{2 \sqrt c}{1 - c \|x\|^2},

so that a pair costs one exponential, one logarithm and its share of a product of matrices, whatever
the width. The score is :math:`-d^2 + s_q + s_c`. Its derivative by u is finite where x = y, while
that of d is not; A is kept below what :data:`~graphembed.kernels.ball.MARGIN` allows.

Blocks are float32: u is off by a few units in the last place of :math:`\alpha \cosh A`. Pairs are
few, and float64.
"""

import math

import numpy as np
from numba import float32, njit

from graphembed.kernels.ball import MARGIN
from graphembed.kernels.vector_math import exp, log1p

ALPHA_LESS_1, BETA, TWICE_ROOT, INVERSE = range(4)  # columns of the factors of a query
_FARTHEST = 2.0 * math.atanh(1.0 - MARGIN)
_SHORTEST = 1e-15  # lengths of vectors below it count as this
_SUMS = {"reassoc", "nsz", "contract"}  # sums may be split over lanes

_FARTHEST_32 = np.float32(_FARTHEST)
_ZERO, _HALF, _ONE, _TWO = (np.float32(value) for value in (0.0, 0.5, 1.0, 2.0))
_C3, _C4, _C5, _C6, _C7, _C8 = (np.float32(1.0 / (k * (k - 1))) for k in range(3, 9))
_TINY = np.float32(1e-18)
_inlined = njit(forceinline=True, error_model="numpy", fastmath={"contract"})


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _dot(x, y):
    total = 0.0
    for k in range(len(x)):
        total += np.float64(x[k]) * np.float64(y[k])
    return total


@njit(cache=True, nogil=True)
def lengths(vectors, out):
    """Write the length of each row, at least 1e-15, and its inverse.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), float32
    out : ndarray of shape (2, n), float32
    """
    for j in range(len(vectors)):
        length = max(math.sqrt(_dot(vectors[j], vectors[j])), _SHORTEST)
        out[0, j], out[1, j] = length, 1.0 / length


@njit(cache=True, nogil=True)
def query_factors(points, curvatures, out):
    r"""Write what scores take from a query: :math:`\alpha - 1, \beta, 2 \sqrt c, 1 / c`.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32
    curvatures : ndarray of shape (n,), float32
    out : ndarray of shape (n, 4), float32
    """
    for i in range(len(points)):
        c = np.float64(curvatures[i])
        square, rest = _from_border(points[i], c)
        out[i, ALPHA_LESS_1] = 2.0 * square / rest
        out[i, BETA] = 2.0 * math.sqrt(c) / rest
        out[i, TWICE_ROOT] = 2.0 * math.sqrt(c)
        out[i, INVERSE] = 1.0 / c


@njit(cache=True, nogil=True)
def _from_border(point, c):
    """Return ``c |x|^2`` and one minus it; rounding to float32 may put a point on the border."""
    square = c * _dot(point, point)
    return square, max(1.0 - square, MARGIN)


@_inlined
def _hyperbolic(A):
    """Return cosh A - 1 and sinh A for 0 <= A, with small relative errors."""
    up = exp(A)
    down = _ONE / up
    half = _HALF * (up - _ONE) * down
    z = A * A
    cosh_less_1 = _HALF * z * (_ONE + z * _C4 * (_ONE + z * _C6 * (_ONE + z * _C8)))
    sinh = A * (_ONE + z * _C3 * (_ONE + z * _C5 * (_ONE + z * _C7)))
    if A > _HALF:
        cosh_less_1, sinh = half * (up - _ONE), half * (up + _ONE)
    return cosh_less_1, sinh


@njit(cache=True, nogil=True)
def block_scores(scores, factors, query_shifts, candidate_lengths, candidate_shifts):
    """Turn inner products of queries and candidates into scores.

    Parameters
    ----------
    scores : ndarray of shape (n_queries, n_candidates), float32
        Holds inner products; overwritten.
    factors : ndarray of shape (n_queries, 4), float32
        Of :func:`query_factors`.
    query_shifts : ndarray of shape (n_queries,), float32
    candidate_lengths : ndarray of shape (2, n_candidates), float32
        Of :func:`lengths`.
    candidate_shifts : ndarray of shape (n_candidates,), float32
    """
    for i in range(len(scores)):
        _score_row(
            scores[i], factors[i], query_shifts[i], candidate_lengths[0], candidate_lengths[1],
            candidate_shifts,
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _score_row(row, factors, shift, length, inverse_length, shifts):
    alpha_less_1, beta = factors[ALPHA_LESS_1], factors[BETA]
    twice_root, inverse = factors[TWICE_ROOT], factors[INVERSE]
    for j in range(len(row)):
        A = twice_root * length[j]
        cosh_less_1, sinh = _hyperbolic(_FARTHEST_32 if A > _FARTHEST_32 else A)
        angle, _ = _angle(alpha_less_1, beta, cosh_less_1, sinh, inverse_length[j] * row[j])
        row[j] = (shift + shifts[j]) - angle * angle * inverse


@njit(cache=True, nogil=True)
def block_gradients(products, grads, factors, candidate_lengths, query_sums, by_lengths):
    r"""Write the gradients by inner products, and what the others are made of.

    Parameters
    ----------
    products : ndarray of shape (n_queries, n_candidates), float32
        Inner products; overwritten by the gradients by them.
    grads : ndarray of shape (n_queries, n_candidates), float32
        Gradients by scores.
    factors, candidate_lengths
        As in :func:`block_scores`.
    query_sums : ndarray of shape (n_queries, 4), float32
        Gradients by :math:`\alpha, \beta, 2 \sqrt c, 1 / c`; written.
    by_lengths : ndarray of shape (n_candidates,), float32
        Gradients by the lengths of candidates are added.
    """
    n = products.shape[1]
    outward = np.empty(n, dtype=np.float32)
    for i in range(len(products)):
        query_sums[i] = _gradient_row(
            products[i], grads[i], factors[i], candidate_lengths[0], candidate_lengths[1], outward
        )
        for j in range(n):
            by_lengths[j] += outward[j]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _gradient_row(row, grads, factors, length, inverse_length, outward):
    alpha_less_1, beta = factors[ALPHA_LESS_1], factors[BETA]
    twice_root, inverse = factors[TWICE_ROOT], factors[INVERSE]
    by_alpha = by_beta = by_root = by_inverse = float32(0.0)
    for j in range(len(row)):
        A = twice_root * length[j]
        outside = A > _FARTHEST_32
        cosh_less_1, sinh = _hyperbolic(_FARTHEST_32 if outside else A)
        along = inverse_length[j] * row[j]
        angle, slope = _angle(alpha_less_1, beta, cosh_less_1, sinh, along)
        by_u = -_TWO * inverse * slope * grads[j]
        by_A = (alpha_less_1 + _ONE) * sinh - beta * along * (cosh_less_1 + _ONE)
        by_A = _ZERO if outside else by_u * by_A
        weight = by_u * sinh
        by_alpha += by_u * cosh_less_1 + by_u
        by_beta -= weight * along
        by_root += by_A * length[j]
        by_inverse -= grads[j] * angle * angle
        outward[j] = by_A * twice_root + weight * beta * along * inverse_length[j]
        row[j] = -weight * beta * inverse_length[j]
    return by_alpha, by_beta, by_root, by_inverse


@_inlined
def _angle(alpha_less_1, beta, cosh_less_1, sinh, along):
    """Return sqrt(c) d, and its product with its derivative by u, which is 1 at u = 0."""
    u = (alpha_less_1 + _ONE) * cosh_less_1 + alpha_less_1 - beta * sinh * along
    u = _ZERO if u < _ZERO else u
    root = np.sqrt(u * (u + _TWO))
    angle = log1p(u + root)
    return angle, (angle + _TINY) / (root + _TINY)


@njit(cache=True, nogil=True)
def query_gradients(points, curvatures, query_sums, by_points, by_curvatures):
    r"""Add what points take from the gradients by their factors; write those by curvatures.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32
    curvatures : ndarray of shape (n,), float32
    query_sums : ndarray of shape (n, 4), float32
        Of :func:`block_gradients`.
    by_points : ndarray of shape (n, d), float32
        Gradients by points with lengths held; added to.
    by_curvatures : ndarray of shape (n,), float32
    """
    for i in range(len(points)):
        sums = query_sums[i]
        outward, by_curvatures[i] = _through_factors(
            points[i], np.float64(curvatures[i]), sums[0], sums[1], sums[2], sums[3]
        )
        for k in range(points.shape[1]):
            by_points[i, k] += float32(outward) * points[i, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _through_factors(point, c, by_alpha, by_beta, by_root, by_inverse):
    """Return the gradient by a point, as a multiple of it, and by its curvature."""
    square, rest = _from_border(point, c)
    beta = 2.0 * math.sqrt(c) / rest
    by_square = (2.0 * by_alpha / rest + beta * by_beta) / rest
    by_c = (by_square * square + 0.5 * beta * by_beta + math.sqrt(c) * by_root) / c
    return 2.0 * c * by_square, by_c - by_inverse / (c * c)


@njit(cache=True, nogil=True)
def pair_scores(points, curvatures, vectors, out):
    """Write minus the squared distance of query i and candidate i.

    Parameters
    ----------
    points, vectors : ndarray of shape (n, d), float32
    curvatures, out : ndarray of shape (n,), float32
    """
    for i in range(len(points)):
        c = np.float64(curvatures[i])
        _, _, _, _, _, angle, _ = _meet(points[i], c, vectors[i])
        out[i] = -angle * angle / c


@njit(cache=True, nogil=True, error_model="numpy")
def _meet(point, c, vector):
    """Return alpha, beta, the length of v, cosh A and sinh A, sqrt(c) d and what slope it has."""
    square, rest = _from_border(point, c)
    beta = 2.0 * math.sqrt(c) / rest
    alpha_less_1 = 2.0 * square / rest
    length = max(math.sqrt(_dot(vector, vector)), _SHORTEST)
    A = min(2.0 * math.sqrt(c) * length, _FARTHEST)
    cosh_less_1, sinh = 2.0 * math.sinh(0.5 * A) ** 2, math.sinh(A)
    u = (alpha_less_1 + 1.0) * cosh_less_1 + alpha_less_1
    u = u - beta * sinh * _dot(point, vector) / length
    u = 0.0 if u < 0.0 else u
    root = math.sqrt(u * (u + 2.0))
    angle = math.log1p(u + root)
    slope = angle / root if root > 1e-12 else 1.0
    return alpha_less_1 + 1.0, beta, length, cosh_less_1 + 1.0, sinh, angle, slope


@njit(cache=True, nogil=True, error_model="numpy")
def pair_gradients(points, curvatures, vectors, grads, by_points, by_curvatures, by_vectors):
    """Write the gradients of :func:`pair_scores`.

    Parameters
    ----------
    points, vectors, by_points, by_vectors : ndarray of shape (n, d), float32
    curvatures, grads, by_curvatures : ndarray of shape (n,), float32
    """
    for i in range(len(points)):
        point, vector, c = points[i], vectors[i], np.float64(curvatures[i])
        alpha, beta, length, cosh, sinh, angle, slope = _meet(point, c, vector)
        by_u = -2.0 / c * slope * grads[i]
        along = _dot(point, vector) / length
        root = math.sqrt(c)
        by_A = by_u * (alpha * sinh - beta * along * cosh)
        by_A = 0.0 if 2.0 * root * length > _FARTHEST else by_A
        by_product = -by_u * beta * sinh / length
        by_length = 2.0 * root * by_A - by_product * along
        outward, by_curvatures[i] = _through_factors(
            point, c, by_u * cosh, -by_u * sinh * along, by_A * length, -grads[i] * angle * angle
        )
        inward = by_length / length
        for k in range(points.shape[1]):
            by_points[i, k] = by_product * vector[k] + outward * point[k]
            by_vectors[i, k] = by_product * point[k] + inward * vector[k]
