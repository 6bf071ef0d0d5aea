import numpy as np
import pytest

from graphembed.hyperbolic.directions import MOST_REPELLED, least_angle, reflect, spread_directions


@pytest.mark.parametrize(
    ("n_directions", "n_components", "angle"),
    [
        (1, 1, 180.0),
        (2, 1, 180.0),
        (5, 2, 72.0),
        (2, 3, 180.0),
        (3, 4, 120.0),
        (4, 3, 109.47),  # a simplex
        (6, 3, 90.0),
        (9, 5, 90.0),
        (12, 3, 62.0),  # the icosahedron has 63.43
        (24, 4, 55.0),  # 60 is the best
        (100, 10, 60.0),
        (MOST_REPELLED + 1, 3, 0.0),
    ],
)
def test_directions_are_spread(n_directions: int, n_components: int, angle: float) -> None:
    points = spread_directions(n_directions, n_components)
    assert points.shape == (n_directions, n_components)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)
    np.testing.assert_allclose(points[0], np.eye(n_components)[0], atol=1e-12)
    found = np.degrees(least_angle(n_directions, n_components))
    assert found >= angle - 0.01
    if n_directions > 1:
        products = points @ points.T - 3 * np.eye(n_directions)
        brute = np.degrees(np.arccos(np.clip(products.max(), -1, 1)))
        assert found == pytest.approx(brute, abs=1e-5)


def test_a_line_has_two_directions() -> None:
    assert spread_directions(3, 1).ravel().tolist() == [1.0, -1.0, 1.0]
    assert least_angle(3, 1) == 0.0


def test_reflections_are_isometries() -> None:
    rng = np.random.default_rng(0)
    points, ends = rng.standard_normal((5, 3)), rng.standard_normal((4, 3))
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    axis = np.eye(3)[0]
    turned = reflect(np.broadcast_to(points, (4, 5, 3)), axis, ends)
    np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1),
                               np.broadcast_to(points @ points.T, (4, 5, 5)))  # fmt: skip
    np.testing.assert_allclose(reflect(axis[None], axis, ends[0])[0], ends[0])
    np.testing.assert_array_equal(reflect(points, axis, axis), points)
