"""Riemannian gradient steps on one node and all its candidates at a time.

The candidates of a node u, a positive and its negatives, are gathered as columns, so that all
arithmetic runs along candidates in SIMD registers: distances, weights, steps. Distances are those
of :mod:`graphembed.kernels.lorentz`. The softmax needs neither exp nor log, since exp(-d) is
``1 / (cosh d + sinh d)``. The weight w of a candidate is the derivative of the loss by its
distance; distances have gradients of length 1, so that ``|w|`` is also the length of the
candidate's gradient. The rate of a row is that of Adagrad with one sum a row: the rate divided by
the root of the sum of squared gradients (Becigneul and Ganea 2019).

Every function works on a range and may run beside others: torn rows are still points. A node that
is drawn twice among the negatives of an edge takes one of the two steps.
"""

from math import exp, log, log1p, sqrt

import numpy as np
from numba import njit, uint64

from graphembed.kernels.alias import sample
from graphembed.kernels.hops import hop_counts
from graphembed.kernels.lorentz import FAST, delta_from, exp_factors, inverse_length
from graphembed.kernels.rng import bounded, fold, mix, unit

LORENTZ, EUCLIDEAN = 0, 1
SOFTMAX, FERMI_DIRAC, TRIPLET, DISTORTION = 0, 1, 2, 3
TRIES = 10  # draws of a negative before there is one less
LANES = 8  # widths of buffers are multiples of this
TINY = 1e-12  # distances below have no direction
_LEAST = 1e-300
# rows of the buffer of a node's candidates
_SQUARE, _FACTOR, _NORM, _DELTA, _LENGTH, _NEAR, _WEIGHT, _SUM, _STAY, _PULL, _GOAL = range(11)
_N_ROWS = 11


@njit(cache=True, nogil=True)
def fill_filters(indptr, indices, filters, first, last):
    """Write 64 bits for each row: what is not among them is not in the row.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    filters : ndarray of shape (n_rows,), uint64
        Written for rows ``first <= i < last``.
    """
    for i in range(first, last):
        bits = uint64(0)
        for e in range(indptr[i], indptr[i + 1]):
            bits |= _filter_bit(indices[e])
        filters[i] = bits


@njit(inline="always")
def _filter_bit(node):
    return uint64(1) << ((uint64(node) * uint64(0x9E3779B97F4A7C15)) >> uint64(58))


@njit(cache=True, nogil=True)
def _is_positive(indptr, indices, u, node):
    low, stop = indptr[u], indptr[u + 1]
    high = stop
    while low < high:
        middle = (low + high) >> 1
        if indices[middle] < node:
            low = middle + 1
        else:
            high = middle
    return low < stop and indices[low] == node


@njit(cache=True, nogil=True)
def draw_negatives(u, indptr, indices, filters, candidates, table, low, high, key, count, out):
    """Write up to ``count`` nodes that are neither u nor in its row after ``out[0]``.

    Parameters
    ----------
    u : int
    indptr, indices, filters : ndarray
        Sorted rows of positives, and their :func:`fill_filters`.
    candidates : ndarray of shape (n_nodes,), int32
        Negatives are taken from places ``low <= p < high``.
    table : ndarray, uint64
        Alias table of the candidates; an empty one draws uniformly.
    key : uint64
    out : ndarray of shape (at least count + 1,), int32

    Returns
    -------
    int
        How many are in ``out``, ``out[0]`` included.
    """
    size = high - low
    bits, mask = uint64(key), filters[u]
    # No more than there are: in a dense graph, nearly all draws would be in vain.
    count = min(count, len(filters) - 1 - (indptr[u + 1] - indptr[u]))
    m = 1
    for _ in range(count):
        for _ in range(TRIES):
            bits = mix(bits)
            if len(table):
                node = candidates[sample(table, low, size, bits)]
            else:
                node = candidates[low + bounded(bits, size)]
            if node != u and (
                not (mask & _filter_bit(node)) or not _is_positive(indptr, indices, u, node)
            ):
                out[m] = node
                m += 1
                break
    return m


@njit(cache=True, nogil=True)
def _gather(points, sums, u, nodes, m, columns, rows):
    """Copy the candidates to columns; columns past the last repeat the first."""
    d, width = columns.shape
    padded = min(width, (m + LANES - 1) // LANES * LANES)
    for k in range(padded):
        node = nodes[k if k < m else 0]
        for j in range(d):
            columns[j, k] = points[node, j]
        rows[_SUM, k] = sums[node]
    return padded


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _measure_lorentz(x, columns, width, rows):
    """Write delta, sinh(d) and exp(-d) of x and each column; return whether none coincide."""
    squares, norms, factors = rows[_SQUARE], rows[_NORM], rows[_FACTOR]
    deltas, lengths, near = rows[_DELTA], rows[_LENGTH], rows[_NEAR]
    for k in range(width):
        norms[k] = squares[k] = 0.0
    own = 0.0
    for j in range(len(x)):
        own += x[j] * x[j]
        column = columns[j]
        for k in range(width):
            norms[k] += column[k] * column[k]
    own_length, own_time = sqrt(own), sqrt(1.0 + own)
    own_factor = inverse_length(own_length)
    for k in range(width):
        factors[k] = inverse_length(sqrt(norms[k]))
    for j in range(len(x)):
        here, column = x[j] * own_factor, columns[j]
        for k in range(width):
            difference = here - column[k] * factors[k]
            squares[k] += difference * difference
    nearest = 1.0
    for k in range(width):
        norm = norms[k]
        delta = delta_from(own_length, own_time, sqrt(norm), sqrt(1.0 + norm), squares[k])
        sinh = sqrt(delta * (delta + 2.0))
        deltas[k] = delta
        lengths[k] = sinh
        near[k] = 1.0 / (1.0 + delta + sinh)
        nearest = min(nearest, sinh)
    return nearest >= TINY


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _measure_euclidean(x, columns, width, rows):
    """Write 0, d and exp(-d) of x and each column; return whether none coincide."""
    lengths = rows[_LENGTH]
    for k in range(width):
        lengths[k] = 0.0
    for j in range(len(x)):
        here, column = x[j], columns[j]
        for k in range(width):
            difference = here - column[k]
            lengths[k] += difference * difference
    nearest = 1.0
    for k in range(width):
        length = sqrt(lengths[k])
        lengths[k] = length
        rows[_DELTA, k] = 0.0
        rows[_NEAR, k] = exp(-length)
        nearest = min(nearest, length)
    return nearest >= TINY


@njit(cache=True, nogil=True)
def _measure(manifold, x, columns, width, rows, key):
    """Measure all distances; coincident points are set apart first, in a random direction."""
    for attempt in range(TRIES):
        if manifold == LORENTZ:
            apart = _measure_lorentz(x, columns, width, rows)
        else:
            apart = _measure_euclidean(x, columns, width, rows)
        if apart:
            return
        bits = fold(key, attempt)
        largest = 1.0
        for j in range(len(x)):
            largest = max(largest, abs(x[j]))
        for k in range(width):
            if rows[_LENGTH, k] < TINY:
                for j in range(len(x)):
                    bits = mix(bits)
                    columns[j, k] += 1e-6 * largest * (unit(bits) - 0.5)
    for k in range(width):
        rows[_LENGTH, k] = max(rows[_LENGTH, k], TINY)


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _weigh_softmax(m, width, rows, temperature):
    """Cross entropy of the first among all candidates, whose logits are ``-d / temperature``.

    Temperatures of 1, 1/2, 1/4, ... need no exp: ``near`` is squared.
    """
    near, weights = rows[_NEAR], rows[_WEIGHT]
    slope = power = 1.0 / temperature
    while power >= 2.0:
        power *= 0.5
        for k in range(width):
            near[k] *= near[k]
    if power != 1.0:
        for k in range(m):
            near[k] = exp(power * log(max(near[k], _LEAST)))
    for k in range(m, width):
        near[k] = 0.0
    total = _LEAST
    for k in range(width):
        total += near[k]
    factor = slope / total
    for k in range(width):
        weights[k] = -near[k] * factor
    weights[0] += slope
    return -log(max(near[0], _LEAST) / total)


@njit(cache=True, nogil=True)
def _weigh_fermi_dirac(m, width, rows, radius, temperature):
    """Binary cross entropy of edges with probabilities ``1 / (exp((d - r) / t) + 1)``."""
    loss = 0.0
    for k in range(m):
        logit = (-log(rows[_NEAR, k]) - radius) / temperature
        if k > 0:
            logit = -logit
        slope = 1.0 / (1.0 + exp(-logit)) / temperature
        loss += logit + log1p(exp(-logit)) if logit > 0 else log1p(exp(logit))
        rows[_WEIGHT, k] = -slope if k > 0 else slope
    for k in range(m, width):
        rows[_WEIGHT, k] = 0.0
    return loss


@njit(cache=True, nogil=True)
def _weigh_triplet(m, width, rows, margin):
    """Mean of ``max(0, margin + d_0 - d_k)`` over the negatives."""
    own = -log(rows[_NEAR, 0]) + margin
    share = 1.0 / max(1, m - 1)
    loss = first = 0.0
    for k in range(1, m):
        excess = own + log(rows[_NEAR, k])
        active = excess > 0.0
        rows[_WEIGHT, k] = -share if active else 0.0
        if active:
            loss += share * excess
            first += share
    rows[_WEIGHT, 0] = first
    for k in range(m, width):
        rows[_WEIGHT, k] = 0.0
    return loss


@njit(cache=True, nogil=True)
def _weigh_distortion(m, width, rows, scale, fit):
    """Squares of ``d / (scale * goal) - 1``; adds what the best scale is found from to ``fit``."""
    loss = 0.0
    share = 1.0 / m
    for k in range(m):
        goal = rows[_GOAL, k]
        ratio = -log(rows[_NEAR, k]) / goal
        error = ratio / scale - 1.0
        loss += share * error * error
        fit[0] += ratio
        fit[1] += ratio * ratio
        rows[_WEIGHT, k] = 2.0 * error / (scale * goal)
    for k in range(m, width):
        rows[_WEIGHT, k] = 0.0
    return loss


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _gradient(x, columns, width, rows, out):
    """Write the gradient by x of the weighted distances; return its squared Euclidean length."""
    weights, lengths, deltas, shares = rows[_WEIGHT], rows[_LENGTH], rows[_DELTA], rows[_FACTOR]
    along = 0.0
    for k in range(width):
        shares[k] = weights[k] / lengths[k]
        along += shares[k] * deltas[k]
    for j in range(len(x)):
        here, column = x[j], columns[j]
        total = 0.0
        for k in range(width):
            total += shares[k] * (here - column[k])
        out[j] = total + here * along


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _move_columns(x, columns, width, rows, rate, adagrad, manifold):
    """Step every candidate; return the largest squared norm that came out."""
    weights, lengths, deltas, sums = rows[_WEIGHT], rows[_LENGTH], rows[_DELTA], rows[_SUM]
    stay, pull, norms = rows[_STAY], rows[_PULL], rows[_NORM]
    for k in range(width):
        weight = weights[k]
        total = sums[k] + adagrad * weight * weight
        sums[k] = total
        length = rate * weight / sqrt(total)
        length = min(1.0, max(-1.0, length))
        square = length * length
        even, odd = exp_factors(square)
        factor = odd * length / lengths[k]
        pull[k] = factor
        stay[k] = even - factor * deltas[k]
        norms[k] = 0.0
    if manifold == EUCLIDEAN:
        for k in range(width):
            length = rate * weights[k] / sqrt(sums[k])
            stay[k] = 1.0
            pull[k] = min(1.0, max(-1.0, length)) / lengths[k]
    for j in range(len(x)):
        here, column = x[j], columns[j]
        for k in range(width):
            there = column[k]
            there = stay[k] * there + pull[k] * (here - there)
            column[k] = there
            norms[k] += there * there
    largest = 0.0
    for k in range(width):
        largest = max(largest, norms[k])
    return largest


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _move_row(x, gradient, own_sum, rate, adagrad, manifold, largest_norm):
    """Step x against a gradient; return its new Adagrad sum."""
    squares = product = norm = 0.0
    for j in range(len(x)):
        squares += gradient[j] * gradient[j]
        product += gradient[j] * x[j]
        norm += x[j] * x[j]
    if manifold == LORENTZ:
        squares = max(0.0, squares - product * product / (1.0 + norm))
    own_sum += adagrad * squares
    rate = rate / sqrt(own_sum)
    square = rate * rate * squares
    if square > 1.0:
        rate /= sqrt(square)
        square = 1.0
    even, odd = exp_factors(square)
    if manifold == EUCLIDEAN:
        even = odd = 1.0
    norm = 0.0
    for j in range(len(x)):
        x[j] = even * x[j] - odd * rate * gradient[j]
        norm += x[j] * x[j]
    if norm > largest_norm * largest_norm:
        shrink = largest_norm / sqrt(norm)
        for j in range(len(x)):
            x[j] *= shrink
    return own_sum


@njit(cache=True, nogil=True)
def _scatter(points, sums, nodes, m, columns, rows, largest, largest_norm):
    d = len(columns)
    if largest > largest_norm * largest_norm:
        for k in range(m):
            norm = sqrt(rows[_NORM, k])
            if norm > largest_norm:
                for j in range(d):
                    columns[j, k] *= largest_norm / norm
    for k in range(m):
        node = nodes[k]
        for j in range(d):
            points[node, j] = columns[j, k]
        sums[node] = rows[_SUM, k]


@njit(cache=True, nogil=True)
def train_edges(
    points, sums, sources, targets, first, last, indptr, indices, filters, candidates, table,
    low, high, n_negatives, manifold, loss, margin, temperature, rate, adagrad, largest_norm, key,
):  # fmt: skip
    """Train on edges ``first <= e < last``, each against negatives of its source.

    Parameters
    ----------
    points : ndarray of shape (n_nodes, d), float64
        Spatial Lorentz (or Euclidean) coordinates; changed.
    sums : ndarray of shape (n_nodes,), float64
        Of squared gradients, begun at 1; changed.
    sources, targets : ndarray of int32
    indptr, indices, filters, candidates, table, low, high
        See :func:`draw_negatives`.
    n_negatives : int
    manifold, loss : int
        LORENTZ or EUCLIDEAN; SOFTMAX, FERMI_DIRAC or TRIPLET.
    margin, temperature : float
        Margin of the triplets or radius of Fermi-Dirac; temperature of it and of the softmax.
    rate, adagrad : float
        A row takes ``rate / sqrt(sums)`` as its rate, and no step moves it by more than a distance
        of 1; squares of gradients are added to ``sums``, multiplied by ``adagrad``.
    largest_norm : float
        Rows are kept no longer than this: sinh of the largest radius.
    key : uint64

    Returns
    -------
    float
        Sum of losses.
    """
    d = points.shape[1]
    width = (n_negatives + LANES) // LANES * LANES
    columns, rows = np.zeros((d, width)), np.zeros((_N_ROWS, width))
    nodes, gradient = np.zeros(width, dtype=np.int32), np.empty(d)
    total = 0.0
    for e in range(first, last):
        u, v = sources[e], targets[e]
        if u == v:
            continue
        nodes[0] = v
        edge_key = fold(key, e)
        m = draw_negatives(
            u, indptr, indices, filters, candidates, table, low, high, edge_key, n_negatives, nodes
        )
        padded = _gather(points, sums, u, nodes, m, columns, rows)
        x = points[u]
        _measure(manifold, x, columns, padded, rows, edge_key)
        if loss == SOFTMAX:
            total += _weigh_softmax(m, padded, rows, temperature)
        elif loss == FERMI_DIRAC:
            total += _weigh_fermi_dirac(m, padded, rows, margin, temperature)
        else:
            total += _weigh_triplet(m, padded, rows, margin)
        _gradient(x, columns, padded, rows, gradient)
        largest = _move_columns(x, columns, padded, rows, rate, adagrad, manifold)
        _scatter(points, sums, nodes, m, columns, rows, largest, largest_norm)
        sums[u] = _move_row(x, gradient, sums[u], rate, adagrad, manifold, largest_norm)
    return total


@njit(cache=True, nogil=True)
def train_distances(
    points, sums, sources, first, last, indptr, indices, n_draws, n_targets,
    manifold, scale, rate, adagrad, largest_norm, key, fit,
):  # fmt: skip
    """Train distances to be ``scale`` times numbers of hops, for sources ``first <= q < last``.

    Parameters
    ----------
    points, sums, manifold, rate, adagrad, largest_norm, key
        See :func:`train_edges`.
    sources : ndarray of int32
    indptr, indices : ndarray
        Symmetric CSR rows.
    n_draws, n_targets : int
        Each source is trained ``n_draws`` times, against ``n_targets`` of what it can reach.
    scale : float
        Distance per hop.
    fit : ndarray of shape (2,), float64
        Gets the sums of d / hops and of its square added.

    Returns
    -------
    float
        Sum of the losses of the draws.
    """
    n_nodes, d = points.shape
    width = (n_targets + LANES - 1) // LANES * LANES
    columns, rows = np.zeros((d, width)), np.zeros((_N_ROWS, width))
    nodes, gradient = np.zeros(width, dtype=np.int32), np.empty(d)
    hops, reached = np.empty(n_nodes, dtype=np.int32), np.empty(n_nodes, dtype=np.int32)
    total = 0.0
    for q in range(first, last):
        u = sources[q]
        n_reached = hop_counts(indptr, indices, u, hops, reached)
        if n_reached < 2:
            continue
        bits = fold(key, q)
        for _ in range(n_draws):
            for k in range(n_targets):
                bits = mix(bits)
                nodes[k] = reached[1 + bounded(bits, n_reached - 1)]
                rows[_GOAL, k] = hops[nodes[k]]
            padded = _gather(points, sums, u, nodes, n_targets, columns, rows)
            x = points[u]
            _measure(manifold, x, columns, padded, rows, bits)
            total += _weigh_distortion(n_targets, padded, rows, scale, fit)
            _gradient(x, columns, padded, rows, gradient)
            largest = _move_columns(x, columns, padded, rows, rate, adagrad, manifold)
            _scatter(points, sums, nodes, n_targets, columns, rows, largest, largest_norm)
            sums[u] = _move_row(x, gradient, sums[u], rate, adagrad, manifold, largest_norm)
    return total
