r"""Random walks of first and second order, many in lockstep.

A walk waits for memory at every step: where the row of its node starts, then which node the chosen
entry holds. Walks are therefore advanced in blocks, one step of all before the next, and whatever
a walk will read next is asked for while the others are served.

Walk number ``w`` draws from the key ``fold(fold(seed, epoch), w)``, draw numbers counted by step:
a walk depends on nothing but the graph, the seed, the epoch, its number and its first node.

In a walk of second order (node2vec) a step from ``v``, reached from ``t``, goes to ``x`` with

.. math:: P(x \mid t, v) \propto w_{vx} \, \alpha(t, v, x), \qquad
   \alpha = 1/p \text{ if } x = t, \quad 1 \text{ if } t \to x \text{ is an edge}, \quad 1/q
   \text{ otherwise}

which is drawn by rejection: propose ``x`` by :math:`w_{vx}`, accept with probability
:math:`\alpha / \max(1, 1/q)`. If 1/p is larger than that maximum, what exceeds it is proposed as a
mass of its own (Yang et al. 2019). Whether ``t -> x`` is an edge is asked only if the answer
matters. After ``TRIALS`` rejections all entries of the row are weighed: no graph can stall a walk.
"""

from typing import Any

import numpy as np
from numba import int64, njit, uint64

from graphembed.kernels.alias import WHOLE, choose
from graphembed.kernels.prefetch import prefetch
from graphembed.kernels.rng import bounded, draw, fold, mix, unit

BLOCK = 64  # walks in lockstep
TRIALS = 64  # proposals before the exact step
RETURN = -1  # in place of an entry: back to the node before
_DRAWS = 2 * TRIALS + 1  # draw numbers set aside for a step of second order
_FILTER_BITS = np.uint64(15)

# Called from kernels only: without a way in from Python they compile in two thirds of the time.
_INSIDE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(cache=True, nogil=True, **_INSIDE)


@njit(cache=True, nogil=True)
def first_order_walks(indptr, indices, table, seed, epoch, starts, first, out):
    """Write walks ``first, first + 1, ...`` that forget where they came from.

    Parameters
    ----------
    indptr : ndarray of shape (n_nodes + 1,), int64
    indices : ndarray of shape (n_entries,), int32
        The graph.
    table : ndarray of shape (n_entries,), uint64, or None
        Alias tables of the rows; None if all neighbours are equally likely.
    seed : uint64
    epoch : int
        Sources of all randomness.
    starts : ndarray of shape (n_walks,), int32
        First node of each walk.
    first : int
        Number of the first walk.
    out : ndarray of shape (n_walks, walk_length), int32
        Written: rows of the graph; -1 after a node without neighbours.
    """
    n_walks, length = out.shape
    epoch_key = fold(seed, epoch)
    keys = np.empty(BLOCK, dtype=np.uint64)
    nodes = np.empty(BLOCK, dtype=np.int64)
    entries = np.empty(BLOCK, dtype=np.int64)
    for begin in range(0, n_walks, BLOCK):
        size = min(BLOCK, n_walks - begin)
        for b in range(size):
            keys[b] = fold(epoch_key, first + begin + b)
            nodes[b] = starts[begin + b]
            out[begin + b, 0] = starts[begin + b]
        for step in range(1, length):
            for b in range(size):
                node = nodes[b]
                entries[b] = -1
                if node >= 0 and indptr[node] < indptr[node + 1]:
                    start = indptr[node]
                    bits = draw(keys[b], step)
                    entries[b] = start + int64(bounded(bits, indptr[node + 1] - start))
                    if table is None:
                        prefetch(indices, entries[b])
                    else:
                        prefetch(table, entries[b])
            if table is not None:
                for b in range(size):
                    if entries[b] >= 0:
                        entries[b] = choose(
                            table, indptr[nodes[b]], entries[b], draw(keys[b], step)
                        )
                        prefetch(indices, entries[b])
            for b in range(size):
                node = int64(-1)
                if entries[b] >= 0:
                    node = int64(indices[entries[b]])
                    prefetch(indptr, node)
                nodes[b] = node
                out[begin + b, step] = node


@njit(cache=True, nogil=True)
def mean_weights(indptr, weights, gamma, means, thresholds, first, last):
    r"""Write what second-order steps need to know of the weights of rows ``first <= i < last``.

    Parameters
    ----------
    indptr, weights
        The graph; weights float32.
    gamma : float
    means : ndarray of shape (n_nodes,), float64
        Written: mean weight :math:`\mu_i`; 0 for an empty row.
    thresholds : ndarray of shape (n_nodes,), float64
        Written: :math:`\mu_i + \gamma \sigma_i`, below which node2vec+ calls a weight weak.
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        row = weights[indptr[i] : indptr[i + 1]]
        total = 0.0
        for k in range(len(row)):
            total += np.float64(row[k])
        mean = total / max(len(row), 1)
        squares = 0.0
        for k in range(len(row)):
            squares += (row[k] - mean) ** 2
        means[i] = mean
        thresholds[i] = mean + gamma * np.sqrt(squares / max(len(row), 1))


@njit(inline="always")
def _filter_place(indptr, source, target):
    """Return where the filter of row ``source`` keeps the mark of ``target``, and the mark."""
    word = mix(target)
    start = indptr[source]
    place = start + int64(bounded(word, indptr[source + 1] - start))
    return place, uint64(1) << (word & _FILTER_BITS)


@njit(cache=True, nogil=True)
def build_filters(indptr, indices, filters, first, last):
    """Write one Bloom filter for each row ``first <= i < last``: 16 bits for each entry.

    A mark that is missing proves, with one look, that an edge is missing; about 6 % of the edges
    that are missing have a mark all the same.

    Parameters
    ----------
    indptr, indices
        The graph.
    filters : ndarray of shape (n_entries,), uint16
        Written.
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        filters[indptr[i] : indptr[i + 1]] = 0
        for entry in range(indptr[i], indptr[i + 1]):
            place, mark = _filter_place(indptr, i, indices[entry])
            filters[place] |= np.uint16(mark)


@_part
def _search(indptr, indices, source, target):
    """Return the entry of ``source -> target``, -1 if there is none; without branches."""
    low, size = indptr[source], indptr[source + 1] - indptr[source]
    if size == 0:
        return int64(-1)
    while size > 1:
        half = size >> 1
        low = low + half if indices[low + half] <= target else low
        size -= half
    return low if indices[low] == target else int64(-1)


@_part
def _find_edge(indptr, indices, filters, directed, source, target):
    """Return an entry that holds the edge ``source -> target``, -1 if there is none."""
    place, mark = _filter_place(indptr, source, target)
    if not uint64(filters[place]) & mark:
        return int64(-1)
    shorter = indptr[target + 1] - indptr[target] < indptr[source + 1] - indptr[source]
    if shorter and not directed:  # an undirected edge is in the rows of both its ends
        return _search(indptr, indices, target, source)
    return _search(indptr, indices, source, target)


@_part
def _bias(
    indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
    previous, node, entry,
):  # fmt: skip
    """Return alpha of an entry of ``node``, reached from ``previous``."""
    target = int64(indices[entry])
    if target == previous:
        return inverse_p
    if inverse_q == 1:
        return 1.0
    found = _find_edge(indptr, indices, filters, directed, previous, target)
    if thresholds is None:
        return 1.0 if found >= 0 else inverse_q
    closeness = 0.0
    if found >= 0:
        if weights[found] >= thresholds[target]:
            return 1.0
        closeness = weights[found] / thresholds[target]
    if weights[entry] < thresholds[node]:
        return min(1.0, inverse_q)
    return inverse_q + (1.0 - inverse_q) * closeness


@_part
def _exact_entry(
    indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
    previous, node, chance,
):  # fmt: skip
    """Return the entry that a random number in [0, 1) chooses, by weighing all of them twice."""
    goal = np.inf
    entry = int64(-1)
    for _ in range(2):
        total = 0.0
        for k in range(indptr[node], indptr[node + 1]):
            bias = _bias(
                indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
                previous, node, k,
            )  # fmt: skip
            mass = bias if weights is None else bias * weights[k]
            total += mass
            if mass > 0:
                entry = k  # never an entry of no mass, whatever the sums are rounded to
            if total > goal:
                break
        goal = chance * total
    return entry


@_part
def _share_of_return(indptr, indices, weights, means, directed, previous, node, carried):
    """Return the weight of ``node -> previous`` in units of the mean weight of the row.

    In an undirected graph it is the weight of the edge just walked, which ``carried`` holds.
    """
    if directed:
        entry = _search(indptr, indices, node, previous)
        if entry < 0:
            return 0.0
        if weights is not None:
            carried = weights[entry]
    if weights is None:
        return 1.0
    return carried / means[node]


@_part
def _open_step(
    indptr, indices, weights, means, directed, excess, nodes, previous, carried, back, pending
):
    """List the walks that can go on, and set the mass by which returns exceed the envelope."""
    n_pending = 0
    for b in range(len(nodes)):
        node = nodes[b]
        if node >= 0 and indptr[node] < indptr[node + 1]:
            back[b] = 0.0
            if excess > 0 and previous[b] >= 0:
                back[b] = excess * _share_of_return(
                    indptr, indices, weights, means, directed, previous[b], node, carried[b]
                )
            pending[n_pending] = b
            n_pending += 1
        else:
            nodes[b] = -1
    return n_pending


@_part
def _propose(indptr, indices, weights, table, counter, pending, keys, nodes, back, entries, coins):
    """Draw an entry, or RETURN, for each pending walk, and the coin that decides about it."""
    for b in pending:
        start = indptr[nodes[b]]
        degree = indptr[nodes[b] + 1] - start
        # One number in [0, 1) tells the slot and, by its fraction, the coin.
        place = unit(draw(keys[b], counter)) * (degree + back[b])
        if place >= degree and back[b] > 0:
            entries[b] = RETURN
            continue
        slot = min(int64(place), degree - 1)
        coins[b] = place - slot
        entries[b] = start + slot
        if table is None:
            prefetch(indices, start + slot)
        else:
            prefetch(table, start + slot)
    if table is not None:
        for b in pending:
            if entries[b] != RETURN:
                coin = int64(coins[b] * WHOLE)
                entries[b] = choose(table, indptr[nodes[b]], entries[b], coin)
                coins[b] = unit(draw(keys[b], counter + 1))
                prefetch(indices, entries[b])
                prefetch(weights, entries[b])


@_part
def _screen(
    indptr, indices, filters, inverse_p, inverse_q, pending, nodes, previous, entries, coins, asking
):
    """Accept what is within any bias; list the walks that must ask for theirs."""
    low, high = min(1.0, inverse_q), max(1.0, inverse_q)
    n_asking = 0
    for b in pending:
        # Without branches: nobody could predict them.
        node = nodes[b]
        target = int64(indices[max(entries[b], 0)])
        before = max(previous[b], 0)
        free = (entries[b] == RETURN) | (previous[b] < 0) | (indptr[node + 1] - indptr[node] == 1)
        bias = inverse_p if target == before else low
        prefetch(filters, _filter_place(indptr, before, target)[0])
        asking[n_asking] = b
        n_asking += int64((coins[b] * high >= bias) & (not free))
    return n_asking


@_part
def _answer(
    indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
    step, trial, asking, keys, nodes, previous, entries, coins, pending,
):  # fmt: skip
    """Accept or reject what the asking walks propose; list those that must propose again."""
    high = max(1.0, inverse_q)
    n_pending = 0
    for b in asking:
        node = nodes[b]
        bias = _bias(
            indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
            previous[b], node, entries[b],
        )  # fmt: skip
        if coins[b] * high < bias:
            continue
        if trial + 1 < min(TRIALS, 2 * (indptr[node + 1] - indptr[node])):
            pending[n_pending] = b
            n_pending += 1
            continue
        chance = unit(draw(keys[b], step * _DRAWS + 2 * TRIALS))
        entries[b] = _exact_entry(
            indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
            previous[b], node, chance,
        )  # fmt: skip
    return n_pending


@_part
def _move(indptr, indices, weights, nodes, previous, carried, entries):
    """Take the step that was accepted; a walk that cannot go on is at node -1."""
    for b in range(len(nodes)):
        node = nodes[b]
        target = int64(-1)
        if node >= 0:
            target = previous[b]
            if entries[b] != RETURN:
                target = int64(indices[entries[b]])
                if weights is not None:
                    carried[b] = weights[entries[b]]
            prefetch(indptr, target)
        previous[b] = node
        nodes[b] = target


@njit(cache=True, nogil=True)
def second_order_walks(
    indptr, indices, weights, table, means, thresholds, filters, directed,
    inverse_p, inverse_q, seed, epoch, starts, first, out,
):  # fmt: skip
    r"""Write walks ``first, first + 1, ...`` of node2vec or node2vec+.

    Parameters
    ----------
    indptr, indices, table, seed, epoch, starts, first, out
        As for :func:`first_order_walks`; rows of ``indices`` are ascending.
    weights : ndarray of shape (n_entries,), float32, or None
    means : ndarray of shape (n_nodes,), float64, or None
        Of :func:`mean_weights`. Weights, table and means: all or none.
    thresholds : ndarray of shape (n_nodes,), float64, or None
        Of :func:`mean_weights`, for node2vec+; needs weights. Then :math:`\alpha` is 1 only if
        :math:`w_{tx} \ge \theta_x`; otherwise :math:`\min(1, 1/q)` if :math:`w_{vx} < \theta_v`,
        and else :math:`1/q + (1 - 1/q) w_{tx} / \theta_x`.
    filters : ndarray of shape (n_entries,), uint16
        Of :func:`build_filters`; not read if q is 1.
    directed : bool
        If false, rows are searched from either end of an edge.
    inverse_p, inverse_q : float
        1/p and 1/q.
    """
    n_walks, length = out.shape
    epoch_key = fold(seed, epoch)
    excess = max(inverse_p / max(1.0, inverse_q) - 1.0, 0.0)
    keys = np.empty(BLOCK, dtype=np.uint64)
    block = np.empty(BLOCK, dtype=np.int64)
    previous = np.empty(BLOCK, dtype=np.int64)
    carried = np.empty(BLOCK, dtype=np.float32)  # weight of the last edge
    back = np.empty(BLOCK, dtype=np.float64)  # mass of the return beyond the envelope, in slots
    entries = np.empty(BLOCK, dtype=np.int64)
    coins = np.empty(BLOCK, dtype=np.float64)
    pending = np.empty(BLOCK, dtype=np.int64)
    asking = np.empty(BLOCK, dtype=np.int64)
    for begin in range(0, n_walks, BLOCK):
        nodes = block[: min(BLOCK, n_walks - begin)]
        for b in range(len(nodes)):
            keys[b] = fold(epoch_key, first + begin + b)
            nodes[b] = starts[begin + b]
            previous[b] = -1
            out[begin + b, 0] = nodes[b]
        for step in range(1, length):
            n_pending = _open_step(
                indptr, indices, weights, means, directed, excess,
                nodes, previous, carried, back, pending,
            )  # fmt: skip
            trial = int64(0)
            while n_pending > 0:
                counter = step * _DRAWS + 2 * trial
                _propose(
                    indptr, indices, weights, table, counter,
                    pending[:n_pending], keys, nodes, back, entries, coins,
                )  # fmt: skip
                n_asking = _screen(
                    indptr, indices, filters, inverse_p, inverse_q,
                    pending[:n_pending], nodes, previous, entries, coins, asking,
                )  # fmt: skip
                n_pending = _answer(
                    indptr, indices, weights, thresholds, filters, directed, inverse_p, inverse_q,
                    step, trial, asking[:n_asking], keys, nodes, previous, entries, coins, pending,
                )  # fmt: skip
                trial += 1
            _move(indptr, indices, weights, nodes, previous, carried, entries)
            for b in range(len(nodes)):
                out[begin + b, step] = nodes[b]
