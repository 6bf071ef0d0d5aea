"""Losses of one positive score against K negative ones, and their gradients, row by row.

Each function reads row i of ``negative`` once or twice, so that it stays in the first cache, and
writes its gradient; the loss of the row goes to ``losses[i]``. A negative score of minus infinity
takes no part: its gradient is 0, and means are over the others. ``grad_negative`` may be
``negative`` itself; as LLVM only vectorises loops whose arrays do not overlap, gradients are first
written to a row of their own.
"""

from math import log

import numpy as np
from numba import float32, njit

from graphembed.kernels.vector_math import exp, maximum, softplus

_MASKED = np.float32(-np.inf)
_LOWEST = np.float32(np.finfo(np.float32).min)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_SUMS = {"reassoc", "nsz", "contract"}  # sums may be split over lanes; NaN and infinity remain


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _count(row):
    """Return how many scores take part."""
    count = float32(0.0)
    for j in range(len(row)):
        count += _ZERO if row[j] == _MASKED else _ONE
    return count


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _sum(row):
    total = float32(0.0)
    for j in range(len(row)):
        total += row[j]
    return total


@njit(cache=True, nogil=True)
def _largest(row, start):
    top = start
    for j in range(len(row)):
        top = maximum(top, row[j])
    return top


@njit(cache=True, nogil=True)
def _write_scaled(row, factor, out):
    for j in range(len(row)):
        out[j] = factor * row[j]


@njit(cache=True, nogil=True)
def softmax(positive, negative, grad_positive, grad_negative, losses):
    """Write the cross entropy of the positive among itself and its negatives.

    Parameters
    ----------
    positive, grad_positive : ndarray of shape (n,), float32
    negative, grad_negative : ndarray of shape (n, n_negatives), float32
    losses : ndarray of shape (n,), float32
        All but ``positive`` and ``negative`` are written.
    """
    slopes = np.empty(negative.shape[1], dtype=np.float32)
    for i in range(len(positive)):
        top = _largest(negative[i], positive[i])
        _exp_row(negative[i], top, slopes)
        own, others = exp(positive[i] - top), _sum(slopes)
        factor = _ONE / (own + others)
        grad_positive[i] = -others * factor
        losses[i] = float32(log(own + others)) + top - positive[i]
        _write_scaled(slopes, factor, grad_negative[i])


@njit(cache=True, nogil=True)
def _exp_row(row, top, out):
    for j in range(len(row)):
        out[j] = exp(row[j] - top)


@njit(cache=True, nogil=True)
def margin(positive, negative, margin, grad_positive, grad_negative, losses):
    """Write the mean of ``max(0, margin - positive + negative)``; see :func:`softmax`.

    Parameters
    ----------
    margin : float32
    """
    slopes = np.empty(negative.shape[1], dtype=np.float32)
    for i in range(len(positive)):
        weight = _ONE / maximum(_count(negative[i]), _ONE)
        losses[i] = weight * _hinge_row(negative[i], margin - positive[i], slopes)
        grad_positive[i] = -weight * _sum(slopes)
        _write_scaled(slopes, weight, grad_negative[i])


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _hinge_row(row, offset, slopes):
    total = float32(0.0)
    for j in range(len(row)):
        excess = row[j] + offset
        inside = excess <= _ZERO
        slopes[j] = _ZERO if inside else _ONE
        total += _ZERO if inside else excess
    return total


@njit(cache=True, nogil=True)
def logistic(positive, negative, share, grad_positive, grad_negative, losses):
    """Write ``softplus(-positive)`` plus ``share`` times the mean of ``softplus(negative)``.

    For the other parameters see :func:`softmax`.

    Parameters
    ----------
    share : float32
    """
    slopes = np.empty(negative.shape[1], dtype=np.float32)
    for i in range(len(positive)):
        weight = share / maximum(_count(negative[i]), _ONE)
        losses[i], slope = softplus(-positive[i])
        grad_positive[i] = -slope
        losses[i] += weight * _softplus_row(negative[i], slopes)
        _write_scaled(slopes, weight, grad_negative[i])


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _softplus_row(row, slopes):
    total = float32(0.0)
    for j in range(len(row)):
        value, slopes[j] = softplus(row[j])
        total += value
    return total


@njit(cache=True, nogil=True)
def self_adversarial(positive, negative, margin, temperature, grad_positive, grad_negative, losses):
    """Write the loss of RotatE, whose negatives weigh as a softmax that has no gradient.

    It is ``softplus(-positive - margin)`` plus the sum of ``p * softplus(negative + margin)``,
    where p is the softmax of ``temperature * negative``; see :func:`softmax`.

    Parameters
    ----------
    margin, temperature : float32
    """
    slopes = np.empty(negative.shape[1], dtype=np.float32)
    for i in range(len(positive)):
        losses[i], slope = softplus(-positive[i] - margin)
        grad_positive[i] = -slope
        top = _largest(negative[i], _LOWEST)
        weights, loss = _weighted_softplus_row(negative[i], margin, temperature, top, slopes)
        # The largest score has weight 1 before scaling, so that less means no negatives at all.
        factor = _ONE / maximum(weights, _ONE)
        losses[i] += factor * loss
        _write_scaled(slopes, factor, grad_negative[i])


@njit(cache=True, nogil=True, fastmath=_SUMS)
def _weighted_softplus_row(row, margin, temperature, top, slopes):
    weights = loss = float32(0.0)
    for j in range(len(row)):
        weight = exp(temperature * (row[j] - top))
        value, slope = softplus(row[j] + margin)
        slopes[j] = weight * slope
        weights += weight
        loss += weight * value
    return weights, loss
