import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed import geometry
from graphembed.neighbors import exact_neighbors, hyperbolic
from graphembed.testing import reference

KINDS = ("lorentz", "poincare")


def points(kind, radius):
    rng = np.random.default_rng(0)
    tangents = rng.standard_normal((2500, 5))
    tangents *= radius * rng.random((2500, 1)) / np.linalg.norm(tangents, axis=1, keepdims=True)
    tangents[1020:1030] = tangents[7]
    return geometry.export(geometry.from_tangent(tangents), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("radius", [6.0, 13.0])
def test_agrees_with_brute_force_across_blocks(kind, radius):
    assert hyperbolic.BASE_BLOCK < 2500
    base = points(kind, radius)
    picked = np.r_[0:5, 1020:1023, 2499]
    rows, scores = exact_neighbors(base, base[picked], 30, geometry=kind, exclude=picked)
    assert scores.dtype == np.float32
    expected = geometry.distance_matrix(
        geometry.parse(base[picked], kind), points("lorentz", radius)
    )
    expected[np.arange(len(picked)), picked] = np.inf
    nearest = np.sort(expected, axis=1)[:, :30]
    np.testing.assert_allclose(-scores, nearest, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(-scores, np.take_along_axis(expected, rows, 1), rtol=1e-5, atol=1e-5)
    assert_array_equal(rows[5, :9], [7, *range(1021, 1029)])


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits_for_every_n_jobs_and_grouping_of_queries(kind):
    base = points(kind, 6.0)
    rows, scores = exact_neighbors(base, base[:300], 10, geometry=kind, n_jobs=1)
    for n_jobs in (2, 3):
        again = exact_neighbors(base, base[:300], 10, geometry=kind, n_jobs=n_jobs)
        assert_array_equal(again[0], rows)
        assert_array_equal(again[1], scores)
    alone = exact_neighbors(base, base[133:134], 10, geometry=kind)
    assert_array_equal(alone[0][0], rows[133])
    assert_array_equal(alone[1][0], scores[133])


def test_float32_rows():
    base = points("poincare", 4.0).astype(np.float32)
    rows, scores = exact_neighbors(base, base[:3], 5, geometry="poincare")
    expected = [reference.vector_scores(np.tile(base[i], (5, 1)), base[rows[i]], "poincare")
                for i in range(3)]  # fmt: skip
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
