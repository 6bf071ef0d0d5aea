import numpy as np
import pytest
import torch

from graphembed.knowledge.optimizers import BLOCK, OPTIMIZERS, group_rows, make_optimizer
from graphembed.testing import reference


def batch(n_rows, n, width, seed=0):
    rng = np.random.default_rng(seed)
    # A few rows take most gradients, as hubs and relations do.
    rows = (n_rows * rng.random(n) ** 3).astype(np.int64)
    return rows, rng.standard_normal((n, width), dtype=np.float32)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_the_twin_s_and_rows_without_gradients_rest_but_for_dense_adam(name):
    optimizer = make_optimizer(name, 0.1, weight_decay=0.01)
    table = np.random.default_rng(1).standard_normal((500, 5), dtype=np.float32)
    state = optimizer.initial_state(500, 5)
    assert state.shape == (500, optimizer.state_width(5))
    before, (rows, grads) = table.copy(), batch(500, 300, 5)
    expected, expected_state = reference.sparse_step(name, table, state, rows, grads, 0.1, 0.01)
    stepped = optimizer.update(table, state, rows, grads)
    assert stepped.tolist() == reference.group_rows(rows)[0]
    np.testing.assert_allclose(table, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state, expected_state, rtol=1e-4, atol=1e-6)
    if name == "dense_adam":
        return
    resting = np.setdiff1d(np.arange(500), rows)
    np.testing.assert_array_equal(table[resting], before[resting])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_any_number_of_threads_gives_the_same_bits(name):
    results = []
    for n_jobs in (1, 2, 5):
        table = np.zeros((4000, 8), dtype=np.float32)
        optimizer = make_optimizer(name, 0.1, n_jobs=n_jobs)
        state = optimizer.initial_state(*table.shape)
        for seed in range(3):
            optimizer.update(
                table, state, *batch(4000, 4 * BLOCK, 8, seed), constrain=_onto_unit_ball
            )
        results.append((table, state))
    for table, state in results[1:]:
        np.testing.assert_array_equal(table, results[0][0])
        np.testing.assert_array_equal(state, results[0][1])


def _onto_unit_ball(rows):
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)


def test_rows_that_stepped_are_constrained_and_no_others():
    table = np.full((50, 3), 2, dtype=np.float32)
    optimizer = make_optimizer("adagrad", 0.1)
    rows, grads = batch(40, 30, 3)
    optimizer.update(table, optimizer.initial_state(50, 3), rows, grads, constrain=_onto_unit_ball)
    norms = np.linalg.norm(table, axis=1)
    np.testing.assert_allclose(norms[np.unique(rows)], 1, rtol=1e-6)
    assert np.all(table[np.setdiff1d(np.arange(50), rows)] == 2)


def test_adagrad_is_torch_s():
    table = np.random.default_rng(0).standard_normal((20, 6), dtype=np.float32)
    theirs = torch.nn.Parameter(torch.tensor(table))
    torch_optimizer = torch.optim.Adagrad([theirs], lr=0.2)
    optimizer = make_optimizer("adagrad", 0.2)
    state = optimizer.initial_state(20, 6)
    for seed in range(5):
        rows, grads = batch(20, 15, 6, seed)
        optimizer.update(table, state, rows, grads)
        # Its rows without a gradient rest as well.
        theirs.grad = torch.zeros(20, 6).index_add_(0, torch.tensor(rows), torch.tensor(grads))
        torch_optimizer.step()
    np.testing.assert_allclose(table, theirs.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_dense_adam_is_torch_s():
    table = np.random.default_rng(0).standard_normal((300, 6), dtype=np.float32)
    theirs = torch.nn.Parameter(torch.tensor(table))
    torch_optimizer = torch.optim.Adam([theirs], lr=0.2)
    optimizer = make_optimizer("dense_adam", 0.2)
    state = optimizer.initial_state(*table.shape)
    for seed in range(8):
        rows, grads = batch(300, 200, 6, seed)
        optimizer.update(table, state, rows, grads)
        theirs.grad = torch.zeros_like(theirs).index_add_(
            0, torch.tensor(rows), torch.tensor(grads)
        )
        torch_optimizer.step()
    np.testing.assert_allclose(table, theirs.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_adam_is_torch_s_where_every_row_steps():
    table = np.random.default_rng(0).standard_normal((20, 6), dtype=np.float32)
    theirs = torch.nn.Parameter(torch.tensor(table))
    torch_optimizer = torch.optim.Adam([theirs], lr=0.2)
    optimizer = make_optimizer("adam", 0.2)
    state = optimizer.initial_state(20, 6)
    for seed in range(5):
        grads = np.random.default_rng(seed).standard_normal((20, 6), dtype=np.float32)
        optimizer.update(table, state, np.arange(20), grads)
        theirs.grad = torch.tensor(grads)
        torch_optimizer.step()
    np.testing.assert_allclose(table, theirs.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_finds_a_minimum(name):
    goal = np.random.default_rng(0).standard_normal((10, 4), dtype=np.float32)
    table = np.zeros_like(goal)
    optimizer = make_optimizer(name, 0.2)
    state = optimizer.initial_state(*table.shape)
    for _ in range(300):
        optimizer.update(table, state, np.arange(10), table - goal)
    np.testing.assert_allclose(table, goal, atol=0.02)


def test_the_rate_of_one_step_can_be_another():
    steps = []
    for rate in (None, 0.01):
        table = np.zeros((1, 2), dtype=np.float32)
        optimizer = make_optimizer("row_adagrad", 0.1)
        state = optimizer.initial_state(1, 2)
        grads = np.ones((1, 2), dtype=np.float32)
        optimizer.update(table, state, np.array([0]), grads, learning_rate=rate)
        steps.append(table[0, 0])
    np.testing.assert_allclose(steps, [-0.1, -0.01], rtol=1e-6)


def test_nothing_to_do_is_nothing_done():
    table = np.ones((3, 2), dtype=np.float32)
    optimizer = make_optimizer("adam")
    rows = np.empty(0, dtype=np.int64)
    state = optimizer.initial_state(3, 2)
    assert len(optimizer.update(table, state, rows, np.empty((0, 2), dtype=np.float32))) == 0
    assert np.all(table == 1)


def test_divergence_is_an_error_that_says_what_to_do():
    optimizer = make_optimizer("row_adagrad", 0.5)
    table = np.zeros((3, 2), dtype=np.float32)
    grads = np.array([[1, 1], [np.nan, 1]], dtype=np.float32)
    with pytest.raises(FloatingPointError, match=r"row 2 is not finite.*learning rate.*0\.5"):
        optimizer.update(table, optimizer.initial_state(3, 2), np.array([0, 2]), grads)


def test_wrong_names_and_rows_are_errors():
    with pytest.raises(
        ValueError, match=r"'sgd' \(known: row_adagrad, adagrad, adam, dense_adam\)"
    ):
        make_optimizer("sgd")
    with pytest.raises(IndexError, match=r"0 \.\. 2.*got 0 to 3"):
        group_rows(np.array([0, 3]), 3)
