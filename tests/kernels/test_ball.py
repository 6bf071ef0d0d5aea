"""The kernels by way of ``graphembed.knowledge.ball``, which makes their arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from graphembed.knowledge import ball
from graphembed.testing import isometries as twins

D = [1, 2, 7, 32]


def points(n: int, d: int, seed: int, reach: float = 0.9) -> tuple[Any, Any]:
    """Points all over balls of all sizes, and the curvatures."""
    rng = np.random.default_rng(seed)
    c = np.exp(rng.normal(size=n))
    x = rng.standard_normal((n, d))
    x *= (reach * rng.random(n) / np.linalg.norm(x, axis=1) / np.sqrt(c))[:, None]
    return x, c


def check(
    function: Callable[..., Any],
    backward: Callable[..., Any],
    twin: Callable[..., torch.Tensor],
    *arrays: Any,
    curved: bool = True,
    tolerance: float = 1e-10,
) -> None:
    """A function and its gradients are those of its twin."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = twin(*tensors[:-1], tensors[-1][:, None]) if curved else twin(*tensors)
    found = function(*arrays)
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-10, atol=1e-13)
    grads = np.random.default_rng(9).standard_normal(found.shape)
    expected.backward(torch.tensor(grads))
    for by, tensor in zip(backward(*arrays, grads), tensors, strict=True):
        assert tensor.grad is not None
        other = tensor.grad.numpy()
        scale = max(1.0, np.abs(other).max(initial=0))
        np.testing.assert_allclose(by, other, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("d", D)
@pytest.mark.parametrize("length", [1e-6, 0.01, 0.05, 1.0, 30.0])
def test_exp_0_and_its_gradients(d: int, length: float) -> None:
    """From almost 0, where a series takes over, to the border, where points are held back."""
    v, c = points(50, d, seed=d)
    check(ball.exp_0, ball.exp_0_backward, twins.exp_0, length * v, c)


@pytest.mark.parametrize("d", D)
def test_mobius_add_and_its_gradients(d: int) -> None:
    (x, c), (y, _) = points(50, d, seed=1), points(50, d, seed=2)
    y *= np.sqrt(points(50, d, seed=2)[1] / c)[:, None]
    check(ball.mobius_add, ball.mobius_add_backward, twins.mobius_add, x, y, c)


def test_mobius_add_holds_points_back() -> None:
    rng = np.random.default_rng(0)
    c = np.exp(rng.normal(size=50))
    x = rng.standard_normal((50, 3))
    x *= (0.9999 / np.linalg.norm(x, axis=1) / np.sqrt(c))[:, None]
    y = x * rng.uniform(0.9, 1.0, (50, 1))
    total = ball.mobius_add(x, y, c)
    np.testing.assert_allclose(np.sqrt(c) * np.linalg.norm(total, axis=1), 1 - 1e-5)
    check(ball.mobius_add, ball.mobius_add_backward, twins.mobius_add, x, y, c, tolerance=1e-7)


@pytest.mark.parametrize("d", D)
@pytest.mark.parametrize("name", ["rotate", "reflect"])
def test_turns_and_their_gradients(name: str, d: int) -> None:
    rng = np.random.default_rng(d)
    x, planes = rng.standard_normal((50, d)), rng.uniform(-1, 1, (50, d // 2 * 2))
    function, backward = getattr(ball, name), getattr(ball, f"{name}_backward")
    check(function, backward, getattr(twins, name), x, planes, curved=False)


def test_zeros_stay_finite() -> None:
    zeros, c, grads = np.zeros((3, 4)), np.ones(3), np.ones((3, 4))
    for results in (
        ball.exp_0_backward(zeros, c, grads),
        ball.mobius_add_backward(zeros, zeros, c, grads),
        ball.rotate_backward(grads, zeros, grads),
    ):
        assert all(np.isfinite(result).all() for result in results)
    np.testing.assert_array_equal(ball.rotate(grads, zeros), grads)
