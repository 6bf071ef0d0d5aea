from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphembed.knowledge import ball
from graphembed.testing import isometries as twins


def points(n: int, d: int, seed: int, reach: float = 0.9) -> tuple[Any, Any]:
    """Points all over balls of all sizes, and the curvatures."""
    rng = np.random.default_rng(seed)
    c = np.exp(rng.normal(size=n))
    x = rng.standard_normal((n, d))
    x *= (reach * rng.random(n) / np.linalg.norm(x, axis=1) / np.sqrt(c))[:, None]
    return x, c


@given(st.integers(0, 10**6), st.integers(1, 8))
def test_translations_are_isometries(seed: int, d: int) -> None:
    """0 is neutral, -x undoes x, and distances between translated points stay."""
    (x, c), (y, other) = points(4, d, seed), points(4, d, seed + 1)
    z, third = points(4, d, seed + 2)
    y, z = (p * np.sqrt(k / c)[:, None] for p, k in ((y, other), (z, third)))
    np.testing.assert_array_equal(ball.mobius_add(0 * x, y, c), y)
    np.testing.assert_allclose(ball.mobius_add(-x, ball.mobius_add(x, y, c), c), y, atol=1e-9)

    def distance(a: Any, b: Any) -> Any:
        return twins.distance(*(torch.tensor(e) for e in (a, b, c[:, None]))).numpy()

    moved = (ball.mobius_add(x, p, c) for p in (y, z))
    np.testing.assert_allclose(distance(*moved), distance(y, z), atol=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 9))
def test_a_reflection_undoes_itself_and_a_rotation_keeps_lengths(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x, planes = rng.standard_normal((4, d)), rng.standard_normal((4, d // 2 * 2))
    np.testing.assert_allclose(ball.reflect(ball.reflect(x, planes), planes), x, atol=1e-12)
    for turn in (ball.rotate, ball.reflect):
        lengths = np.linalg.norm(turn(x, planes), axis=1)
        np.testing.assert_allclose(lengths, np.linalg.norm(x, axis=1))
