"""Loops over columns of rows against NumPy, at widths with and without a last part."""

from typing import Any

import numpy as np
import pytest
from numba import njit

from graphembed.kernels import row_loops
from graphembed.testing import reference

X, Y = np.float32(0.75), np.float32(-1.5)
WRITES = {
    "add_scaled": lambda a, b, _: a + X * b,
    "difference": lambda a, b, _: X * (a - b),
    "add_difference": lambda a, b, out: out + X * (a - b),
    "sign": lambda a, b, _: X * np.sign(a - b),
    "add_sign": lambda a, b, out: out + X * np.sign(a - b),
    "scale": lambda a, _, __: X * a,
}
SUMS = {
    "absolute_distance": lambda a, b: np.abs(a - b).sum(),
    "squared_distance": lambda a, b: ((a - b) ** 2).sum(),
    "square_sum": lambda a, _: (a * a).sum(),
}


def compiled(name: str) -> Any:
    """Return a function that calls a loop, which only compiled code can."""
    loop = getattr(row_loops, name)

    @njit
    def call(a, i, b, j, out, k, x, y):
        return loop(a, i, b, j, out, k, x, y)

    return call


def tables(width: int) -> Any:
    rng = np.random.default_rng(width)
    a, b, out = rng.normal(size=(3, 5, width)).astype(np.float32)
    b[2, ::3] = a[4, ::3]  # differences of 0
    return a, b, out


@pytest.mark.parametrize("name", WRITES)
def test_what_is_written(name: str) -> None:
    call = compiled(name)
    for width in (1, 7, 16, 33, 100, 128):
        a, b, out = tables(width)
        expected = out.copy()
        expected[3] = WRITES[name](a[4], b[2], out[3])
        untouched = a.copy(), b.copy()
        assert call(a, 4, b, 2, out, 3, X, Y) == 0
        np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal((a, b), untouched)


@pytest.mark.parametrize("name", SUMS)
def test_sums(name: str) -> None:
    call = compiled(name)
    for width in (1, 7, 16, 33, 100, 128):
        a, b, out = tables(width)
        before = out.copy()
        assert call(a, 4, b, 2, out, 3, X, Y) == pytest.approx(SUMS[name](a[4], b[2]), rel=1e-5)
        np.testing.assert_array_equal(out, before)


@pytest.mark.parametrize("width", [5, 16, 100])
def test_adagrad_is_the_slow_twin(width: int) -> None:
    call = compiled("adagrad")
    gradients, states, table = tables(width)
    states = np.abs(states)
    expected = reference.step_row(table[3], states[2], 2 * gradients[4], "adagrad", 0.1)
    call(gradients, 4, states, 2, table, 3, np.float32(0.1), np.float32(2))
    np.testing.assert_allclose(table[3], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(states[2], expected[1], rtol=1e-5)


@pytest.mark.parametrize("width", [5, 16, 100])
def test_adam_is_the_slow_twin(width: int) -> None:
    """The state is wider than the row: both moments, and the steps that the loop leaves alone."""
    call = compiled("adam")
    gradients, _, table = tables(width)
    states = np.abs(tables(2 * width + 1)[0])
    states[2, -1] = 4
    expected = reference.step_row(table[3], states[2], gradients[4], "adam", 0.1)
    scales = 0.1 / (1 - 0.9**5), 1 / np.sqrt(1 - 0.999**5)
    call(gradients, 4, states, 2, table, 3, *map(np.float32, scales))
    np.testing.assert_allclose(table[3], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(states[2, :-1], expected[1][:-1], rtol=1e-5)
    assert states[2, -1] == 4


def test_a_row_may_be_all_three() -> None:
    rows = np.arange(20, dtype=np.float32).reshape(1, 20)
    compiled("add_scaled")(rows, 0, rows, 0, rows, 0, X, Y)
    np.testing.assert_array_equal(rows[0], np.arange(20) * 1.75)
