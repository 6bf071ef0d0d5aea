"""New nodes beside fitted ones in hyperbolic space: a start among neighbours, row-only steps."""

from math import exp, log, sinh, sqrt

import numpy as np
from numba import njit, uint64

from graphembed.kernels.hyperbolic import DISTORTION, FERMI_DIRAC, SOFTMAX
from graphembed.kernels.lorentz import (
    add_gradient,
    delta,
    radius,
    sinh_from,
    square_norm,
    step,
    time,
)
from graphembed.kernels.rng import bounded, draw, unit

TRIES = 10  # draws of a negative before there is one less
OUTWARD = 0.5  # how much deeper than the deepest of its neighbours a new node starts
LOWEST_RATE = 0.05  # the learning rate falls to this share of its start
TINY = 1e-12  # distances below have no direction


@njit(cache=True, nogil=True)
def _start(points, indptr, indices, weights, i, row):
    """Write the Lorentz centroid of the neighbours, moved outward beyond the deepest of them."""
    row[:] = 0.0
    times = 0.0
    for e in range(indptr[i], indptr[i + 1]):
        point = points[indices[e]]
        times += weights[e] * time(point)
        for j in range(len(row)):
            row[j] += weights[e] * point[j]
    length = sqrt(square_norm(row))
    if length == 0.0:
        return
    # Minus the squared Lorentz length is (S_0 - |S|) (S_0 + |S|); the first is summed up without
    # cancellation, as in `graphembed.geometry.centroid`.
    gap = 0.0
    for e in range(indptr[i], indptr[i + 1]):
        point = points[indices[e]]
        norm = sqrt(square_norm(point))
        turned = 0.0
        if norm > 0.0:
            for j in range(len(row)):
                part = point[j] / norm - row[j] / length
                turned += part * part
        gap += weights[e] * (1.0 / (norm + time(point)) + 0.5 * norm * turned)
    scale = 1.0 / sqrt(gap * (times + length))
    for j in range(len(row)):
        row[j] *= scale
    deepest = 0.0
    for e in range(indptr[i], indptr[i + 1]):
        deepest = max(deepest, radius(points[indices[e]]))
    out = radius(row)
    if out > TINY:
        scale = sinh(deepest + OUTWARD) / sinh(out)
        for j in range(len(row)):
            row[j] *= scale


@njit(cache=True, nogil=True)
def _is_neighbour(indptr, indices, i, node):
    low, high = indptr[i], indptr[i + 1]
    while low < high:
        middle = (low + high) // 2
        if indices[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low < indptr[i + 1] and indices[low] == node


@njit(cache=True, nogil=True)
def _slopes(near, m, loss, margin, temperature, slopes):
    """Write the derivative of the loss by the distance of each candidate, the positive first.

    ``near`` holds exp(-d) of the candidates.
    """
    if loss == SOFTMAX:
        total = 0.0
        for k in range(m):
            if temperature != 1.0:
                near[k] = near[k] ** (1.0 / temperature)
            total += near[k]
        for k in range(m):
            slopes[k] = -near[k] / total / temperature
        slopes[0] += 1.0 / temperature
    elif loss == FERMI_DIRAC:
        for k in range(m):
            excess = (-log(near[k]) - margin) / temperature
            slopes[k] = 1.0 / (1.0 + exp(-excess if k == 0 else excess)) / temperature
            if k > 0:
                slopes[k] = -slopes[k]
    else:
        slopes[0] = 0.0
        for k in range(1, m):
            slopes[k] = 0.0
            if margin - log(near[0]) + log(near[k]) > 0.0:
                slopes[k] = -1.0 / (m - 1)
                slopes[0] += 1.0 / (m - 1)


@njit(cache=True, nogil=True)
def place_rows(
    points, indptr, indices, weights, keys, n_steps, n_negatives, loss, margin, temperature,
    rate, largest_norm, out, first, last,
):  # fmt: skip
    """Place rows ``first <= i < last``: near their neighbours, then steps that move the row alone.

    The start is in the direction of the Lorentz centroid of the neighbours, a little deeper than
    the deepest of them. Each step draws a neighbour by weight and negatives uniformly, and moves
    the row against the gradient of the loss. For the distortion loss, which knows no negatives,
    the start is the place.

    Parameters
    ----------
    points : ndarray of shape (n_fitted, d), float64
        Spatial Lorentz coordinates, frozen.
    indptr, indices, weights : ndarray
        Edges of the new nodes to fitted ones, CSR with ascending columns; int64, int32, float32.
    keys : ndarray of shape (n_rows,), uint64
        Source of randomness of each row.
    n_steps, n_negatives : int
    loss : int
        As in ``kernels.hyperbolic``.
    margin, temperature : float
    rate : float
        A step moves the row by at most about this distance.
    largest_norm : float
        Rows are kept no longer than this.
    out : ndarray of shape (n_rows, d), float64
        The origin for a row without edges.
    first, last : int
    """
    n_fitted, d = points.shape
    nodes, slopes = np.empty(n_negatives + 1, dtype=np.int64), np.empty(n_negatives + 1)
    deltas, near, gradient = np.empty(n_negatives + 1), np.empty(n_negatives + 1), np.empty(d)
    for i in range(first, last):
        row = out[i]
        _start(points, indptr, indices, weights, i, row)
        start, stop = indptr[i], indptr[i + 1]
        total = 0.0
        for e in range(start, stop):
            total += np.float64(weights[e])
        most = min(n_negatives, n_fitted - (stop - start))
        counter = uint64(0)
        for number in range(n_steps if total > 0.0 and loss != DISTORTION else 0):
            goal = unit(draw(keys[i], counter)) * total
            counter += uint64(1)
            e = start
            passed = np.float64(weights[e])
            while passed <= goal and e + 1 < stop:
                e += 1
                passed += np.float64(weights[e])
            nodes[0] = indices[e]
            m = 1
            for _ in range(most):
                for _ in range(TRIES):
                    node = np.int64(bounded(draw(keys[i], counter), n_fitted))
                    counter += uint64(1)
                    if not _is_neighbour(indptr, indices, i, node):
                        nodes[m] = node
                        m += 1
                        break
            for k in range(m):
                deltas[k] = delta(row, points[nodes[k]])
                near[k] = 1.0 / (1.0 + deltas[k] + sinh_from(deltas[k]))
            _slopes(near, m, loss, margin, temperature, slopes)
            gradient[:] = 0.0
            for k in range(m):
                if sinh_from(deltas[k]) > TINY:
                    add_gradient(row, points[nodes[k]], deltas[k], slopes[k], gradient)
            step(row, gradient, rate * (1.0 - (1.0 - LOWEST_RATE) * number / n_steps))
            norm = sqrt(square_norm(row))
            if norm > largest_norm:
                for j in range(d):
                    row[j] *= largest_norm / norm
