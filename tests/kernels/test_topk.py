import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from graphembed.kernels import topk
from graphembed.testing import reference

GEOMETRIES = sorted(topk.GEOMETRIES)


def _topk(base, queries, k, geometry, exclude=None, block=7):
    """Run the kernel block by block, as a search does."""
    code = topk.GEOMETRIES[geometry]
    norms, query_norms = np.empty(len(base)), np.empty(len(queries))
    topk.row_norms(base, norms, 0, len(base))
    topk.row_norms(queries, query_norms, 0, len(queries))
    terms = topk.filter_terms(norms, base.shape[1], code)
    exclude = np.full(len(queries), -1) if exclude is None else exclude
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    sizes = np.zeros(len(queries), dtype=np.int64)
    for start in range(0, len(base), block):
        part = slice(start, start + block)
        with np.errstate(over="ignore", invalid="ignore"):
            products = queries.astype(np.float32) @ base[part].astype(np.float32).T
        topk.update_topk(
            products, start, *(term[part] for term in terms), queries, query_norms, base, norms,
            exclude, code, scores, rows, sizes,
        )  # fmt: skip
    topk.sort_topk(scores, rows, sizes)
    return rows, scores


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 6, 32])
def test_topk_agrees_with_the_reference(geometry, dtype, width):
    rng = np.random.default_rng(width)
    base = rng.standard_normal((300, width)).astype(dtype)
    base[[3, 90, 250]] = 0
    base[100:120] = base[5]
    base[140:160] = 2 * base[5]
    queries = np.vstack([base[[5, 3, 110, 8]], rng.standard_normal((9, width))]).astype(dtype)
    exclude = np.array([5, 3, 110, 8] + [-1] * 9)
    for k in (1, 10, 250):
        rows, scores = _topk(base, queries, k, geometry, exclude)
        expected_rows, expected_scores = reference.exact_topk(base, queries, k, geometry, exclude)
        assert_array_equal(rows, expected_rows)
        assert_array_equal(scores, expected_scores)


@given(
    st.sampled_from(GEOMETRIES),
    arrays(np.float32, (40, 3), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])),
    st.integers(1, 40),
)
def test_ties_are_broken_by_row_number(geometry, base, k):
    rows, scores = _topk(base, base[:4], k, geometry)
    expected_rows, expected_scores = reference.exact_topk(base, base[:4], k, geometry)
    assert_array_equal(rows, expected_rows)
    assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_products_that_overflow_or_cancel_do_not_hide_a_neighbour(geometry):
    rng = np.random.default_rng(0)
    base = rng.standard_normal((200, 4)) * 10.0 ** rng.integers(-60, 60, size=(200, 1))
    base[50:100] = 1e4 + 1e-7 * rng.standard_normal((50, 4))
    queries = base[::13].copy()
    rows, scores = _topk(base, queries, 5, geometry)
    with np.errstate(over="ignore"):
        expected_rows, expected_scores = reference.exact_topk(base, queries, 5, geometry)
    assert_array_equal(rows, expected_rows)
    assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_filter_bounds_every_key(geometry):
    rng = np.random.default_rng(1)
    base = rng.standard_normal((500, 64)).astype(np.float32)
    query = rng.standard_normal(64).astype(np.float32)
    norms = reference.row_norms(base)
    scale, shift, width = topk.filter_terms(norms, 64, topk.GEOMETRIES[geometry])
    bound = base @ query * scale + shift + np.float32(np.linalg.norm(query)) * width
    key = base.astype(np.float64) @ query.astype(np.float64)
    if geometry == "cosine":
        key /= norms
    elif geometry == "euclidean":
        key -= norms**2 / 2
    assert np.all(bound >= key)
    assert np.all(bound - key < 1e-3 * np.abs(key).max())


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_pair_scores_agree_with_the_reference(geometry):
    rng = np.random.default_rng(2)
    matrix = rng.standard_normal((50, 9)).astype(np.float32)
    matrix[7] = 0
    left, right = rng.integers(0, 50, size=(2, 400))
    out = np.full(400, np.nan, dtype=np.float32)
    norms = reference.row_norms(matrix)
    for start, stop in [(0, 150), (150, 400)]:
        topk.pair_scores(matrix, norms, left, right, topk.GEOMETRIES[geometry], out, start, stop)
    assert_array_equal(out, reference.vector_scores(matrix[left], matrix[right], geometry))


def test_row_norms_agree_with_the_reference():
    matrix = np.random.default_rng(3).standard_normal((30, 7)).astype(np.float32)
    out = np.full(30, np.nan)
    topk.row_norms(matrix, out, 0, 10)
    topk.row_norms(matrix, out, 10, 30)
    assert_array_equal(out, reference.row_norms(matrix))
