from itertools import chain, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphembed.kernels import triple_negatives
from graphembed.testing import reference


def draw(key, n, k):
    out = np.empty(k, dtype=np.int64)
    triple_negatives.draw_distinct(np.uint64(key), n, out)
    return out.tolist()


@given(st.integers(0, 2**64 - 1), st.integers(1, 60), st.data())
def test_distinct_numbers_are_the_twin_s(key, n, data):
    k = data.draw(st.integers(0, n))
    drawn = draw(key, n, k)
    assert drawn == reference.draw_distinct(key, n, k)
    assert len(set(drawn)) == k
    assert set(drawn) <= set(range(n))


@pytest.mark.parametrize(("n", "k"), [(6, 2), (5, 3), (4, 4)])
def test_any_choice_in_any_order_is_as_likely(n, k):
    counts = dict.fromkeys(permutations(range(n), k), 0)
    for key in range(200 * len(counts)):
        counts[tuple(draw(reference.mix(key), n, k))] += 1
    assert chisquare(list(counts.values())).pvalue > 1e-3


@given(
    st.integers(0, 2**64 - 1),
    st.lists(st.tuples(*[st.integers(0, 4)] * 3, st.integers(0, 2**40)), min_size=1, max_size=9),
    st.integers(0, 9),
)
def test_corruptions_are_the_twin_s_however_they_are_cut(key, rows, cut):
    triples = np.array([row[:3] for row in rows], dtype=np.int64)
    numbers = np.array([row[3] for row in rows], dtype=np.int64)
    chances = np.array([0, 0.1, 0.5, 0.9, 1])
    units = np.rint(chances * 2**32).astype(np.uint64)
    entities, heads = np.empty((len(rows), 3), np.int64), np.empty((len(rows), 3), bool)
    out = (entities, heads)
    cut = min(cut, len(rows))
    triple_negatives.corrupt(np.uint64(key), numbers, triples, units, 5, *out, cut, len(rows))
    triple_negatives.corrupt(np.uint64(key), numbers, triples, units, 5, *out, 0, cut)
    for i, triple in enumerate(triples.tolist()):
        chance = int(units[triple[1]]) / 2**32
        expected = reference.corrupt(key, int(numbers[i]), triple, 3, 5, chance)
        assert list(zip(entities[i].tolist(), heads[i].tolist(), strict=True)) == expected


@given(st.data())
def test_masks_are_the_twin_s(data):
    entity = st.integers(0, 30)
    negatives = np.array(data.draw(st.lists(entity, max_size=40)), dtype=np.int64)
    answers = data.draw(st.lists(st.lists(entity, max_size=8), min_size=1, max_size=6))
    own = data.draw(st.lists(st.integers(-1, 30), min_size=len(answers), max_size=len(answers)))
    stops = np.cumsum([len(part) for part in answers])
    starts = stops - [len(part) for part in answers]
    flat = np.array(list(chain.from_iterable(answers)), dtype=np.int32)
    scores = np.zeros((len(answers), len(negatives)), dtype=np.float32)
    expected = reference.mask_answers(
        [[*part, one] for part, one in zip(answers, own, strict=True)], negatives, scores
    )
    triple_negatives.mask_answers(starts, stops, flat, np.array(own), negatives, scores)
    np.testing.assert_array_equal(scores, expected)
