import numpy as np
import pytest
from numba import njit

from graphembed.kernels import vector_math

UNIT = np.finfo(np.float32).eps


def over_rows(function):
    @njit
    def apply(values):
        out = np.empty_like(values)
        for i in range(len(values)):
            out[i] = function(values[i])
        return out

    return apply


@njit
def softplus_and_slope(values):
    out = np.empty((2, len(values)), dtype=np.float32)
    for i in range(len(values)):
        out[0, i], out[1, i] = vector_math.softplus(values[i])
    return out


@njit
def largest(values, start):
    for value in values:
        start = vector_math.maximum(start, value)
    return start


def spread(low: float, high: float, n: int = 20_001) -> np.ndarray:
    return np.linspace(low, high, n, dtype=np.float32)


def test_exp() -> None:
    x = np.concatenate([spread(-87.32, 88.36), spread(-1, 1), spread(-1e-6, 1e-6)])
    found = over_rows(vector_math.exp)(x)
    np.testing.assert_allclose(found, np.exp(x.astype(float)), rtol=2 * UNIT)


def test_exp_far_out() -> None:
    x = np.array([-np.inf, -1e30, -87.4, 89, 1e30, np.inf, np.nan, 0, -0.0], dtype=np.float32)
    found = over_rows(vector_math.exp)(x)
    assert (found[:3] == 0).all()
    np.testing.assert_allclose(found[3:6], np.exp(88.37), rtol=1e-5)
    assert np.isnan(found[6])
    assert (found[7:] == 1).all()


def test_log1p() -> None:
    powers = 10 ** np.linspace(-37, 38, 20_001)
    x = np.concatenate([powers.astype(np.float32), spread(0, 10), spread(0.4, 0.42)])
    found = over_rows(vector_math.log1p)(x)
    np.testing.assert_allclose(found, np.log1p(x.astype(float)), rtol=3 * UNIT)


def test_log1p_of_zero_and_nan() -> None:
    found = over_rows(vector_math.log1p)(np.array([0, np.nan], dtype=np.float32))
    assert found[0] == 0
    assert np.isnan(found[1])


def test_softplus_and_its_slope() -> None:
    x = np.concatenate([spread(-80, 80), spread(-1, 1)])
    value, slope = softplus_and_slope(x)
    np.testing.assert_allclose(value, np.logaddexp(0, x.astype(float)), rtol=4 * UNIT)
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-x.astype(float))), rtol=4 * UNIT)


def test_softplus_far_out() -> None:
    x = np.array([-np.inf, -1e30, 1e30, np.nan], dtype=np.float32)
    value, slope = softplus_and_slope(x)
    np.testing.assert_array_equal(value, np.array([0, 0, 1e30, np.nan], dtype=np.float32))
    np.testing.assert_array_equal(slope, np.array([0, 0, 1, np.nan], dtype=np.float32))


@pytest.mark.parametrize("n", [0, 1, 5, 64, 77])
def test_maximum(n: int) -> None:
    values = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    start = np.float32(-3)
    assert largest(values, start) == max([start, *values])


def test_maximum_of_nan_is_nan() -> None:
    values = np.zeros(40, dtype=np.float32)
    values[7] = np.nan
    assert np.isnan(largest(values, np.float32(np.inf)))
