import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from threadpoolctl import ThreadpoolController

from graphembed.neighbors import exact_neighbors, row_norms
from graphembed.testing import reference

GEOMETRIES = ["cosine", "dot", "euclidean"]


@pytest.fixture(scope="module")
def base():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((5000, 20)).astype(np.float32)
    base[2040:2060] = base[7]
    base[4999] = 0
    return base


def _blas_threads():
    controller = ThreadpoolController().select(user_api="blas")
    return [library.num_threads for library in controller.lib_controllers]


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_agrees_with_brute_force_across_blocks(base, geometry):
    picked = np.r_[0:40, 2040:2045, 4999]
    rows, scores = exact_neighbors(base, base[picked], 30, geometry=geometry, exclude=picked)
    expected_rows, expected_scores = reference.exact_topk(
        base, base[picked], 30, geometry, exclude=picked
    )
    assert_array_equal(rows, expected_rows)
    assert_array_equal(scores, expected_scores)
    assert scores.dtype == np.float32


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_same_bits_for_every_n_jobs_and_grouping_of_queries(base, geometry):
    queries = base[:600]
    rows, scores = exact_neighbors(base, queries, 10, geometry=geometry, n_jobs=1)
    for n_jobs in (2, 3, None, -1):
        again = exact_neighbors(base, queries, 10, geometry=geometry, n_jobs=n_jobs)
        assert_array_equal(again[0], rows)
        assert_array_equal(again[1], scores)
    alone = exact_neighbors(base, queries[333:334], 10, geometry=geometry)
    assert_array_equal(alone[0][0], rows[333])
    assert_array_equal(alone[1][0], scores[333])


@given(
    st.sampled_from(GEOMETRIES),
    st.integers(1, 30),
    st.integers(1, 5),
    st.integers(0, 4),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
)
def test_agrees_with_brute_force_on_small_integers(geometry, n_rows, width, n_queries, k, seed):
    rng = np.random.default_rng(seed)
    base = rng.integers(-2, 3, size=(n_rows, width)).astype(np.float32)
    queries = rng.integers(-2, 3, size=(n_queries, width)).astype(np.float32)
    rows, scores = exact_neighbors(base, queries, k, geometry=geometry)
    assert rows.shape == scores.shape == (n_queries, min(k, n_rows))
    if n_queries:
        expected_rows, expected_scores = reference.exact_topk(base, queries, k, geometry)
        assert_array_equal(rows, expected_rows)
        assert_array_equal(scores, expected_scores)


def test_float64_and_read_only_and_strided_input(base):
    wide = np.zeros((5000, 40))
    wide[:, ::2] = base
    strided = wide[:, ::2]
    strided.flags.writeable = False
    rows, scores = exact_neighbors(strided, strided[:9], 5)
    expected = exact_neighbors(base, base[:9], 5)
    assert_array_equal(rows, expected[0])
    assert_array_equal(scores, expected[1])


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_numbers_beyond_float32(geometry):
    base = np.random.default_rng(0).standard_normal((50, 3)) * 1e60
    rows, _ = exact_neighbors(base, base[:5], 3, geometry="cosine")
    assert_array_equal(rows, exact_neighbors(base / 1e60, base[:5], 3)[0])
    exact_neighbors(base, base[:5], 3, geometry=geometry)


def test_known_neighbours():
    base = np.array([[0.0], [1.0], [3.0], [-1.0]])
    rows, scores = exact_neighbors(base, base, 2, geometry="euclidean", exclude=np.arange(4))
    assert_array_equal(rows, [[1, 3], [0, 2], [1, 0], [0, 1]])
    assert_array_equal(scores, np.array([[-1, -1], [-1, -2], [-2, -3], [-1, -2]], dtype="f4"))


def test_cosine_with_a_zero_vector_is_zero():
    base = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    rows, scores = exact_neighbors(base, base[:2], 3)
    assert_array_equal(rows, [[0, 1, 2], [1, 0, 2]])
    assert_array_equal(scores, np.array([[0, 0, 0], [1, 0, -1]], dtype="f4"))


def test_k_is_cut_to_what_there_is():
    base = np.eye(3, dtype=np.float32)
    assert exact_neighbors(base, base, 99)[0].shape == (3, 3)
    assert exact_neighbors(base, base, 99, exclude=np.arange(3))[0].shape == (3, 2)
    assert exact_neighbors(base[:1], base[:1], 1, exclude=np.array([0]))[0].shape == (1, 0)
    assert exact_neighbors(base, base[:0], 2)[0].shape == (0, 2)
    assert exact_neighbors(base[:0], base, 2)[0].shape == (3, 0)


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
def test_k_must_be_a_positive_int(k):
    with pytest.raises(ValueError, match="k must be an int of at least 1"):
        exact_neighbors(np.eye(3), np.eye(3), k)


def test_clear_errors():
    with pytest.raises(ValueError, match=r"Unknown geometry 'hamming' \(known: cosine, dot"):
        exact_neighbors(np.eye(3), np.eye(3), 1, geometry="hamming")
    with pytest.raises(ValueError, match=r"shape \(n_queries, 3\).*got \(2, 2\)"):
        exact_neighbors(np.eye(3), np.eye(2), 1)


def test_row_norms_do_not_depend_on_n_jobs(base):
    wide = np.tile(base, (8, 1))
    norms = row_norms(wide, n_jobs=1)
    assert_array_equal(row_norms(wide, n_jobs=3), norms)
    np.testing.assert_allclose(norms, np.linalg.norm(wide.astype(np.float64), axis=1), rtol=1e-12)


def test_threads_of_blas_are_restored_after_searches_that_overlap(base):
    before = _blas_threads()
    results = []

    def search():
        results.append(exact_neighbors(base, base[:300], 5, n_jobs=2))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _blas_threads() == before
    for rows, scores in results:
        assert_array_equal(rows, results[0][0])
        assert_array_equal(scores, results[0][1])
