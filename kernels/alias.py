"""Alias tables: draw an entry of a weighted row in constant time (Walker 1977, Vose 1991).

A row of ``d`` entries becomes ``d`` slots of equal mass, each shared by at most two entries: its
own and its alias. A slot is one uint64, so that a draw touches one cache line: the lower half is
the share of its own entry in units of 2**-32, the upper half the offset of the alias in the row.
"""

import numpy as np
from numba import int64, njit, uint64

from graphembed.kernels.rng import bounded, draw

WHOLE = 4294967296.0  # 2**32
_LOWER = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def build_alias(indptr, weights, table, first, last):
    """Write the slots of rows ``first <= i < last``.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
        Row pointers. For one table over all nodes, ``[0, n_nodes]``.
    weights : ndarray of shape (n_entries,), float32 or float64
        Non-negative and finite. A row of zeros is drawn from uniformly.
    table : ndarray of shape (n_entries,), uint64
        Written, at the entries of these rows.
    first, last : int
        Range of rows; any cut of the rows gives the same table.
    """
    longest = 0
    for i in range(first, last):
        longest = max(longest, indptr[i + 1] - indptr[i])
    scaled = np.empty(longest, dtype=np.float64)
    stack = np.empty(longest, dtype=np.int64)
    for i in range(first, last):
        _build_row(
            weights[indptr[i] : indptr[i + 1]], table[indptr[i] : indptr[i + 1]], scaled, stack
        )


@njit(cache=True, nogil=True)
def _build_row(weights, table, scaled, stack):
    """Vose's method; ``stack`` holds the poor entries at its front and the rich at its back."""
    degree = len(weights)
    total = 0.0
    for k in range(degree):
        total += np.float64(weights[k])
    factor = degree / total if total > 0 else 0.0
    poor, rich = 0, degree
    for k in range(degree):
        scaled[k] = weights[k] * factor
        if scaled[k] < 1:
            stack[poor] = k
            poor += 1
        else:
            rich -= 1
            stack[rich] = k
        # What round-off leaves on a stack has a share of 1: the alias is the entry itself.
        table[k] = uint64(k) << uint64(32)
    while poor > 0 and rich < degree:
        poor -= 1
        small, large = stack[poor], stack[rich]
        share = uint64(scaled[small] * WHOLE)
        table[small] = (uint64(large) << uint64(32)) | min(share, _LOWER)
        scaled[large] -= 1.0 - scaled[small]
        if scaled[large] < 1:
            rich += 1
            stack[poor] = large
            poor += 1


@njit(inline="always")
def choose(table, start, entry, coin):
    """Return ``entry`` or its alias, as the lower 32 of the random bits ``coin`` decide.

    ``start`` is the first entry of the row; ``entry`` was drawn uniformly from the row.
    """
    word = table[entry]
    return entry if (uint64(coin) & _LOWER) < (word & _LOWER) else start + int64(word >> uint64(32))


@njit(inline="always")
def sample(table, start, degree, bits):
    """Draw an entry of the row ``start .. start + degree - 1`` with 64 random bits."""
    return choose(table, start, start + int64(bounded(bits, degree)), bits)


@njit(cache=True, nogil=True)
def sample_row(table, key, first, out):
    """Fill ``out`` with draws ``first, first + 1, ...`` of ``key`` from a table of one row.

    Parameters
    ----------
    table : ndarray of shape (n_entries,), uint64
        From :func:`build_alias`.
    key : uint64
        Source of all randomness.
    first : int
        Number of the first draw.
    out : ndarray of shape (n_draws,), int32 or int64
        Written: entries, drawn with probabilities in proportion to their weights.
    """
    for i in range(len(out)):
        out[i] = sample(table, 0, len(table), draw(key, first + i))
