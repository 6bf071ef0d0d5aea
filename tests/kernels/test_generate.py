from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.testing import assert_array_equal
from scipy.stats import chisquare

from graphembed.kernels import generate
from graphembed.testing import reference

KEYS = st.integers(0, 2**64 - 1)
GRAPH500 = np.round(np.cumsum([0.57, 0.19, 0.19]) * 2.0**32).astype(np.uint64)


@njit
def _scrambled(key, scale):
    out = np.empty(1 << scale, dtype=np.int64)
    for value in range(1 << scale):
        out[value] = generate.scramble(value, key, scale)
    return out


def _rmat(key, n_edges, scale, thresholds=GRAPH500, cuts=()):
    sources, targets = np.empty((2, n_edges), dtype=np.int32)
    bounds = [0, *cuts, n_edges]
    for start, stop in pairwise(bounds):
        generate.rmat_edges(np.uint64(key), start, stop, scale, thresholds, sources, targets)
    return sources, targets


def _pairs(key, probability, n_pairs, span):
    """Draw one block, chunk by chunk."""
    starts = np.arange(0, n_pairs, span)
    shared = (
        np.zeros(len(starts), np.int64), starts, np.array([span]), np.array([n_pairs]),
        np.array([probability]),
    )  # fmt: skip
    counts = np.empty(len(starts), np.int64)
    generate.count_pairs(np.uint64(key), 0, len(starts), *shared, counts)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    positions = np.empty(offsets[-1], np.int64)
    for chunk in reversed(range(len(starts))):
        generate.draw_pairs(np.uint64(key), chunk, chunk + 1, *shared, offsets, positions)
    return positions


@settings(deadline=None)  # the first example compiles
@given(key=KEYS, scale=st.integers(1, 10))
def test_scramble_is_one_to_one_and_agrees_with_the_reference(key, scale):
    scrambled = _scrambled(np.uint64(key), scale)
    assert_array_equal(np.sort(scrambled), np.arange(1 << scale))
    assert scrambled[-1] == reference.scramble((1 << scale) - 1, key, scale)


@settings(deadline=None)  # the first example compiles
@given(key=KEYS, scale=st.integers(1, 31), cut=st.integers(0, 20))
def test_rmat_agrees_with_the_reference_for_any_cut(key, scale, cut):
    expected = reference.rmat_edges(key, 20, scale, GRAPH500)
    assert_array_equal(_rmat(key, 20, scale, cuts=[cut]), expected)


def test_rmat_quadrants_have_their_probabilities():
    # With two nodes an edge is one choice of quadrant, seen through a shuffle of the two ids.
    sources, targets = _rmat(3, 200_000, 1)
    flipped = _scrambled(np.uint64(reference.fold(3, 0)), 1)[0]
    seen = np.bincount(2 * (sources ^ flipped) + (targets ^ flipped), minlength=4)
    assert chisquare(seen, 200_000 * np.array([0.57, 0.19, 0.19, 0.05])).pvalue > 0.001


def test_rmat_levels_are_independent():
    sources, targets = _rmat(5, 400_000, 3)
    order = np.argsort(_scrambled(np.uint64(reference.fold(5, 0)), 3))
    quarter = np.array([[0.57, 0.19], [0.19, 0.05]])
    expected = np.kron(np.kron(quarter, quarter), quarter)
    seen = np.bincount(8 * order[sources] + order[targets], minlength=64)
    assert chisquare(seen, 400_000 * expected.ravel()).pvalue > 0.001


@settings(deadline=None)  # the first example compiles
@given(key=KEYS, probability=st.floats(1e-3, 1), span=st.integers(1, 50))
def test_pairs_agree_with_the_reference(key, probability, span):
    starts = range(0, 120, span)
    expected = [
        reference.draw_pairs(key, 0, start, min(start + span, 120), probability) for start in starts
    ]
    assert_array_equal(_pairs(key, probability, 120, span), np.concatenate(expected))


@pytest.mark.parametrize("span", [7, 1000])
def test_every_pair_hits_with_its_probability(span):
    hits = np.zeros(50)
    for key in range(4000):
        hits[_pairs(key, 0.3, 50, span)] += 1
    # Counts are binomial, not multinomial: scale by the variance.
    assert np.sum((hits - 1200) ** 2 / (4000 * 0.3 * 0.7)) < 86.7  # 99.9 % of chi-square, 50 df
    sizes = [len(_pairs(key, 0.3, 50, span)) for key in range(4000)]
    assert 9.5 < np.var(sizes) < 11.6


def test_certain_pairs_all_hit_and_rare_ones_hardly():
    assert_array_equal(_pairs(0, 1.0, 1000, 64), np.arange(1000))
    assert len(_pairs(0, 1e-300, 10**15, 10**15)) == 0


@settings(deadline=None)  # the first example compiles
@given(key=KEYS, n_links=st.integers(1, 5), more=st.integers(1, 30))
def test_attachment_agrees_with_the_reference(key, n_links, more):
    n_nodes = n_links + more
    sources, targets = np.empty((2, n_links * more), dtype=np.int32)
    generate.attach_edges(np.uint64(key), n_nodes, n_links, sources, targets)
    assert_array_equal((sources, targets), reference.attach_edges(key, n_nodes, n_links))
