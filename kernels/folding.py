"""New nodes beside trained tables: hashes of adjacency rows, and row-only skip-gram steps."""

import numpy as np
from numba import njit, uint64

from graphembed.kernels.alias import sample
from graphembed.kernels.rng import draw, fold, mix, unit

_CLIP = np.float32(30.0)  # beyond it the sigmoid is 0 or 1 in float32


@njit(cache=True, nogil=True)
def hash_rows(indptr, indices, bits, out, first, last):
    """Hash rows ``first <= i < last`` of a CSR matrix: columns and bits of the entries, in order.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        Ascending within each row.
    bits : ndarray of shape (n_entries,), uint32
        The float32 entries, viewed as ints.
    out : ndarray of shape (n_rows,), uint64
    first, last : int
    """
    for i in range(first, last):
        key = mix(uint64(indptr[i + 1] - indptr[i]))
        for k in range(indptr[i], indptr[i + 1]):
            key = fold(key, (uint64(indices[k]) << uint64(32)) | uint64(bits[k]))
        out[i] = key


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def fold_in(
    indptr, indices, weights, keys, w_in, w_out, table, n_steps, n_negatives, rate, out, first, last
):
    r"""Place rows ``first <= i < last``: start among the neighbours, then a few SGD steps.

    The start is the weighted mean of the neighbours' input vectors. Each step draws a neighbour c
    by weight and negatives n, and moves the row u alone along the gradient of

    .. math:: \log \sigma(u \cdot v_c) + \sum_n \log \sigma(-u \cdot v_n)

    Parameters
    ----------
    indptr, indices, weights
        Edges of the new nodes to fitted ones, CSR; int64, int32, float32.
    keys : ndarray of shape (n_rows,), uint64
        Source of randomness of each row.
    w_in, w_out : ndarray of shape (n_fitted, d), float32
        Frozen tables.
    table : ndarray of shape (n_fitted,), uint64
        Alias table that negatives are drawn from.
    n_steps, n_negatives : int
    rate : float32
        Learning rate of the first step; it falls to 0.
    out : ndarray of shape (n_rows, d), float32
        Zero for a row without edges.
    first, last : int
    """
    d = out.shape[1]
    step = np.empty(d, dtype=np.float32)
    for i in range(first, last):
        start, stop = indptr[i], indptr[i + 1]
        row = out[i]
        row[:] = 0
        total = 0.0
        for k in range(start, stop):
            total += np.float64(weights[k])
        if total <= 0:
            continue
        for k in range(start, stop):
            share = np.float32(weights[k] / total)
            neighbour = w_in[indices[k]]
            for c in range(d):
                row[c] += share * neighbour[c]
        counter = uint64(0)
        for number in range(n_steps):
            now = np.float32(rate * (1.0 - number / n_steps))
            goal = unit(draw(keys[i], counter)) * total
            counter += uint64(1)
            k = start
            passed = np.float64(weights[k])
            while passed <= goal and k + 1 < stop:
                k += 1
                passed += np.float64(weights[k])
            step[:] = 0
            _add_gradient(row, w_out[indices[k]], np.float32(1), step)
            for _ in range(n_negatives):
                negative = sample(table, 0, len(table), draw(keys[i], counter))
                counter += uint64(1)
                if negative != indices[k]:
                    _add_gradient(row, w_out[negative], np.float32(0), step)
            for c in range(d):
                row[c] += now * step[c]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _add_gradient(row, other, label, step):
    score = np.float32(0)
    for c in range(row.shape[0]):
        score += row[c] * other[c]
    score = min(max(score, -_CLIP), _CLIP)
    error = label - np.float32(1) / (np.float32(1) + np.exp(-score))
    for c in range(row.shape[0]):
        step[c] += error * other[c]
