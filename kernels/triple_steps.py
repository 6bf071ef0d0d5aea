r"""TransE with a few negatives of each triple's own.

A triple (h, r, t) is trained against triples (h, r, t') and (h', r, t) that are drawn for it alone:
the setting of the first papers, bound by how fast rows arrive and not by arithmetic. Of the query
:math:`q = h + r` the tail is the answer, of the query :math:`q = t - r` the head is; an entity e in
place of the answer a is at the distance :math:`\|q - e\|`. So both sides are the same, and the
gradients of all rows are sums of

.. math:: \nabla_q \|q - a\| \quad \text{and} \quad \nabla_q \|q - e\|

over the negatives within the margin. Rows of the triples to come are asked for ahead of time.
"""

from typing import Any

import numpy as np
from numba import int64, njit, types
from numba.extending import intrinsic

from graphembed.kernels import simd
from graphembed.kernels.rng import bounded, draw, fold
from graphembed.kernels.row_loops import (
    absolute_distance,
    adagrad,
    adam,
    add_difference,
    add_scaled,
    add_sign,
    difference,
    scale,
    sign,
    square_sum,
    squared_distance,
)
from graphembed.kernels.row_updates import BETA_1, BETA_2, EPSILON
from graphembed.kernels.triple_negatives import corrupt_one

MANHATTAN, EUCLIDEAN, SQUARED = 1, 2, 3  # distances
SGD, ADAGRAD, ROW_ADAGRAD, ADAM = 0, 1, 2, 3  # what steps a row
AHEAD = 4  # triples whose entities are asked for ahead of time, a power of two
ENTRIES_AHEAD = 8  # rows of a sum
SLOTS = 4  # vectors of a triple that a batch keeps: for each side, the query and its gradient
_TINY = np.float32(1e-9)
_ZERO, _ONE = np.float32(0), np.float32(1)


@intrinsic
def _prefetch_row(typingctx, table, row):
    """Ask for a row of a table, which will be needed soon."""

    def codegen(context, builder, sig, args):
        array = context.make_array(sig.args[0])(context, builder, args[0])
        width = builder.extract_value(array.shape, 1)
        start = builder.mul(args[1], width)

        def line(j: Any, _: Any) -> list[Any]:
            simd.prefetch(builder, array.data, builder.add(start, j), simd.CACHE_LINE)
            return []

        simd.for_range(builder, simd.I64(0), width, simd.CACHE_LINE, [], line)
        return context.get_dummy_value()

    return types.void(table, types.int64), codegen


@njit(cache=True, nogil=True)
def shuffle(key, order):
    """Write 0 .. n - 1 in random order (Fisher and Yates)."""
    for i in range(len(order)):
        j = int64(bounded(draw(key, i), i + 1))
        order[i] = order[j]
        order[j] = i


@njit(inline="always")
def _distance(queries, side, table, row, norm):
    if norm == MANHATTAN:
        return absolute_distance(queries, side, table, row, queries, side, _ZERO, _ZERO)
    total = squared_distance(queries, side, table, row, queries, side, _ZERO, _ZERO)
    return total if norm == SQUARED else np.sqrt(total)


@njit(inline="always")
def _factor(distance, norm):
    """Return what a difference, or its sign, is multiplied by to be the gradient of a distance."""
    if norm == EUCLIDEAN:
        return _ONE / max(distance, _TINY)
    return _ONE if norm == MANHATTAN else np.float32(2)


@njit(inline="always")
def _set_pull(queries, side, table, row, norm, factor, out, place):
    """Write a factor times the difference of a query and a row, or times its sign."""
    if norm == MANHATTAN:
        sign(queries, side, table, row, out, place, factor, _ZERO)
    else:
        difference(queries, side, table, row, out, place, factor, _ZERO)


@njit(inline="always")
def _add_pull(queries, side, table, row, norm, factor, out, place):
    """Add the same."""
    if norm == MANHATTAN:
        add_sign(queries, side, table, row, out, place, factor, _ZERO)
    else:
        add_difference(queries, side, table, row, out, place, factor, _ZERO)


@njit(inline="always")
def _step(table, row, state, gradients, place, weight, method, rate, unit):
    """Move a row against ``weight`` times a gradient; Adam changes the gradient."""
    if method == SGD:
        add_scaled(table, row, gradients, place, table, row, -rate * weight, _ZERO)
    elif method == ADAGRAD:
        adagrad(gradients, place, state, row, table, row, rate, weight)
    elif method == ROW_ADAGRAD:
        total = square_sum(gradients, place, gradients, place, gradients, place, _ZERO, _ZERO)
        state[row, 0] += weight * weight * total / np.float32(table.shape[1])
        step = rate * weight / (np.sqrt(state[row, 0]) + EPSILON)
        add_scaled(table, row, gradients, place, table, row, -step, _ZERO)
    else:
        scale(gradients, place, gradients, place, gradients, place, weight, _ZERO)
        last = state.shape[1] - 1
        state[row, last] += _ONE
        n_steps = np.float64(state[row, last])
        first_scale = np.float32(rate / (1.0 - BETA_1**n_steps))
        second_scale = np.float32(1.0 / np.sqrt(1.0 - BETA_2**n_steps))
        adam(gradients, place, state, row, table, row, first_scale, second_scale)
    if unit:
        length = np.sqrt(square_sum(table, row, table, row, table, row, _ZERO, _ZERO))
        scale(table, row, table, row, table, row, _ONE / max(length, _TINY), _ZERO)


@njit(inline="always")
def _draw_ahead(
    entities, triples, number, head_chances, n_negatives, key, drawn, sides, slot
):  # fmt: skip
    """Draw the negatives of a triple, and ask for all its entities."""
    head, tail = int64(triples[number, 0]), int64(triples[number, 2])
    _prefetch_row(entities, head)
    _prefetch_row(entities, tail)
    triple_key = fold(key, number)
    chance = head_chances[triples[number, 1]]
    for k in range(n_negatives):
        entity, is_head = corrupt_one(triple_key, k, head, tail, entities.shape[0], chance)
        drawn[slot, k] = entity
        sides[slot, k] = int64(is_head)
        _prefetch_row(entities, entity)


@njit(inline="always")
def _measure(
    entities, relations, relation, head, tail, drawn, sides, slot, norm, margin, n_negatives,
    queries, base, stride, n_active, distances,
):  # fmt: skip
    """Make the queries that are needed and measure all distances.

    The query of a side is row ``base + stride * side`` of ``queries``. Returns the distance of the
    triple itself and writes the number of negatives within the margin, of each side.
    """
    n_active[0] = n_active[1] = 0
    made = 0  # queries, as bits
    positive = _ZERO
    for k in range(n_negatives):
        side = sides[slot, k]
        query = base + stride * side
        if not made & (1 << side):
            asked, answer = (tail, head) if side else (head, tail)
            towards = -_ONE if side else _ONE
            add_scaled(entities, asked, relations, relation, queries, query, towards, _ZERO)
            if not made:
                positive = _distance(queries, query, entities, answer, norm)
            made |= 1 << side
        distances[k] = _distance(queries, query, entities, drawn[slot, k], norm)
        n_active[side] += distances[k] < positive + margin
    return positive


@njit(cache=True, nogil=True)
def train_triples(
    entities, relations, entity_state, relation_state, triples, order, start, stop,
    head_chances, n_negatives, norm, margin, weight, method, rate, unit, key,
):  # fmt: skip
    r"""Train triples ``order[start:stop]`` one after the other, each row at once.

    The loss of a triple is

    .. math:: w \sum_k \max(0, \gamma + \|h + r - t\| - \|h'_k + r - t'_k\|)

    and its gradients are taken at the values that its rows have when its turn comes. A row that has
    several parts in it moves once for each. Threads may share the tables without locks.

    Parameters
    ----------
    entities, relations : ndarray of shape (n, d), float32, C-contiguous
    entity_state, relation_state : ndarray of shape (n, state_width), float32
        As :mod:`graphembed.kernels.row_updates` lays them out; SGD has none.
    triples : ndarray of shape (n_triples, 3), int
    order : ndarray of int
        Numbers of triples; with ``key``, the number of a triple decides its negatives.
    start, stop : int
    head_chances : ndarray of shape (n_relations,), uint64
        Chance that a negative of a relation replaces the head, in units of 2**-32.
    n_negatives : int
    norm : int
        MANHATTAN, EUCLIDEAN or SQUARED.
    margin, weight : float32
        :math:`\gamma` and w.
    method : int
        SGD, ADAGRAD, ROW_ADAGRAD or ADAM.
    rate : float32
        The learning rate.
    unit : bool
        Whether an entity is divided by its length when it has moved.
    key : uint64

    Returns
    -------
    float64
        The summed loss; NaN if a distance is not finite.
    """
    d = entities.shape[1]
    n_slots = 2 * AHEAD
    drawn = np.empty((n_slots, n_negatives), dtype=np.int64)
    sides = np.empty((n_slots, n_negatives), dtype=np.int64)
    distances = np.empty(n_negatives, dtype=np.float32)
    n_active = np.empty(2, dtype=np.int64)
    queries = np.empty((2, d), dtype=np.float32)
    # Of the query of each side, of its answer, and of a negative.
    gradients = np.empty((5, d), dtype=np.float32)
    loss = 0.0
    for i in range(start - AHEAD, stop):
        if i + AHEAD < stop:
            number = int64(order[i + AHEAD])
            _draw_ahead(
                entities, triples, number, head_chances, n_negatives, key, drawn,
                sides, (i + AHEAD) & (n_slots - 1),
            )  # fmt: skip
            if method == ADAGRAD:
                _prefetch_row(entity_state, int64(triples[number, 0]))
                _prefetch_row(entity_state, int64(triples[number, 2]))
        if i < start:
            continue
        number, slot = int64(order[i]), i & (n_slots - 1)
        head, relation = int64(triples[number, 0]), int64(triples[number, 1])
        tail = int64(triples[number, 2])
        positive = _measure(
            entities, relations, relation, head, tail, drawn, sides, slot, norm, margin,
            n_negatives, queries, 0, 1, n_active, distances,
        )  # fmt: skip
        if not np.isfinite(positive):
            loss = np.nan
        for side in range(2):
            if n_active[side]:
                answer = head if side else tail
                factor = np.float32(n_active[side]) * _factor(positive, norm)
                _set_pull(queries, side, entities, answer, norm, factor, gradients, side)
                scale(gradients, side, gradients, side, gradients, 2 + side, -_ONE, _ZERO)
        for k in range(n_negatives):
            if distances[k] < positive + margin:
                loss += np.float64(positive + margin - distances[k])
                row, side = drawn[slot, k], sides[slot, k]
                factor = _factor(distances[k], norm)
                _set_pull(queries, side, entities, row, norm, factor, gradients, 4)
                add_scaled(gradients, side, gradients, 4, gradients, side, -_ONE, _ZERO)
                _step(entities, row, entity_state, gradients, 4, weight, method, rate, unit)
        for side in range(2):
            if n_active[side]:
                asked, answer = (tail, head) if side else (head, tail)
                of_answer = 2 + side
                # A head's query is the tail less the relation.
                towards = -weight if side else weight
                _step(
                    entities, answer, entity_state, gradients, of_answer, weight, method, rate, unit
                )
                _step(entities, asked, entity_state, gradients, side, weight, method, rate, unit)
                _step(
                    relations, relation, relation_state, gradients, side, towards, method, rate,
                    False,
                )  # fmt: skip
    return loss


@njit(cache=True, nogil=True)
def list_gradients(
    entities, relations, triples, order, first, start, stop,
    head_chances, n_negatives, norm, margin, key,
    vectors, rows, slots, weights, relation_rows, relation_slots, relation_weights,
):  # fmt: skip
    """Take apart the gradients of triples ``order[start:stop]`` of a batch; no row moves.

    Vectors are kept once and named by all rows whose gradients they are part of: the gradients of a
    batch are an incidence matrix times these vectors. An even vector is a query q, and an entity e
    that names it with a weight has the gradient ``weight * (q - e)``, or that of the signs; an odd
    vector is a gradient, and counts ``weight`` times.

    Parameters
    ----------
    entities, relations, triples, order, head_chances, n_negatives, norm, margin, key
        See :func:`train_triples`.
    first, start, stop : int
        The batch begins at ``first``.
    vectors : ndarray of shape (SLOTS * batch_size, d), float32
    rows, slots, weights : ndarray of shape (batch_size * (4 + n_negatives),), int32, int32, float32
        Written: entries of the matrix, an entity and a vector each, from the first place on that
        the triples before ``start`` cannot need, ``(start - first) * (4 + n_negatives)``.
    relation_rows, relation_slots, relation_weights : ndarray of shape (2 * batch_size,)
        Written: the same of relations, from ``2 * (start - first)`` on.

    Returns
    -------
    loss : float64
        Summed; NaN if a distance is not finite.
    end, relation_end : int
        Where the entries end.
    """
    n_slots = 2 * AHEAD
    drawn = np.empty((n_slots, n_negatives), dtype=np.int64)
    sides = np.empty((n_slots, n_negatives), dtype=np.int64)
    distances = np.empty(n_negatives, dtype=np.float32)
    n_active = np.empty(2, dtype=np.int64)
    loss = 0.0
    vector = (start - first) * SLOTS  # of a triple that nothing pulls at the next one takes over
    at, relation_at = (start - first) * (4 + n_negatives), 2 * (start - first)
    for i in range(start - AHEAD, stop):
        if i + AHEAD < stop:
            _draw_ahead(
                entities, triples, int64(order[i + AHEAD]), head_chances, n_negatives,
                key, drawn, sides, (i + AHEAD) & (n_slots - 1),
            )  # fmt: skip
        if i < start:
            continue
        number, slot = int64(order[i]), i & (n_slots - 1)
        head, relation = int64(triples[number, 0]), int64(triples[number, 1])
        tail = int64(triples[number, 2])
        positive = _measure(
            entities, relations, relation, head, tail, drawn, sides, slot, norm, margin,
            n_negatives, vectors, vector, 2, n_active, distances,
        )  # fmt: skip
        if not np.isfinite(positive):
            loss = np.nan
        for side in range(2):
            if n_active[side] == 0:
                continue
            asked, answer = (tail, head) if side else (head, tail)
            query, gradient = vector + 2 * side, vector + 2 * side + 1
            factor = np.float32(n_active[side]) * _factor(positive, norm)
            _set_pull(vectors, query, entities, answer, norm, factor, vectors, gradient)
            rows[at], slots[at], weights[at] = asked, gradient, _ONE
            rows[at + 1], slots[at + 1], weights[at + 1] = answer, query, -factor
            at += 2
            relation_rows[relation_at], relation_slots[relation_at] = relation, gradient
            # A head's query is the tail less the relation.
            relation_weights[relation_at] = -_ONE if side else _ONE
            relation_at += 1
        for k in range(n_negatives):
            if distances[k] < positive + margin:
                loss += np.float64(positive + margin - distances[k])
                side, row = sides[slot, k], drawn[slot, k]
                query, gradient = vector + 2 * side, vector + 2 * side + 1
                factor = _factor(distances[k], norm)
                _add_pull(vectors, query, entities, row, norm, -factor, vectors, gradient)
                rows[at], slots[at], weights[at] = row, query, factor
                at += 1
        if n_active[0] + n_active[1]:
            vector += SLOTS
    return loss, at, relation_at


@njit(cache=True, nogil=True)
def group_entries(
    rows, slots, weights, begins, ends, counts, size, unique, starts, to_slots, to_weights
):  # fmt: skip
    """Sort entries by row, those of a row in the order they had: the matrix as CSR.

    Parameters
    ----------
    rows, slots, weights : ndarray of shape (n,), int32, int32, float32
        Of :func:`list_gradients`.
    begins, ends : ndarray of shape (n_ranges,), int64
        Where they are: ``begins[c] <= i < ends[c]``.
    counts : ndarray of shape (n_rows,), int32
        Zeros, and again after the call.
    size : int
        Entries and rows that are enough for a task.
    unique : ndarray of shape (n,), int32
        Written: the distinct rows, in the order of their first appearance.
    starts : ndarray of shape (n + 1,), int64
    to_slots, to_weights : ndarray of shape (n,), int32, float32
        Written: the entries of row ``unique[u]`` are ``starts[u] .. starts[u + 1] - 1``.

    Returns
    -------
    ndarray of shape (n_tasks + 1,), int64
        Where tasks begin and end among the distinct rows.
    """
    n_unique = 0
    for c in range(len(begins)):
        for i in range(begins[c], ends[c]):
            row = rows[i]
            if counts[row] == 0:
                unique[n_unique] = row
                n_unique += 1
            counts[row] += 1
    total, work, n_tasks = 0, 0, 0
    cuts = np.zeros(n_unique + 1, dtype=np.int64)
    for u in range(n_unique):
        starts[u] = total
        total += counts[unique[u]]
        counts[unique[u]] = starts[u]
        if total + u + 1 - work >= size or u + 1 == n_unique:
            work = total + u + 1
            n_tasks += 1
            cuts[n_tasks] = u + 1
    starts[n_unique] = total
    for c in range(len(begins)):
        for i in range(begins[c], ends[c]):
            place = counts[rows[i]]
            to_slots[place] = slots[i]
            to_weights[place] = weights[i]
            counts[rows[i]] = place + 1
    for u in range(n_unique):
        counts[unique[u]] = 0
    return cuts[: n_tasks + 1]


@njit(cache=True, nogil=True)
def step_rows(
    table, state, unique, starts, slots, weights, vectors, norm, weight, method, rate, unit,
    first, last,
):  # fmt: skip
    """Sum the gradients of rows ``unique[first:last]`` and step each once.

    Parameters
    ----------
    table : ndarray of shape (n_rows, d), float32
    state : ndarray of shape (n_rows, state_width), float32
    unique, starts, slots, weights
        As :func:`group_entries` wrote them.
    vectors : ndarray of shape (n, d), float32
        As :func:`list_gradients` wrote them.
    norm, weight, method, rate, unit
        See :func:`train_triples`.
    first, last : int
    """
    total = np.empty((1, table.shape[1]), dtype=np.float32)
    end = starts[last]
    for u in range(first, last):
        following = int64(unique[min(u + 2, last - 1)])
        _prefetch_row(table, following)
        _prefetch_row(state, following)
        row = int64(unique[u])
        total[0] = 0
        for k in range(starts[u], starts[u + 1]):
            _prefetch_row(vectors, int64(slots[min(k + ENTRIES_AHEAD, end - 1)]))
            slot = int64(slots[k])
            if slot % 2:
                add_scaled(total, 0, vectors, slot, total, 0, weights[k], _ZERO)
            else:
                _add_pull(vectors, slot, table, row, norm, weights[k], total, 0)
        _step(table, row, state, total, 0, weight, method, rate, unit)
