import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.kernels import row_updates
from graphembed.testing import reference


def group(rows, n_rows):
    rows = np.array(rows, dtype=np.int64)
    unique, order = np.empty_like(rows), np.empty_like(rows)
    starts = np.empty(len(rows) + 1, dtype=np.int64)
    n = row_updates.group_rows(rows, n_rows, unique, starts, order)
    return n, unique[: max(n, 0)], starts[: max(n, 0) + 1], order


@given(st.lists(st.integers(0, 40) | st.integers(0, 2**62), max_size=200))
def test_groups_are_the_twin_s(rows):
    n, unique, starts, order = group(rows, 2**62 + 1)
    expected, places = reference.group_rows(rows)
    assert unique.tolist() == expected
    assert [part.tolist() for part in np.split(order, starts[1:-1])[:n]] == places
    assert starts[n] == len(rows)


@pytest.mark.parametrize("row", [-1, 7, 2**62])
def test_rows_outside_the_table_are_told(row):
    assert group([0, 6, row, 1], 7)[0] == -1


@pytest.mark.parametrize("name", ["row_adagrad", "adagrad", "adam"])
@pytest.mark.parametrize("width", [1, 7, 64])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_the_twin_s(name, width, decay):
    rng = np.random.default_rng(width)
    table = rng.standard_normal((30, width), dtype=np.float32)
    columns = {"row_adagrad": 1, "adagrad": width, "adam": 2 * width + 1}[name]
    state = np.zeros((30, columns), dtype=np.float32)
    expected, expected_state = table.astype(np.float64), state.astype(np.float64)
    for _ in range(4):
        rows = rng.integers(0, 20, size=40)
        grads = rng.standard_normal((40, width), dtype=np.float32)
        n, *groups = group(rows, 30)
        step = getattr(row_updates, name)
        rate, decay = np.float32(0.05), np.float32(decay)
        # Any cut of the rows gives the same.
        assert step(table, state, grads, *groups, rate, decay, 0, 3) == -1
        assert step(table, state, grads, *groups, rate, decay, 3, n) == -1
        expected, expected_state = reference.sparse_step(
            name, expected, expected_state, rows, grads, 0.05, float(decay)
        )
    np.testing.assert_allclose(table, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state, expected_state, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["row_adagrad", "adagrad", "adam"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_gradient_that_is_not_finite_moves_nothing(name, value):
    table, state = np.ones((3, 4), dtype=np.float32), np.zeros((3, 9), dtype=np.float32)
    grads = np.ones((3, 4), dtype=np.float32)
    grads[1, 2] = value
    _, *groups = group([0, 2, 1], 3)
    rate, decay = np.float32(0.1), np.float32(0)
    assert getattr(row_updates, name)(table, state, grads, *groups, rate, decay, 0, 3) == 2
    assert np.all(table[2] == 1)
    assert np.all(state[2] == 0)
    assert np.all(table[:2] < 1)
