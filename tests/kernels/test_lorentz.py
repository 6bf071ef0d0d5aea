"""Distances, gradients and steps in Lorentz coordinates, against 60 digits."""

from typing import Any

import mpmath
import numpy as np
import pytest

from graphembed.kernels import lorentz
from graphembed.testing import hyperbolic as twin


def beside(x: Any, distance: float, seed: int = 0) -> Any:
    """A point at a distance of another, in a random direction, computed with 60 digits."""
    with mpmath.workdps(60):
        rng = np.random.default_rng(seed)
        x = [mpmath.mpf(value) for value in x]
        tangent = [mpmath.mpf(value) for value in rng.standard_normal(len(x))]
        time = mpmath.sqrt(1 + sum(a * a for a in x))
        dot = sum(a * b for a, b in zip(x, tangent, strict=True))
        length = mpmath.sqrt(sum(b * b for b in tangent) - (dot / time) ** 2)
        c, s = mpmath.cosh(distance), mpmath.sinh(distance) / length
        return np.array([float(c * a + s * b) for a, b in zip(x, tangent, strict=True)])


def exact(x: Any, y: Any) -> tuple[Any, list[Any]]:
    """The distance of two points and its gradient, with 60 digits."""
    with mpmath.workdps(60):
        x, y = ([mpmath.mpf(value) for value in row] for row in (x, y))
        times = [mpmath.sqrt(1 + sum(a * a for a in row)) for row in (x, y)]
        cosh = times[0] * times[1] - sum(a * b for a, b in zip(x, y, strict=True))
        root = mpmath.sqrt(cosh**2 - 1)
        return mpmath.acosh(cosh), [(cosh * a - b) / root for a, b in zip(x, y, strict=True)]


@pytest.mark.parametrize("radius", [0.0, 1.0, 5.0, 10.0, 15.0, 20.0, 25.0])
@pytest.mark.parametrize("apart", [1e-3, 1.0, 8.0])
def test_distances_and_gradients_are_exact_at_all_radii(radius: float, apart: float) -> None:
    x = twin.points_at(radius, 1, 5)[0]
    y = beside(x, apart)
    distance, gradient = exact(x, y)
    digits = 1e-10 if radius <= 20 else 1e-4
    assert lorentz.distance(x, y) == pytest.approx(float(distance), rel=digits)
    found = np.zeros(5)
    lorentz.add_gradient(x, y, lorentz.delta(x, y), 1.0, found)
    scale = max(1.0, float(np.sinh(radius)))
    np.testing.assert_allclose(found / scale, np.array(gradient, dtype=float) / scale, atol=digits)


def test_a_step_along_the_gradient_changes_the_distance_by_its_length() -> None:
    x, y = twin.points_at(3.0, 2, 4)
    gradient = np.zeros(4)
    lorentz.add_gradient(x, y, lorentz.delta(x, y), 1.0, gradient)
    assert lorentz.tangent_square_norm(x, gradient) == pytest.approx(1.0)
    before = lorentz.distance(x, y)
    lorentz.step(x, gradient, 0.5)
    assert lorentz.distance(x, y) == pytest.approx(before - 0.5, abs=1e-9)
