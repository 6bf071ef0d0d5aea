"""Sparse optimiser steps: gradients of rows that repeat are summed, and each row steps once."""

import numpy as np
from numba import float32, int32, int64, njit, uint64

EPSILON = np.float32(1e-10)  # Adagrad's
ADAM_EPSILON = np.float32(1e-8)
BETA_1 = 0.9
BETA_2 = 0.999
# Compared with, as np.isfinite is x - x == x - x, which LLVM may take for 0 == 0 where it may
# reassociate.
_INFINITY = np.float32(np.inf)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def group_rows(rows, n_rows, unique, starts, order):
    """Find which entries of ``rows`` are equal, in linear time at any size of the table.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
    n_rows : int
        All rows must be in ``0 .. n_rows - 1``.
    unique : ndarray of shape (n,), int64
        Written: the distinct rows, in the order of their first appearance.
    starts : ndarray of shape (n + 1,), int64
    order : ndarray of shape (n,), int64
        Written: distinct row ``u`` stands at ``order[starts[u]:starts[u + 1]]``, ascending.

    Returns
    -------
    int
        Number of distinct rows; -1 if a row is not in the table.
    """
    n = len(rows)
    bits = 1
    while (1 << bits) < 2 * n:
        bits += 1
    shift = uint64(64 - bits)
    last_slot = uint64((1 << bits) - 1)
    slots = np.full(1 << bits, -1, dtype=np.int32)
    places = np.empty(n, dtype=np.int32)
    n_unique = 0
    for i in range(n):
        row = rows[i]
        if row < 0 or row >= n_rows:
            return -1
        slot = (uint64(row) * _GOLDEN) >> shift
        place = slots[slot]
        while place >= 0 and unique[place] != row:
            slot = (slot + uint64(1)) & last_slot
            place = slots[slot]
        if place < 0:
            place = int32(n_unique)
            slots[slot] = place
            unique[place] = row
            starts[place + 1] = 0
            n_unique += 1
        places[i] = place
        starts[place + 1] += 1
    starts[0] = 0
    for place in range(n_unique):
        starts[place + 1] += starts[place]
    following = starts[:n_unique].copy()
    for i in range(n):
        place = places[i]
        order[following[place]] = int64(i)
        following[place] += 1
    return n_unique


@njit(inline="always")
def _sum_gradients(grads, order, begin, end, table, row, decay, total):
    """Sum the gradients of a row, in the order they came, and return the sum of its squares."""
    width = total.shape[0]
    at = order[begin]
    for c in range(width):
        total[c] = grads[at, c]
    for k in range(begin + 1, end):
        at = order[k]
        for c in range(width):
            total[c] += grads[at, c]
    if decay != 0:
        for c in range(width):
            total[c] += decay * table[row, c]
    square = float32(0)
    for c in range(width):
        square += total[c] * total[c]
    return square


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def row_adagrad(table, state, grads, unique, starts, order, rate, decay, first, last):
    r"""Step the distinct rows ``first <= u < last`` with one step size a row.

    .. math::
        s_i \leftarrow s_i + \frac{\|g_i\|^2}{d}, \qquad
        x_i \leftarrow x_i - \eta \frac{g_i}{\sqrt{s_i} + \epsilon}

    Parameters
    ----------
    table : ndarray of shape (n_rows, d), float32
    state : ndarray of shape (n_rows, 1), float32
    grads : ndarray of shape (n, d), float32
    unique, starts, order
        As :func:`group_rows` wrote them.
    rate : float32
        The learning rate.
    decay : float32
        This times the row is added to its gradient.
    first, last : int

    Returns
    -------
    int
        The first row whose gradient is not finite, -1 if there is none. Such rows are left as
        they are.
    """
    width = table.shape[1]
    total = np.empty(width, dtype=np.float32)
    bad = -1
    for u in range(first, last):
        row = unique[u]
        square = _sum_gradients(grads, order, starts[u], starts[u + 1], table, row, decay, total)
        if not square < _INFINITY:
            bad = row if bad < 0 else bad
            continue
        state[row, 0] += square / float32(width)
        step = rate / (np.sqrt(state[row, 0]) + EPSILON)
        for c in range(width):
            table[row, c] -= step * total[c]
    return bad


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def adagrad(table, state, grads, unique, starts, order, rate, decay, first, last):
    r"""Step the distinct rows ``first <= u < last`` with one step size an entry.

    .. math::
        s \leftarrow s + g^2, \qquad x \leftarrow x - \eta \frac{g}{\sqrt{s} + \epsilon}

    ``state`` is of shape (n_rows, d); the rest is as in :func:`row_adagrad`.
    """
    width = table.shape[1]
    total = np.empty(width, dtype=np.float32)
    bad = -1
    for u in range(first, last):
        row = unique[u]
        square = _sum_gradients(grads, order, starts[u], starts[u + 1], table, row, decay, total)
        if not square < _INFINITY:
            bad = row if bad < 0 else bad
            continue
        for c in range(width):
            state[row, c] += total[c] * total[c]
            table[row, c] -= rate * total[c] / (np.sqrt(state[row, c]) + EPSILON)
    return bad


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def adam(table, state, grads, unique, starts, order, rate, decay, first, last):
    r"""Step the distinct rows ``first <= u < last`` by moments of the gradient; others rest.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \qquad
        x \leftarrow x - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    where t counts the steps of the row itself. ``state`` is of shape (n_rows, 2 d + 1): m, v, t;
    the rest is as in :func:`row_adagrad`.
    """
    width = table.shape[1]
    total = np.empty(width, dtype=np.float32)
    beta_1, beta_2 = float32(BETA_1), float32(BETA_2)
    bad = -1
    for u in range(first, last):
        row = unique[u]
        square = _sum_gradients(grads, order, starts[u], starts[u + 1], table, row, decay, total)
        if not square < _INFINITY:
            bad = row if bad < 0 else bad
            continue
        state[row, 2 * width] += float32(1)
        t = np.float64(state[row, 2 * width])
        step = float32(rate / (1.0 - BETA_1**t))
        scale = float32(1.0 / np.sqrt(1.0 - BETA_2**t))
        for c in range(width):
            m = beta_1 * state[row, c] + (float32(1) - beta_1) * total[c]
            v = beta_2 * state[row, width + c] + (float32(1) - beta_2) * total[c] * total[c]
            state[row, c] = m
            state[row, width + c] = v
            table[row, c] -= step * m / (np.sqrt(v) * scale + ADAM_EPSILON)
    return bad


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def dense_adam(table, state, grads, starts, order, places, rate, decay, first, last):
    """Step rows ``first <= row < last`` as :func:`adam` does, those without a gradient too.

    Parameters
    ----------
    places : ndarray of shape (n_rows,), int64
        Where the gradients of a row are, an entry of ``starts``; -1 if it has none.

    The rest is as in :func:`adam`, which leaves such rows alone.
    """
    width = table.shape[1]
    total = np.empty(width, dtype=np.float32)
    beta_1, beta_2 = float32(BETA_1), float32(BETA_2)
    bad = -1
    for row in range(first, last):
        u = places[row]
        if u < 0:
            for c in range(width):
                total[c] = decay * table[row, c]
        else:
            square = _sum_gradients(
                grads, order, starts[u], starts[u + 1], table, row, decay, total
            )
            if not square < _INFINITY:
                bad = row if bad < 0 else bad
                continue
        state[row, 2 * width] += float32(1)
        t = np.float64(state[row, 2 * width])
        step = float32(rate / (1.0 - BETA_1**t))
        scale = float32(1.0 / np.sqrt(1.0 - BETA_2**t))
        for c in range(width):
            m = beta_1 * state[row, c] + (float32(1) - beta_1) * total[c]
            v = beta_2 * state[row, width + c] + (float32(1) - beta_2) * total[c] * total[c]
            state[row, c] = m
            state[row, width + c] = v
            table[row, c] -= step * m / (np.sqrt(v) * scale + ADAM_EPSILON)
    return bad
