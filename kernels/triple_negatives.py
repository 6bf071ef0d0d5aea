"""Negatives of triples by counter-based draws, and the known answers among them."""

import numpy as np
from numba import float32, int32, int64, njit, uint64

from graphembed.kernels.rng import bounded, draw, fold

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(inline="always")
def _slot(row, shift):
    return int64((uint64(row) * _GOLDEN) >> shift)


@njit(inline="always")
def _table_bits(n):
    """Return the bits of a hash table that at most a quarter of is full."""
    bits = 2
    while (1 << bits) < 4 * n:
        bits += 1
    return bits


@njit(cache=True, nogil=True)
def draw_distinct(key, n, out):
    """Draw distinct numbers below n, any subset in any order equally likely.

    Parameters
    ----------
    key : uint64
    n : int
        Less than 2**32.
    out : ndarray of shape (n_drawn,), int64
        Written; at most n.
    """
    k = len(out)
    if 2 * k > n:
        # The first steps of a shuffle.
        numbers = np.arange(n)
        for i in range(k):
            j = i + int64(bounded(draw(key, i), n - i))
            out[i] = numbers[j]
            numbers[j] = numbers[i]
        return
    bits = _table_bits(k)
    shift = uint64(64 - bits)
    slots = np.full(1 << bits, -1, dtype=np.int64)
    counter, n_drawn = 0, 0
    while n_drawn < k:
        number = int64(bounded(draw(key, counter), n))
        counter += 1
        slot = _slot(number, shift)
        while slots[slot] >= 0 and slots[slot] != number:
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            slots[slot] = number
            out[n_drawn] = number
            n_drawn += 1


@njit(inline="always")
def corrupt_one(key, counter, head, tail, n_entities, chance):
    """Draw one negative of a triple: the entity to put in, and whether it replaces the head.

    The entity is any but the one that it replaces. ``chance`` is that of replacing the head, in
    units of 2**-32: 2**32 for always.
    """
    bits = draw(key, counter)
    replaces_head = (uint64(bits) & uint64(0xFFFFFFFF)) < chance
    replaced = head if replaces_head else tail
    entity = int64(bounded(bits, n_entities - 1))
    return entity + int64(entity >= replaced), replaces_head


@njit(cache=True, nogil=True)
def corrupt(key, numbers, triples, chances, n_entities, entities, heads, first, last):
    """Draw the negatives of triples ``first <= i < last``, each with a side of its own.

    Parameters
    ----------
    key : uint64
    numbers : ndarray of shape (n,), int64
        What a triple's draws depend on besides the key.
    triples : ndarray of shape (n, 3), int64
    chances : ndarray of shape (n_relations,), uint64
        Chance of replacing the head, in units of 2**-32.
    n_entities : int
        At least 2 and less than 2**32.
    entities : ndarray of shape (n, n_negatives), int64
    heads : ndarray of shape (n, n_negatives), bool
        Written: the entities to put in, and whether they replace the head.
    first, last : int
    """
    for i in range(first, last):
        own = fold(key, numbers[i])
        head, tail, chance = triples[i, 0], triples[i, 2], chances[triples[i, 1]]
        for j in range(entities.shape[1]):
            entity, replaces_head = corrupt_one(own, j, head, tail, n_entities, chance)
            entities[i, j] = entity
            heads[i, j] = replaces_head


@njit(cache=True, nogil=True)
def index_negatives(negatives, slots, following):
    """Fill a hash table with the places of negatives.

    Parameters
    ----------
    negatives : ndarray of shape (n_negatives,), int64
        May repeat; less than 2**32.
    slots : ndarray of shape (2**bits, 2), int32
        Written: entity and first place. At most half of it may get full.
    following : ndarray of shape (n_negatives,), int32
        Written: the next place of the same entity, or -1.
    """
    slots[:] = -1
    shift = uint64(64)
    size = len(slots)
    while size > 1:
        size >>= 1
        shift -= uint64(1)
    for place in range(len(negatives) - 1, -1, -1):
        entity = int32(negatives[place])
        slot = _slot(entity, shift)
        while slots[slot, 1] >= 0 and slots[slot, 0] != entity:
            slot = (slot + 1) & (len(slots) - 1)
        following[place] = slots[slot, 1]
        slots[slot, 0] = entity
        slots[slot, 1] = int32(place)


@njit(inline="always")
def _mask_entity(entity, slots, shift, following, scores, i):
    slot = _slot(entity, shift)
    while slots[slot, 1] >= 0:
        if slots[slot, 0] == entity:
            place = slots[slot, 1]
            while place >= 0:
                scores[i, place] = float32(-np.inf)
                place = following[place]
            return
        slot = (slot + 1) & (len(slots) - 1)


@njit(cache=True, nogil=True)
def mask_answers(starts, stops, answers, own, negatives, scores):
    """Write -inf at the scores of negatives that are answers of their query.

    Parameters
    ----------
    starts, stops : ndarray of shape (n_queries,), int64
        Query i has the answers ``answers[starts[i]:stops[i]]``.
    answers : ndarray of shape (n_answers,), int32
    own : ndarray of shape (n_queries,), int64
        One more answer of each query; -1 for none.
    negatives : ndarray of shape (n_negatives,), int64
        Shared by all queries; may repeat.
    scores : ndarray of shape (n_queries, n_negatives), float32
        Written.
    """
    bits = _table_bits(len(negatives))
    shift = uint64(64 - bits)
    slots = np.empty((1 << bits, 2), dtype=np.int32)
    following = np.empty(len(negatives), dtype=np.int32)
    index_negatives(negatives, slots, following)
    for i in range(len(scores)):
        for k in range(starts[i], stops[i]):
            _mask_entity(answers[k], slots, shift, following, scores, i)
        if own[i] >= 0:
            _mask_entity(int32(own[i]), slots, shift, following, scores, i)


@njit(cache=True, nogil=True)
def find_answers(first_key, key_relations, key_starts, entities, relations, starts, stops):
    """Look up where the answers of queries are.

    Parameters
    ----------
    first_key : ndarray of shape (n_entities + 1,), int64
        The keys of entity e are ``first_key[e]`` to ``first_key[e + 1]``.
    key_relations : ndarray of shape (n_keys,), int32
        Ascending for each entity.
    key_starts : ndarray of shape (n_keys + 1,), int64
    entities, relations : ndarray of shape (n_queries,), int64
        Of an entity that is not in ``first_key`` nothing is known.
    starts, stops : ndarray of shape (n_queries,), int64
        Written; both 0 where nothing is known.
    """
    for i in range(len(entities)):
        starts[i] = 0
        stops[i] = 0
        entity, relation = entities[i], relations[i]
        if entity < 0 or entity >= len(first_key) - 1:
            continue
        low, end = first_key[entity], first_key[entity + 1]
        high = end
        while low < high:
            middle = (low + high) >> 1
            if key_relations[middle] < relation:
                low = middle + 1
            else:
                high = middle
        if low < end and key_relations[low] == relation:
            starts[i] = key_starts[low]
            stops[i] = key_starts[low + 1]


@njit(cache=True, nogil=True)
def contains_answers(starts, stops, answers, entities, out):
    """Write whether ``entities[i]`` is among the ascending ``answers[starts[i]:stops[i]]``."""
    for i in range(len(starts)):
        low, high = starts[i], stops[i]
        while low < high:
            middle = (low + high) >> 1
            if answers[middle] < entities[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = low < stops[i] and answers[low] == entities[i]
