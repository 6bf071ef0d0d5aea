import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphembed.kernels.alias import build_alias, sample_row
from graphembed.testing import reference

KEY = np.uint64(11)


def table_of(weights: np.ndarray) -> np.ndarray:
    table = np.empty(len(weights), dtype=np.uint64)
    build_alias(np.array([0, len(weights)]), weights, table, 0, 1)
    return table


def masses(table: np.ndarray) -> np.ndarray:
    """Return the probability of each entry that a table stands for."""
    shares = (table & np.uint64(0xFFFFFFFF)).astype(np.float64) / 2**32
    aliases = (table >> np.uint64(32)).astype(np.int64)
    mass = shares.copy()
    np.add.at(mass, aliases, 1 - shares)
    return mass / len(table)


@given(st.lists(st.floats(0, 100, width=32), min_size=1, max_size=50))
def test_alias_twins_agree(values: list[float]) -> None:
    weights = np.array(values, dtype=np.float32)
    np.testing.assert_array_equal(table_of(weights), reference.build_alias(weights))


@given(st.lists(st.floats(0, 2.0**100, width=32), min_size=1, max_size=200))
def test_table_stands_for_the_weights(values: list[float]) -> None:
    weights = np.array(values, dtype=np.float32)
    total = weights.sum(dtype=np.float64)
    expected = weights / total if total else np.full(len(weights), 1 / len(weights))
    mass = masses(table_of(weights))
    np.testing.assert_allclose(mass, expected, atol=1e-9)
    if total:  # what weighs nothing is never drawn
        assert (mass[weights == 0] == 0).all()


def test_any_cut_of_rows_gives_the_same_tables() -> None:
    rng = np.random.default_rng(0)
    indptr = np.concatenate([[0], np.cumsum(rng.integers(0, 9, 40))])
    weights = rng.random(indptr[-1]).astype(np.float32)
    whole, parts = np.zeros((2, len(weights)), dtype=np.uint64)
    build_alias(indptr, weights, whole, 0, 40)
    for start in reversed(range(0, 40, 7)):
        build_alias(indptr, weights, parts, start, min(start + 7, 40))
    np.testing.assert_array_equal(whole, parts)
    for i in range(40):
        row = slice(indptr[i], indptr[i + 1])
        if indptr[i] < indptr[i + 1]:
            expected = weights[row] / weights[row].sum(dtype=np.float64)
            np.testing.assert_allclose(masses(whole[row]), expected, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frequencies_of_degree_weighted_draws(dtype: type) -> None:
    weights = (np.arange(1, 101) ** 0.75).astype(dtype)
    out = np.empty(200_000, dtype=np.int32)
    sample_row(table_of(weights), KEY, 0, out)
    counts = np.bincount(out, minlength=100)
    assert chisquare(counts, weights / weights.sum(dtype=float) * len(out)).pvalue > 1e-3


def test_draws_depend_on_their_number_only() -> None:
    table = table_of(np.arange(1, 30, dtype=np.float64))
    whole, part = np.empty(100, dtype=np.int64), np.empty(40, dtype=np.int64)
    sample_row(table, KEY, 0, whole)
    sample_row(table, KEY, 60, part)
    np.testing.assert_array_equal(whole[60:], part)


@pytest.mark.parametrize("kind", ["random", "equal", "wild", "tiny"])
def test_star_of_100_000_leaves_stays_in_its_row(kind: str) -> None:
    """Sums of 100,000 shares are rounded; no draw may leave the row for it."""
    rng = np.random.default_rng(1)
    weights = {
        "random": rng.random(100_000),
        "equal": np.full(100_000, 0.1),
        "wild": 10.0 ** rng.uniform(-30, 30, 100_000),
        "tiny": np.full(100_000, 1e-44),
    }[kind].astype(np.float32)
    table = table_of(weights)
    assert (table >> np.uint64(32)).max() < 100_000
    expected = weights.astype(np.float64) / weights.sum(dtype=np.float64)
    np.testing.assert_allclose(masses(table), expected, atol=1e-12)
    out = np.empty(300_000, dtype=np.int64)
    sample_row(table, KEY, 0, out)
    assert 0 <= out.min() <= out.max() < 100_000
    assert (weights[out] > 0).all()
