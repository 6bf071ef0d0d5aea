"""Pairs and negatives: what they are, how often, and that an epoch is a function of its number."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

import graphembed as ge
from graphembed.graph.links import Links
from graphembed.message_passing.positives import EdgePairs, Negatives, WalkPairs

KARATE = ge.datasets.load("karate").graph
LINKS = Links.of(KARATE)
# A walk along it never comes home, and ends nowhere: each has all of its pairs.
ROUND = ge.Graph.from_edges(range(10), [*range(1, 10), 0], directed=True)


def as_set(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(min(u, v), max(u, v)) for u, v in pairs.tolist()}


def counted(pairs: np.ndarray) -> Counter[tuple[int, ...]]:
    return Counter(map(tuple, pairs.tolist()))


def test_edges_come_once_each_in_both_directions() -> None:
    pairs = EdgePairs(LINKS, seed=0)
    drawn = pairs.draw(0)
    assert len(drawn) == KARATE.n_edges
    assert as_set(drawn) == as_set(KARATE.edges())
    assert 0 < np.mean(drawn[:, 0] < drawn[:, 1]) < 1
    np.testing.assert_array_equal(drawn, pairs.draw(0))
    assert not np.array_equal(drawn, pairs.draw(1))
    assert not np.array_equal(drawn, EdgePairs(LINKS, seed=1).draw(0))


@pytest.mark.parametrize(("share", "n_pairs"), [(0.001, 1), (0.25, 20), (0.5, 39), (1.0, 78)])
def test_a_share_of_the_edges(share: float, n_pairs: int) -> None:
    pairs = EdgePairs(LINKS, seed=0)
    drawn = pairs.draw(3, share)
    assert drawn.dtype == np.int64
    assert drawn.shape == (n_pairs, 2)
    assert len(as_set(drawn)) == n_pairs, "none twice"
    assert as_set(drawn) <= as_set(KARATE.edges())
    np.testing.assert_array_equal(drawn, pairs.draw(3, share))


def test_the_shares_of_many_epochs_are_all_edges() -> None:
    pairs = EdgePairs(LINKS, seed=0)
    seen = set().union(*(as_set(pairs.draw(epoch, 0.25)) for epoch in range(40)))
    assert seen == as_set(KARATE.edges())


def test_a_pair_of_a_walk_is_as_far_apart_as_the_walk_is_long() -> None:
    ring = ge.Graph.from_edges(range(10), [*range(1, 10), 0])
    pairs = WalkPairs(ring, walk_length=3, n_walks=4, seed=0).draw(0)
    apart = (pairs[:, 0] - pairs[:, 1]) % 10
    assert set(apart.tolist()) == {1, 2, 8, 9}
    # Half of the walks are at home again after two steps.
    assert 4 * 10 < len(pairs) < 4 * 10 * 2
    np.testing.assert_array_equal(pairs, WalkPairs(ring, 3, 4, seed=0, n_jobs=1).draw(0))


def test_the_first_node_of_a_walk_is_paired_with_each_that_follows() -> None:
    pairs = WalkPairs(ROUND, walk_length=4, n_walks=2, seed=0).draw(5)
    expected = [(u, (u + steps) % 10) for u in range(10) for steps in (1, 2, 3)]
    assert counted(pairs) == Counter(expected * 2)


@pytest.mark.parametrize(("share", "n_walks"), [(0.01, 1), (0.3, 6), (0.99, 20)])
def test_a_share_of_the_walks_has_all_pairs_of_those(share: float, n_walks: int) -> None:
    drawn = WalkPairs(ROUND, walk_length=4, n_walks=2, seed=0).draw(0, share)
    assert drawn.shape == (n_walks * 3, 2)
    firsts = Counter(drawn[:, 0].tolist())
    assert set(firsts.values()) <= {3, 6}
    expected = [(u, (u + steps) % 10) for u in firsts.elements() for steps in (1, 2, 3)]
    assert counted(drawn) == {pair: n // 3 for pair, n in Counter(expected).items()}


def test_a_share_is_of_the_same_walks_in_another_order() -> None:
    pairs = WalkPairs(KARATE, walk_length=6, n_walks=1, seed=0)
    whole, share = counted(pairs.draw(2)), counted(pairs.draw(2, 0.5))
    assert share < whole
    np.testing.assert_array_equal(pairs.draw(2, 0.5), pairs.draw(2, 0.5))
    assert share != counted(pairs.draw(3, 0.5))


def test_walks_that_end_make_no_pairs() -> None:
    path = ge.Graph.from_edges([0], [1], directed=True)
    pairs = WalkPairs(path, walk_length=5, n_walks=1, seed=0).draw(0)
    assert pairs.tolist() == [[0, 1]]


def test_negatives_follow_degrees() -> None:
    degrees = np.array([1.0, 0.0, 16.0, 81.0])
    negatives = Negatives(degrees, n_negatives=400, seed=0)
    drawn = negatives.draw(0, n_batches=90)
    assert drawn.dtype == np.int64
    assert drawn.shape == (90, 400)
    counts = np.bincount(drawn.ravel(), minlength=4)
    assert counts[1] == 0
    expected = drawn.size * np.array([1.0, 8.0, 27.0]) / 36
    assert chisquare(counts[[0, 2, 3]], expected).pvalue > 1e-3
    np.testing.assert_array_equal(drawn, negatives.draw(0, 90))
    assert not np.array_equal(drawn, negatives.draw(1, 90))
    assert not np.array_equal(drawn[0], drawn[1]), "every batch has its own"
