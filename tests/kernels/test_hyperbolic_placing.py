import itertools

import numpy as np
import pytest

from graphembed import geometry
from graphembed.kernels.hyperbolic import DISTORTION, FERMI_DIRAC, SOFTMAX, TRIPLET
from graphembed.kernels.hyperbolic_placing import place_rows
from graphembed.testing import reference


def case(radius: float = 3.0):
    rng = np.random.default_rng(0)
    tangents = rng.standard_normal((30, 3))
    tangents *= radius * rng.random((30, 1)) / np.linalg.norm(tangents, axis=1, keepdims=True)
    tangents[0] = 0
    indptr = np.array([0, 3, 3, 7, 8, 9], dtype=np.int64)
    indices = np.array([1, 2, 5, 1, 2, 3, 8, 4, 0], dtype=np.int32)
    weights = rng.random(9).astype(np.float32) + np.float32(0.1)
    return geometry.from_tangent(tangents), indptr, indices, weights


def place(points, indptr, indices, weights, *, steps=50, loss=SOFTMAX, rate=0.1, first=0, last=5):
    keys, out = np.arange(11, 16, dtype=np.uint64), np.full((5, 3), np.nan)
    place_rows(
        points, indptr, indices, weights, keys, steps, 4, loss, 1.0, 1.0, rate, np.sinh(15.0),
        out, first, last,
    )  # fmt: skip
    return out


@pytest.mark.parametrize("n_steps", [0, 1, 25])
@pytest.mark.parametrize("radius", [3.0, 9.0])
def test_twins_agree(n_steps: int, radius: float) -> None:
    points, indptr, indices, weights = case(radius)
    rows = place(points, indptr, indices, weights, steps=n_steps)
    for i, (a, b) in enumerate(itertools.pairwise(indptr)):
        expected = reference.place_row(points, indices[a:b], weights[a:b], 11 + i, n_steps, 4, 0.1)
        assert geometry.distances(rows[i], expected) < 1e-4
    assert not rows[1].any()


def test_rows_do_not_depend_on_each_other() -> None:
    problem = case()
    rows = place(*problem)
    parts = [place(*problem, first=a, last=b) for a, b in [(0, 2), (2, 5)]]
    np.testing.assert_array_equal(np.vstack([parts[0][:2], parts[1][2:]]), rows)


@pytest.mark.parametrize("loss", [SOFTMAX, FERMI_DIRAC, TRIPLET, DISTORTION])
def test_a_new_node_lies_near_its_neighbours(loss: int) -> None:
    points, *_ = case(6.0)
    away = geometry.distance_matrix(points)
    own = np.sort(np.argsort(away, axis=1)[7:12, :4], axis=1).astype(np.int32)
    rows = place(points, np.arange(0, 21, 4), own.ravel(), np.ones(20, dtype=np.float32), loss=loss)
    away = geometry.distance_matrix(rows, points)
    near = np.take_along_axis(away, own.astype(np.int64), axis=1).mean(axis=1)
    assert np.all(near < 0.8 * away.mean(axis=1))


def test_every_fitted_node_a_neighbour_and_large_rates() -> None:
    points, *_ = case()
    indptr, indices = np.array([0, 30, 30, 30, 30, 30]), np.arange(30, dtype=np.int32)
    rows = place(points, indptr, indices, np.full(30, 1e30, dtype=np.float32), rate=10.0)
    assert np.isfinite(rows).all()
