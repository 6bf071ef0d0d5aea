"""Products of sparse matrices against autograd, and against the slow twins of the kernels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from graphembed.kernels import triple_steps
from graphembed.kernels.torch.triples import (
    TorchTransE,
    draw_negatives,
    gradients,
    incidence,
    step,
)
from graphembed.knowledge.negatives import corrupt, head_chances
from graphembed.testing import reference

KEY = 2**63 + 5
METHODS = ("sgd", "adagrad", "row_adagrad", "adam")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Batches are small: threads would wait for one another."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def make_triples(n: int, n_entities: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, [n_entities, 3, n_entities], (n, 3))


@pytest.mark.parametrize("chances", [[0.0, 0.3, 1.0], [0.5, 0.5, 0.5]])
@pytest.mark.parametrize("n_entities", [2, 1000])
def test_draws_are_those_of_the_compiled_kernel(chances: Any, n_entities: int) -> None:
    triples, numbers = make_triples(200, n_entities), np.arange(1000, 1200)
    units = torch.from_numpy(head_chances(np.array(chances)).astype(np.int64))
    drawn, heads = draw_negatives(
        KEY, torch.from_numpy(numbers), torch.from_numpy(triples), 6, n_entities, units
    )
    expected = corrupt(KEY, numbers, triples, 6, n_entities=n_entities, chances=np.array(chances))
    np.testing.assert_array_equal(drawn, expected.entities)
    np.testing.assert_array_equal(heads, expected.heads)


def test_incidence() -> None:
    matrix = incidence(torch.tensor([[0, 2, 1], [1, 3, 1]]), 4).to_dense()
    np.testing.assert_array_equal(matrix, [[1, -1, 1, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("distance", [1, 2, 3])
@pytest.mark.parametrize("n_negatives", [1, 5])
def test_gradients_are_those_of_autograd(distance: int, n_negatives: int) -> None:
    rng = np.random.default_rng(n_negatives)
    table = torch.tensor(rng.normal(size=(9, 6)), dtype=torch.float32)
    columns = torch.from_numpy(rng.integers(0, 9, (20 * (1 + n_negatives), 3)))
    loss, grads, touched = gradients(table, columns, n_negatives, distance, 1.0)
    exact = table.double().requires_grad_()
    residuals = exact[columns[:, 0]] + exact[columns[:, 1]] - exact[columns[:, 2]]
    lengths = residuals.norm(p=1 if distance == 1 else 2, dim=1)
    if distance == 3:
        lengths = (residuals**2).sum(1)
    slack = 1 + lengths[:20, None] - lengths[20:].view(20, n_negatives)
    slack.clamp(min=0).sum().backward()
    assert loss.item() == pytest.approx(slack.clamp(min=0).sum().item(), rel=1e-5)
    np.testing.assert_allclose(grads, exact.grad, rtol=1e-4, atol=1e-4)
    assert not grads[~touched].any()


def test_rows_beyond_the_margin_are_not_touched() -> None:
    table = torch.eye(4)
    columns = torch.tensor([[0, 1, 2], [3, 1, 2]])
    loss, grads, touched = gradients(table, columns, 1, 2, -10.0)
    assert loss == 0
    assert not grads.any()
    assert not touched.any()


@pytest.mark.parametrize("method", METHODS)
def test_steps_are_those_of_the_slow_twin(method: str) -> None:
    rng = np.random.default_rng(0)
    width = {"sgd": 0, "adagrad": 8, "row_adagrad": 1, "adam": 17}[method]
    table, grads = rng.normal(size=(2, 5, 8)).astype(np.float32)
    state = rng.random((5, width)).astype(np.float32)
    if method == "adam":
        state[:, -1] = [0, 1, 2, 50, 1000]
    rows = np.array([3, 0, 4])
    expected, expected_state = table.astype(np.float64), state.astype(np.float64)
    for row, grad in zip(rows, grads[:3], strict=True):
        expected[row], expected_state[row] = reference.step_row(
            table[row], state[row], grad, method, 0.1
        )
    tensors = [torch.from_numpy(array.copy()) for array in (table, state)]
    chosen = torch.from_numpy(rows), torch.from_numpy(grads[:3])
    step(*tensors, *chosen, METHODS.index(method), 0.1, False)
    np.testing.assert_allclose(tensors[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tensors[1], expected_state, rtol=1e-5, atol=1e-6)
    step(*tensors, *chosen, METHODS.index(method), 0.1, True)
    np.testing.assert_allclose(tensors[0][rows].norm(dim=1), 1, rtol=1e-5)


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_a_batch_is_the_slow_twin(distance: int) -> None:
    rng = np.random.default_rng(0)
    triples, numbers = make_triples(50, 7), np.arange(10, 40)
    entities = rng.normal(size=(7, 5)).astype(np.float32)
    relations = rng.normal(size=(3, 5)).astype(np.float32)
    chances = np.array([0.2, 0.5, 0.9])
    states = [np.empty((n, 0), dtype=np.float32) for n in (7, 3)]
    model = TorchTransE(
        (entities, relations, *states), triples, head_chances(chances), n_negatives=4,
        distance=distance, method=triple_steps.SGD, margin=1.0, device="cpu",
    )  # fmt: skip
    drawn = corrupt(KEY, numbers, triples[numbers], 4, n_entities=7, chances=chances)
    moved = entities.astype(np.float64), relations.astype(np.float64)
    loss = 0.0
    for triple, own, heads in zip(triples[numbers], *drawn, strict=True):
        more, *pulls = reference.triple_gradients(
            entities, relations, triple, own, heads, distance, 1.0
        )
        loss += more / 4
        for table, parts in zip(moved, pulls, strict=True):
            for row, pull in parts:
                table[row] -= 0.1 * pull / (4 * 30)
    before = entities.copy()
    assert model.train_batch(numbers, key=KEY, rate=0.1) == pytest.approx(loss, rel=1e-5)
    np.testing.assert_array_equal(entities, before)  # until copied back
    model.copy_back()
    np.testing.assert_allclose(entities, moved[0], atol=1e-5)
    np.testing.assert_allclose(relations, moved[1], atol=1e-5)


def test_what_is_not_finite_shows_in_the_loss() -> None:
    entities = np.full((4, 5), np.nan, dtype=np.float32)
    states = [np.empty((n, 0), dtype=np.float32) for n in (4, 3)]
    model = TorchTransE(
        (entities, np.zeros((3, 5), dtype=np.float32), *states), make_triples(9, 4),
        head_chances(np.full(3, 0.5)), n_negatives=1, distance=2, method=0, margin=1.0,
        device="cpu",
    )  # fmt: skip
    assert np.isnan(model.train_batch(np.arange(9), key=KEY, rate=0.1))
