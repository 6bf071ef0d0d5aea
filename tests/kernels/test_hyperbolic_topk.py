import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphembed import geometry
from graphembed.kernels import hyperbolic_topk, topk
from graphembed.testing import reference


def points(kind, n=300, d=4, radius=8.0, seed=0):
    """Return rows in one of the geometries, some coincident, along a ray, and at the origin."""
    rng = np.random.default_rng(seed)
    tangents = rng.standard_normal((n, d))
    tangents *= radius * rng.random((n, 1)) / np.linalg.norm(tangents, axis=1, keepdims=True)
    tangents[n // 2 : n // 2 + 9] = tangents[3]
    tangents[20:30] = tangents[2] * np.linspace(0, 1, 10)[:, None]
    return geometry.export(geometry.from_tangent(tangents), kind)


def kernel_scores(matrix, left, right, kind):
    norms, out = reference.row_norms(matrix), np.full(len(left), np.nan, dtype=np.float32)
    code = hyperbolic_topk.GEOMETRIES[kind]
    for start, stop in [(0, len(left) // 3), (len(left) // 3, len(left))]:
        hyperbolic_topk.pair_scores(matrix, norms, left, right, code, out, start, stop)
    return out


def search(base, queries, k, kind, exclude, room=1e-13, block=64):
    code = hyperbolic_topk.GEOMETRIES[kind]
    norms, query_norms = reference.row_norms(base), reference.row_norms(queries)
    left, right = (np.empty((len(rows), base.shape[1] + 1)) for rows in (queries, base))
    hyperbolic_topk.lift(queries, query_norms, code, 1.0 - room, left)
    hyperbolic_topk.lift(base, norms, code, 1.0, right)
    left[:, :-1] *= -1
    rows = np.empty((len(queries), k), dtype=np.int64)
    scores, sizes = np.empty(rows.shape, dtype=np.float32), np.zeros(len(rows), dtype=np.int64)
    for start in range(0, len(base), block):
        bounds = left @ right[start : start + block].T
        hyperbolic_topk.update_topk(
            bounds, bounds.shape[1], start, queries, query_norms, base, norms, exclude, code,
            scores, rows, sizes,
        )  # fmt: skip
    topk.sort_topk(scores, rows, sizes)
    return rows, scores


@pytest.mark.parametrize("kind", ["poincare", "lorentz"])
def test_scores_agree_with_the_reference(kind):
    matrix = points(kind, radius=12.0)
    left, right = np.random.default_rng(1).integers(0, len(matrix), size=(2, 2000))
    left[:10], right[:10] = np.arange(20, 30), np.arange(29, 19, -1)
    found = kernel_scores(matrix, left, right, kind)
    assert_allclose(found, reference.vector_scores(matrix[left], matrix[right], kind), rtol=1e-6)
    assert_array_equal(found, kernel_scores(matrix, right, left, kind))
    same = np.arange(len(matrix))
    assert_array_equal(kernel_scores(matrix, same, same, kind), np.zeros(len(matrix)))


@pytest.mark.parametrize("kind", ["poincare", "lorentz"])
@pytest.mark.parametrize("radius", [2.0, 14.0, 30.0])
def test_topk_is_that_of_all_scores(kind, radius):
    """Whatever the bounds rule out: near the origin nearly all, far out nothing."""
    base = points(kind, radius=radius, seed=int(radius))
    picked = np.array([3, 2, 22, 25, 157, 299])
    exclude = picked.copy()
    exclude[-1] = -1
    rows, scores = search(base, base[picked], 40, kind, exclude)
    for number, node in enumerate(picked):
        everything = np.arange(len(base))
        expected = kernel_scores(base, np.full(len(base), node), everything, kind)
        order = np.lexsort((everything, -expected))
        order = order[order != exclude[number]][:40]
        assert_array_equal(rows[number], order)
        assert_array_equal(scores[number], expected[order])


def test_bounds_rule_rows_out_and_what_is_no_bound_does_not():
    base = points("lorentz", radius=3.0)
    norms, scored = (
        reference.row_norms(base),
        kernel_scores(base, *np.indices((1, 300))[:, 0], "lorentz"),
    )
    for bound, seen in [(1e300, [0, 1, 5, 6]), (np.inf, range(300)), (np.nan, range(300))]:
        rows, scores = np.empty((1, 2), dtype=np.int64), np.empty((1, 2), dtype=np.float32)
        bounds = np.full((1, 300), bound)
        bounds[0, [0, 1, 5, 6]] = 0.0
        hyperbolic_topk.update_topk(
            bounds, 300, 0, base[:1], norms[:1], base, norms, np.full(1, -1),
            hyperbolic_topk.LORENTZ, scores, rows, np.zeros(1, dtype=np.int64),
        )  # fmt: skip
        assert set(rows[0]) == set(sorted(seen, key=lambda row: -scored[row])[:2])


def test_lift_is_the_hyperboloid():
    ball, spatial = points("poincare"), points("lorentz")
    expected = np.roll(geometry.to_hyperboloid(spatial), -1, axis=1)
    for kind, rows in (("poincare", ball), ("lorentz", spatial)):
        out = np.empty((len(rows), 5))
        norms = reference.row_norms(rows)
        hyperbolic_topk.lift(rows, norms, hyperbolic_topk.GEOMETRIES[kind], 1.0, out)
        assert_allclose(out, expected, rtol=1e-9, atol=1e-12)
        assert_array_equal(out[:, -1] * -0.5, _lifted_times(rows, norms, kind))


def _lifted_times(rows, norms, kind):
    out = np.empty((len(rows), 5))
    hyperbolic_topk.lift(rows, norms, hyperbolic_topk.GEOMETRIES[kind], -0.5, out)
    return out[:, -1]
