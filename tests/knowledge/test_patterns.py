import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.knowledge import patterns as patterns_module
from graphembed.knowledge.patterns import CATEGORIES, relation_categories, relation_patterns

CHAIN = [(i, 0, i + 1) for i in range(8)]


def test_symmetric_inverse_and_implied():
    both_ways = [(0, 1, 1), (1, 1, 0), (2, 1, 2), (3, 1, 4)]
    backwards = [(t, 2, h) for h, _, t in CHAIN]
    copies = [(h, 3, t) for h, _, t in CHAIN[:4]]
    found = relation_patterns(CHAIN + both_ways + backwards + copies, 9, 4)
    assert_array_equal(found.n_triples, [8, 4, 8, 4])
    assert_array_equal(found.symmetric, [0, 2 / 3, 0, 0])
    assert (found.inverse[0], found.inverse[2]) == (2, 0)
    assert_array_equal(found.inverse_share[[0, 2]], 1)
    assert (found.implied[3], found.implied_share[3], found.implied_share[0]) == (0, 1, 0.5)


def test_composition():
    grandparents = [(i, 1, i + 2) for i in range(6)]
    found = relation_patterns(CHAIN + grandparents, 9, 2)
    assert_array_equal(found.first, [-1, 0])
    assert_array_equal(found.second, [-1, 0])
    assert_array_equal(found.confidence, [0, 6 / 7])
    assert_array_equal(found.coverage, [0, 1])
    # Two of the three explain less than is asked for.
    rare = relation_patterns([*CHAIN, (0, 1, 2), (5, 1, 0), (6, 1, 0)], 9, 2, min_coverage=0.5)
    assert rare.first[1] == -1


def test_a_way_back_to_where_one_came_from_is_no_composition():
    # Each 0 is undone by its 1; only one path goes on, and 2 closes it.
    there = [(0, 0, 1), (2, 0, 3)]
    found = relation_patterns([*there, (1, 1, 0), (3, 1, 2), (1, 1, 4), (0, 2, 4)], 5, 3)
    assert (found.first[2], found.second[2], found.confidence[2]) == (0, 1, 1)


def test_compositions_of_very_many_relations_are_left_out(monkeypatch):
    monkeypatch.setattr(patterns_module, "MAX_RELATIONS", 1)
    found = relation_patterns([*CHAIN, (0, 1, 2)], 9, 2)
    assert_array_equal(found.first, -1)


@pytest.mark.parametrize(
    ("triples", "category"),
    [
        ([(0, 0, 1), (2, 0, 3)], "1-1"),
        ([(0, 0, 1), (0, 0, 2)], "1-N"),
        ([(1, 0, 0), (2, 0, 0)], "N-1"),
        ([(0, 0, 2), (0, 0, 3), (1, 0, 2), (1, 0, 3)], "N-N"),
        ([(0, 0, 1), (0, 0, 1)], "1-1"),
    ],
)
def test_categories(triples, category):
    found = relation_categories(triples, 2)
    assert tuple(found) == CATEGORIES
    assert {name: members.tolist() for name, members in found.items() if len(members)} == {
        category: [0]
    }


@given(seed=st.integers(0, 200), n=st.integers(1, 6), m=st.integers(1, 4))
def test_shares_are_those_of_sets_of_pairs(seed, n, m):
    triples = np.random.default_rng(seed).integers(0, [n, m, n], (25, 3))
    found = relation_patterns(triples, n, m)
    pairs = [{(h, t) for h, s, t in triples.tolist() if s == r} for r in range(m)]
    proper = [{(h, t) for h, t in pairs[r] if h != t} for r in range(m)]
    for r in range(m):
        back = {(t, h) for h, t in proper[r]}
        n_proper = max(1, len(proper[r]))
        assert found.n_triples[r] == len(pairs[r])
        assert found.symmetric[r] == len(back & proper[r]) / n_proper
        others = [s for s in range(m) if s != r]
        for shares, mine in ((found.inverse_share, back), (found.implied_share, proper[r])):
            expected = max((len(mine & proper[s]) / n_proper for s in others), default=0)
            assert shares[r] == expected
        if pairs[r]:
            assert found.tails_per_head[r] == len(pairs[r]) / len({h for h, _ in pairs[r]})
            assert found.heads_per_tail[r] == len(pairs[r]) / len({t for _, t in pairs[r]})
        else:
            assert np.isnan(found.tails_per_head[r])


def test_no_triples():
    found = relation_patterns([], 3, 2)
    assert_array_equal(found.n_triples, 0)
    assert_array_equal(found.inverse, -1)
