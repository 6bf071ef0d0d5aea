import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed import geometry
from graphembed.exceptions import GraphError

coordinates = st.floats(-1e3, 1e3).map(lambda value: np.sinh(value / 1e3 * 20))
rows = st.lists(st.lists(coordinates, min_size=3, max_size=3), min_size=2, max_size=2)


def exact_time(x: np.ndarray) -> mp.mpf:
    return mp.sqrt(1 + mp.fsum(mp.mpf(float(value)) ** 2 for value in x))


def exact_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Return the distance of two rows of float64, computed with 60 digits."""
    with mp.workdps(60):
        product = mp.fsum(mp.mpf(float(a)) * mp.mpf(float(b)) for a, b in zip(x, y, strict=True))
        return float(mp.acosh(exact_time(x) * exact_time(y) - product))


def pairs(r: float, n: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs at radius r, half of them near each other: along it, across it, and askew."""
    rng = np.random.default_rng(int(r))
    u, v = np.linalg.qr(rng.normal(size=(n, 6, 2)))[0].transpose(2, 0, 1)
    angle = np.resize([0.0, 1.0, 0.7, 1e3], n)[:, None] / np.sinh(max(r, 1))
    other = np.maximum(r + np.resize([1.0, 0.0, -0.5, 1e-3, 2.0], n), 0)[:, None]
    return np.sinh(r) * u, np.sinh(other) * (np.cos(angle) * u + np.sin(angle) * v)


@pytest.mark.parametrize("r", [0, 1e-6, 1, 5, 10, 15, 20, 25])
def test_distances_are_exact(r: float) -> None:
    """Up to what a relative 1e-16 in the coordinates amounts to in hyperbolic distance."""
    x, y = pairs(r)
    expected = [exact_distance(*pair) for pair in zip(x, y, strict=True)]
    tolerance = 1e-15 * np.cosh(r + 2) + 1e-14
    np.testing.assert_allclose(geometry.distances(x, y), expected, rtol=1e-14, atol=tolerance)


@pytest.mark.parametrize("r", [10, 20, 25])
def test_along_a_radius_distances_are_differences(r: float) -> None:
    """Where cosh d - 1 as a difference of two squares would have lost all its digits."""
    x = np.zeros((3, 4))
    x[:, 1] = np.sinh([r, r + 0.5, r + 2])
    np.testing.assert_allclose(geometry.distance_matrix(x)[0], [0, 0.5, 2], rtol=1e-13)


def test_far_apart() -> None:
    """Opposite points, of like and of very different radii."""
    x = np.sinh([[25.0, 0.0], [25.0, 0.0], [0.0, 20.0]])
    y = np.sinh([[-25.0, 0.0], [-1e-3, 0.0], [0.0, -1.0]])
    np.testing.assert_allclose(geometry.distances(x, y), [50, 25.001, 21], rtol=1e-14)


@given(rows)
def test_distances_are_symmetric_and_finite(pair: list[list[float]]) -> None:
    x, y = np.array(pair)
    found = geometry.distances(x, y)
    assert found == geometry.distances(y, x)
    assert geometry.distances(x, x) == 0
    radii = geometry.radius(pair)
    assert abs(radii[0] - radii[1]) * (1 - 1e-12) <= found <= radii.sum() * (1 + 1e-12)


def test_distance_matrix_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    whole = geometry.distance_matrix(x, y)
    assert whole.shape == (7, 5)
    monkeypatch.setattr("graphembed.geometry.lorentz._BLOCK_NUMBERS", 30)
    np.testing.assert_array_equal(geometry.distance_matrix(x, y), whole)
    assert whole[2, 3] == geometry.distances(x[2], y[3])
    assert geometry.distance_matrix(x[:0], y).shape == (0, 5)


def test_radius_and_time() -> None:
    x = np.sinh([[0.0], [1e-9], [3.0], [25.0]])
    np.testing.assert_allclose(geometry.radius(x), [0, 1e-9, 3, 25], rtol=1e-15)
    np.testing.assert_allclose(geometry.time(x), np.cosh([0, 1e-9, 3, 25]), rtol=1e-15)


@pytest.mark.parametrize("r", [0.1, 5, 15, 25])
def test_centroid_of_two_is_the_midpoint(r: float) -> None:
    x, y = (points[0] for points in pairs(r))
    middle = geometry.centroid([x, y])
    found = geometry.distances(middle, [x, y])
    np.testing.assert_allclose(found, exact_distance(x, y) / 2, rtol=1e-9, atol=1e-16 * np.cosh(r))


def test_centroid_minimises() -> None:
    rng = np.random.default_rng(1)
    x, weights = rng.normal(size=(6, 3)) * 3, rng.random(6)
    middle = geometry.centroid(x, weights)

    def cost(point: np.ndarray) -> float:
        return float(weights @ np.cosh(geometry.distances(point, x)))

    moved = middle + rng.normal(size=(50, 3)) * 1e-3
    assert cost(middle) < min(map(cost, moved))
    np.testing.assert_allclose(geometry.centroid(x, weights * 1e200), middle, rtol=1e-12)
    np.testing.assert_allclose(geometry.centroid(x[:1]), x[0], rtol=1e-14)
    np.testing.assert_allclose(geometry.centroid([[2.0], [-2.0]]), [0.0])


def test_centroid_refuses() -> None:
    for weights in ([0.0, 0.0], [1.0, -1.0], [1.0, np.nan], [1.0]):
        with pytest.raises(GraphError, match="weights"):
            geometry.centroid(np.ones((2, 3)), weights)
    with pytest.raises(GraphError, match="centroid"):
        geometry.centroid(np.ones(3))


def test_hyperboloid() -> None:
    x = np.random.default_rng(2).normal(size=(4, 2, 3)) * 1e5
    z = geometry.to_hyperboloid(x)
    assert z.shape == (4, 2, 4)
    np.testing.assert_array_equal(geometry.from_hyperboloid(z), x)
    z[1, 1, 0] *= -1
    with pytest.raises(GraphError, match="1 of 8 points"):
        geometry.from_hyperboloid(z)
    with pytest.raises(GraphError, match="Lorentz coordinates"):
        geometry.from_hyperboloid(np.empty((3, 0)))


def test_widths_must_agree() -> None:
    with pytest.raises(GraphError, match="equally many"):
        geometry.distances(np.ones((2, 3)), np.ones((2, 2)))
