import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from graphembed.geometry import distances, from_ball, radius, to_ball
from graphembed.plot.geodesics import geodesics, moved_to_origin

POINTS = arrays(np.float64, (4, 2), elements=st.floats(-30, 30, allow_subnormal=False))


@settings(max_examples=60)
@given(POINTS, POINTS)
def test_paths_are_shortest(X, Y):
    """Their pieces add up to the distance of the ends."""
    paths = from_ball(geodesics(X, Y, 9))
    assert_allclose(paths[:, 0], X, rtol=1e-9, atol=1e-12)
    assert_allclose(paths[:, -1], Y, rtol=1e-9, atol=1e-12)
    pieces = distances(paths[:, :-1], paths[:, 1:]).sum(axis=1)
    assert_allclose(pieces, distances(X, Y), rtol=1e-6, atol=1e-6)


def test_paths_between_points_on_the_rim_are_smooth():
    """Circles that meet the rim at right angles, without long straight pieces."""
    angles = np.linspace(0.2, np.pi, 9)
    rim = np.sinh(18.0)
    X = np.tile([rim, 0.0], (9, 1))
    Y = rim * np.column_stack([np.cos(angles), np.sin(angles)])
    paths = geodesics(X, Y)
    assert np.isfinite(paths).all()
    gaps = np.linalg.norm(np.diff(paths, axis=1), axis=2)
    assert (gaps.max(axis=1) < 3 * gaps.sum(axis=1) / gaps.shape[1]).all()
    for path, angle in zip(paths[:-1], angles, strict=False):
        center = np.array([np.cos(angle / 2), np.sin(angle / 2)]) / np.cos(angle / 2)
        lengths = np.linalg.norm(path - center, axis=1)
        assert_allclose(lengths, np.tan(angle / 2), rtol=1e-6)


def test_ends_in_one_place():
    point = np.array([[3.0, 4.0]])
    assert_allclose(geodesics(point, point), np.tile(to_ball(point), (1, 30, 1)))


@settings(max_examples=60)
@given(POINTS)
def test_a_translation_keeps_distances(X):
    moved = moved_to_origin(X, X[2])
    assert radius(moved[2]) == pytest.approx(0, abs=1e-6)
    found, wanted = (distances(one[:, None], one) for one in (moved, X))
    assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)
    assert_allclose(radius(moved), distances(X, X[2]), rtol=1e-5, atol=1e-4)
