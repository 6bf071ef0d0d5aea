"""What layers of message passing need beside sparse products: maxima over messages, and dropout."""

import numpy as np
from numba import njit, uint32, uint64

from graphembed.kernels.rng import draw

SPAN = 4096  # places whose draws come of one key


@njit(cache=True, nogil=True)
def segment_max(indptr, indices, matrix, out, winners, first, last):
    """Write the column-wise maximum of the rows that each target hears.

    Parameters
    ----------
    indptr : ndarray of shape (n_targets + 1,), int64
    indices : ndarray of shape (n_messages,), int32
        Rows of ``matrix``.
    matrix : ndarray of shape (n_sources, d), float32
    out : ndarray of shape (n_targets, d), float32
        0 for a target that hears nobody.
    winners : ndarray of shape (n_targets, d), int32
        The row that each maximum is from, the first of equal ones; -1 if there is none.
    first, last : int
        Range of targets.
    """
    for i in range(first, last):
        row, winner = out[i], winners[i]
        start, stop = indptr[i], indptr[i + 1]
        if start == stop:
            row[:] = 0
            winner[:] = -1
            continue
        row[:] = matrix[indices[start]]
        winner[:] = indices[start]
        for k in range(start + 1, stop):
            source = indices[k]
            for c in range(row.shape[0]):
                larger = matrix[source, c] > row[c]
                row[c] = matrix[source, c] if larger else row[c]
                winner[c] = source if larger else winner[c]


@njit(cache=True, nogil=True)
def segment_max_gradient(indptr, indices, winners, gradient, out, first, last):
    """Write the gradient by the rows of the sources: each maximum's goes to its winner.

    Parameters
    ----------
    indptr : ndarray of shape (n_sources + 1,), int64
    indices : ndarray of shape (n_messages,), int32
        Targets that hear each source.
    winners : ndarray of shape (n_targets, d), int32
        As :func:`segment_max` wrote them.
    gradient : ndarray of shape (n_targets, d), float32
    out : ndarray of shape (n_sources, d), float32
    first, last : int
        Range of sources.
    """
    for j in range(first, last):
        row = out[j]
        row[:] = 0
        for k in range(indptr[j], indptr[j + 1]):
            target = indices[k]
            for c in range(row.shape[0]):
                row[c] += gradient[target, c] if winners[target, c] == j else np.float32(0)


@njit(inline="always")
def _hash(word):
    """Hash 32 bits to 32 bits (``lowbias32``, Wellons 2018)."""
    word = uint32(word ^ uint32(word >> uint32(16)))
    word = uint32(word * uint32(0x7FEB352D))
    word = uint32(word ^ uint32(word >> uint32(15)))
    word = uint32(word * uint32(0x846CA68B))
    return uint32(word ^ uint32(word >> uint32(16)))


@njit(cache=True, nogil=True)
def drop(key, values, threshold, scale, out, first, last):
    """Write ``scale * values``, or 0 where the draw of a place is below the threshold.

    Parameters
    ----------
    key : uint64
        Draws are hashes of the key and the place.
    values, out : ndarray of shape (n,), float32
    threshold : uint32
        Probability of 0, in units of 2**-32.
    scale : float32
    first, last : int
        Range of places; ``first`` is a multiple of ``SPAN``.
    """
    for start in range(first, last, SPAN):
        stop = min(start + SPAN, last)
        span, written = values[start:stop], out[start:stop]
        offset = uint32(draw(uint64(key), uint64(start)))
        for i in range(span.shape[0]):  # of vectors: 32 bits a place, and no branch
            kept = _hash(uint32(uint32(i) + offset)) >= threshold
            written[i] = span[i] * (scale if kept else np.float32(0))
