import numpy as np
import pytest
import scipy.sparse as sp

from graphembed.kernels.svd import normalize_rows, row_sums, scaled_spmm
from graphembed.testing import reference


def a_matrix(weighted: bool) -> tuple[sp.csr_array, np.ndarray | None]:
    rng = np.random.default_rng(0)
    matrix = sp.random_array((30, 20), density=0.2, rng=rng, format="csr", dtype=np.float32)
    if not weighted:
        matrix.data[:] = 1
    matrix.sort_indices()
    return matrix, matrix.data if weighted else None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("d", [3, 40])
def test_scaled_spmm_is_its_formula(weighted: bool, plain: bool, d: int) -> None:
    matrix, weights = a_matrix(weighted)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, d)).astype(np.float32)
    scale = None if plain else rng.random(30).astype(np.float32)
    shift = None if plain else rng.normal(size=d).astype(np.float32)
    out = np.full((30, d), 7, dtype=np.float32)
    indptr = matrix.indptr.astype(np.int64)
    scaled_spmm(indptr, matrix.indices, weights, scale, shift, X, out, 2, 30)
    expected = reference.scaled_spmm(matrix.toarray(), scale, shift, X)
    np.testing.assert_allclose(out[2:], expected[2:], rtol=1e-5, atol=1e-6)
    assert (out[:2] == 7).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_row_sums(weighted: bool) -> None:
    matrix, weights = a_matrix(weighted)
    out = np.full(30, -1.0)
    row_sums(matrix.indptr.astype(np.int64), weights, out, 0, 29)
    np.testing.assert_allclose(out[:29], matrix.toarray().astype(float).sum(axis=1)[:29])
    assert out[29] == -1


def test_normalize_rows() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32) * np.float32(1e-25)
    rows[3] = 0
    expected = rows.astype(float)
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    expected = expected / np.where(norms > 0, norms, 1)
    normalize_rows(rows, 0, 5)
    np.testing.assert_allclose(rows, expected, rtol=1e-5)
