r"""Neighbours drawn without replacement, and the numbering of what was found.

Whom node ``v`` hears in a layer is drawn from the key ``fold(fold(fold(seed, epoch), layer), v)``:
it depends on the graph, the seed, the epoch, the layer and the node alone, not on the other nodes
of a batch, nor on threads.

With equal weights, k of n entries are drawn by Floyd's method (Bentley and Floyd 1987): for
:math:`j = n - k, \dots, n - 1` a number :math:`t \le j` is drawn, and taken unless it was already;
then j is. Otherwise entries are taken one after the other, each in proportion to the weights of
those that are left: long rows by drawing from their alias tables until k different ones are found,
short rows, and rows whose last few are hard to find, by the k smallest of :math:`E_i / w_i`,
:math:`E_i` exponential (Efraimidis and Spirakis 2006). Either way gives the same distribution, and
so does the one continued by the other.
"""

import math
from typing import Any

import numpy as np
from numba import int64, njit, uint64

from graphembed.kernels.alias import sample
from graphembed.kernels.prefetch import prefetch
from graphembed.kernels.rng import bounded, draw, fold, unit

BLOCK = 64  # targets whose draws are made before what they chose is read
AHEAD = 16  # targets, or messages, whose memory is asked for ahead of time
SLOTS = 32  # so many choices are kept in order by moving them; more are marked in a row of bits
DENSE = 8  # weighted rows of up to so many entries for each choice are weighed as a whole
_LOWER = 0xFFFFFFFF

# Called from kernels only: without a way in from Python they compile in two thirds of the time.
_INSIDE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(cache=True, nogil=True, **_INSIDE)


@_part
def _hide(indptr, indices, excluded, node, hidden):
    """Write the offsets in a row of those whom it must not choose; return how many."""
    low, high = 0, len(excluded)
    while low < high:
        middle = (low + high) // 2
        if excluded[middle] >> 32 < node:
            low = middle + 1
        else:
            high = middle
    n_hidden = 0
    entry, stop = indptr[node], indptr[node + 1]
    while low < len(excluded) and excluded[low] >> 32 == node:
        other, end = excluded[low] & _LOWER, stop
        while entry < end:
            middle = (entry + end) // 2
            if indices[middle] < other:
                entry = middle + 1
            else:
                end = middle
        if entry < stop and indices[entry] == other:
            hidden[n_hidden] = entry - indptr[node]
            n_hidden += 1
        low += 1
    return n_hidden


@njit(cache=True, nogil=True)
def count_neighbors(indptr, indices, excluded, fanout, targets, counts, first, last):
    """Write how many neighbours targets ``first <= i < last`` will choose.

    Parameters
    ----------
    indptr : ndarray of shape (n_nodes + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        The graph: rows ascend.
    excluded : ndarray of shape (n_excluded,), int64
        ``node << 32 | other``, ascending: entries that no node may choose.
    fanout : int
        The most neighbours of a node.
    targets : ndarray of shape (n_targets,), int32
    counts : ndarray of shape (n_targets,), int64
        Written.
    first, last : int
        Range of targets.
    """
    hidden = np.empty(len(excluded), dtype=np.int64)
    for i in range(first, last):
        if i + AHEAD < last:
            prefetch(indptr, int64(targets[i + AHEAD]))
        node = int64(targets[i])
        degree = indptr[node + 1] - indptr[node]
        if len(excluded):
            degree -= _hide(indptr, indices, excluded, node, hidden)
        counts[i] = min(degree, fanout)


@_part
def _insert(chosen, found, value):
    """Put a value in its place among ``chosen[:found]``, ascending, unless it is there."""
    place = found
    while place > 0 and chosen[place - 1] > value:
        place -= 1
    if place > 0 and chosen[place - 1] == value:
        return False
    for i in range(found, place, -1):
        chosen[i] = chosen[i - 1]
    chosen[place] = value
    return True


@_part
def _choose_few(key, n, chosen):
    """Choose numbers below n, ascending, all sets of that size being equally likely."""
    k = len(chosen)
    for found in range(k):
        last = n - k + found
        if not _insert(chosen, found, int64(bounded(draw(key, found), last + 1))):
            chosen[found] = last


@_part
def _choose_many(key, n, chosen, bits):
    """Choose what :func:`_choose_few` does; ``bits`` are zeros, at least n of them, and stay so."""
    k = len(chosen)
    for found in range(k):
        last = n - k + found
        value = int64(bounded(draw(key, found), last + 1))
        if bits[value >> 6] >> uint64(value & 63) & uint64(1):
            value = last
        bits[value >> 6] |= uint64(1) << uint64(value & 63)
    found = 0
    for place in range((n + 63) >> 6):
        word, value = bits[place], place << 6
        bits[place] = 0
        while word:
            if word & uint64(1):
                chosen[found] = value
                found += 1
            word >>= uint64(1)
            value += 1


@_part
def _skip_hidden(hidden, chosen):
    """Turn numbers among the entries that are not hidden into offsets; both ascend."""
    before = 0
    for i in range(len(chosen)):
        while before < len(hidden) and hidden[before] <= chosen[i] + before:
            before += 1
        chosen[i] += before


@_part
def _choose_by_weight(weights, table, start, degree, hidden, key, chosen, scores, best):
    """Choose offsets in a row, ascending, one after the other in proportion to their weights."""
    k, found, counter = len(chosen), 0, 0
    if degree > DENSE * k:
        while found < k and counter < 2 * k + SLOTS:
            offset = sample(table, start, degree, draw(key, counter)) - start
            counter += 1
            place = np.searchsorted(hidden, offset)
            if place < len(hidden) and hidden[place] == offset:
                continue
            if _insert(chosen, found, int64(offset)):
                found += 1
    if found == k:
        return
    next_chosen, next_hidden, kept = 0, 0, 0
    for offset in range(degree):
        if next_chosen < found and chosen[next_chosen] == offset:
            next_chosen += 1
            continue
        if next_hidden < len(hidden) and hidden[next_hidden] == offset:
            next_hidden += 1
            continue
        chance = unit(draw(key, counter + offset))
        score = -math.log1p(-chance) / np.float64(weights[start + offset])
        if kept == k - found:
            if score >= scores[kept - 1]:
                continue
            kept -= 1
        place = kept
        while place > 0 and scores[place - 1] > score:
            scores[place], best[place] = scores[place - 1], best[place - 1]
            place -= 1
        scores[place], best[place] = score, offset
        kept += 1
    for i in range(kept):
        _insert(chosen, found + i, best[i])


@njit(cache=True, nogil=True)
def draw_neighbors(
    indptr, indices, weights, table, excluded, seed, epoch, layer,
    targets, starts, entries, neighbors, first, last,
):  # fmt: skip
    """Choose neighbours of targets ``first <= i < last`` without replacement.

    Parameters
    ----------
    indptr, indices, excluded, targets
        As for :func:`count_neighbors`.
    weights : ndarray of shape (n_entries,), float32, or None
        Positive; None if all neighbours are equally likely.
    table : ndarray of shape (n_entries,), uint64, or None
        Alias tables of the rows, or None as ``weights``.
    seed : uint64
    epoch, layer : int
        Sources of all randomness.
    starts : ndarray of shape (n_targets + 1,), int64
        Where the choices of each target are written: cumulated counts.
    entries : ndarray of shape (n_messages,), int64
        Written: the chosen entries of the graph, ascending for each target.
    neighbors : ndarray of shape (n_messages,), int32
        Written: the nodes of these entries.
    first, last : int
        Range of targets.
    """
    layer_key = fold(fold(seed, epoch), layer)
    hidden = np.empty(len(excluded), dtype=np.int64)
    bits = np.zeros(0, dtype=np.uint64)
    largest = 0
    if table is not None:
        for i in range(first, last):
            largest = max(largest, starts[i + 1] - starts[i])
    scores = np.empty(largest, dtype=np.float64)
    best = np.empty(largest, dtype=np.int64)
    for begin in range(first, last, BLOCK):
        end = min(begin + BLOCK, last)
        for i in range(begin, end):
            if i + AHEAD < last:
                prefetch(indptr, int64(targets[i + AHEAD]))
            node = int64(targets[i])
            start = indptr[node]
            degree = indptr[node + 1] - start
            n_hidden = 0
            if len(excluded):
                n_hidden = _hide(indptr, indices, excluded, node, hidden)
            chosen = entries[starts[i] : starts[i + 1]]
            n, k = degree - n_hidden, len(chosen)
            if k == n:
                for found in range(k):
                    chosen[found] = found
                _skip_hidden(hidden[:n_hidden], chosen)
            elif table is not None:
                _choose_by_weight(
                    weights, table, start, degree, hidden[:n_hidden], fold(layer_key, node),
                    chosen, scores, best,
                )  # fmt: skip
            else:
                if k <= SLOTS:
                    _choose_few(fold(layer_key, node), n, chosen)
                else:
                    if len(bits) << 6 < n:
                        bits = np.zeros(n >> 5, dtype=np.uint64)
                    _choose_many(fold(layer_key, node), n, chosen, bits)
                _skip_hidden(hidden[:n_hidden], chosen)
            for found in range(k):
                chosen[found] += start
                prefetch(indices, chosen[found])
        for message in range(starts[begin], starts[end]):
            neighbors[message] = indices[entries[message]]


@njit(cache=True, nogil=True)
def number_rows(rows, places):
    """Write the position of each row to ``places[row]``.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,), int32
    places : ndarray of shape (n_nodes,), int32
        Whatever it holds, as long as that is not negative: what is written is believed only
        where ``rows`` confirms it, so that nothing ever needs to be cleared.

    Returns
    -------
    int
        Position of the first row that was there before; -1 if none is.
    """
    for i in range(len(rows)):
        place = places[rows[i]]
        if place < i and rows[place] == rows[i]:
            return i
        places[rows[i]] = i
    return -1


@njit(cache=True, nogil=True)
def relabel(neighbors, places, sources, n_sources):
    """Replace rows of the graph by their positions among the sources; new ones join at the end.

    Parameters
    ----------
    neighbors : ndarray of shape (n_messages,), int32
        Rows of the graph; overwritten by positions.
    places : ndarray of shape (n_nodes,), int32
        Positions of the first sources, from :func:`number_rows`; written.
    sources : ndarray of shape (n_sources + n_messages,), int32
        The first ``n_sources`` are read; written after these, in order of first appearance.
    n_sources : int

    Returns
    -------
    int
        Number of sources now.
    """
    for message in range(len(neighbors)):
        if message + AHEAD < len(neighbors):
            prefetch(places, int64(neighbors[message + AHEAD]))
        row = neighbors[message]
        place = places[row]
        if place >= n_sources or sources[place] != row:
            place = np.int32(n_sources)
            sources[n_sources] = row
            places[row] = place
            n_sources += 1
        neighbors[message] = place
    return n_sources
