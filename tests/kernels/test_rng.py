import numpy as np
from numba import njit
from scipy import stats

from graphembed.kernels.rng import bounded, draw, fold, mix, unit
from graphembed.testing import reference


@njit
def draws(key, n):
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        out[i] = draw(key, i)
    return out


@njit
def folds(key, n):
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        out[i] = fold(key, i)
    return out


@njit
def bounded_all(bits, n):
    out = np.empty(len(bits), dtype=np.int64)
    for i in range(len(bits)):
        out[i] = bounded(bits[i], n)
    return out


@njit
def unit_all(bits):
    out = np.empty(len(bits), dtype=np.float64)
    for i in range(len(bits)):
        out[i] = unit(bits[i])
    return out


@njit
def mix_one(word):
    return mix(word)


def test_mix_is_splitmix64() -> None:
    """The first outputs of SplitMix64 from state 0, as published with its reference code."""
    golden = 0x9E3779B97F4A7C15
    states = [0, golden, (2 * golden) % 2**64]
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(mix_one(np.uint64(state))) for state in states] == expected


def test_twins_agree() -> None:
    key = np.uint64(12345)
    np.testing.assert_array_equal(draws(key, 50), [reference.draw(12345, i) for i in range(50)])
    np.testing.assert_array_equal(folds(key, 50), [reference.fold(12345, i) for i in range(50)])


def test_bounded_is_uniform() -> None:
    values = bounded_all(draws(np.uint64(1), 70_000), 7)
    counts = np.bincount(values, minlength=7)
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > 1e-4


def test_unit_is_uniform_below_one() -> None:
    values = unit_all(draws(np.uint64(2), 50_000))
    assert values.min() >= 0
    assert values.max() < 1
    assert stats.kstest(values, "uniform").pvalue > 1e-4
    assert float(unit_all(np.array([2**64 - 1], dtype=np.uint64))[0]) < 1


def test_neighbouring_keys_share_no_draws() -> None:
    """The flaw of added seeds: item 1, draw 0 and item 0, draw 1 must differ."""
    streams = np.concatenate([draws(key, 100) for key in folds(np.uint64(3), 100)])
    assert len(np.unique(streams)) == len(streams)
