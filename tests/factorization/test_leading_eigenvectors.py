import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh

from graphembed.datasets.synthetic import rmat
from graphembed.factorization.leading_eigenvectors import leading_eigenvectors
from graphembed.factorization.operators import SparseOperator


def normalized(scale: int) -> sp.csr_array:
    adjacency = rmat(scale, 8, random_state=0).adjacency.astype(float)
    factors = sp.diags_array(1 / np.sqrt(np.maximum(adjacency.sum(axis=1), 1)))
    return sp.csr_array(factors @ adjacency @ factors)


def test_against_arpack() -> None:
    """Restarts and all: values, residuals, and the angle to the exact space."""
    matrix = normalized(10)
    found = leading_eigenvectors(
        SparseOperator.from_scipy(matrix, symmetric=True), 12, tol=1e-5, seed=1
    )
    values, vectors = eigsh(matrix, 13, which="LA")
    np.testing.assert_allclose(found.values, values[::-1][:12], atol=1e-5)
    cosines = np.linalg.svd(found.vectors.T @ vectors[:, 1:], compute_uv=False)
    gap = values[1] - values[0]
    assert np.sin(np.arccos(min(1.0, cosines.min()))) < max(2e-3, 1e-4 / gap)
    residuals = matrix @ found.vectors - found.vectors * found.values
    np.testing.assert_allclose(np.linalg.norm(residuals, axis=0), 0, atol=5e-5)
    assert (found.residuals <= 1e-5).all()
    assert (found.vectors.max(axis=0) >= -found.vectors.min(axis=0)).all()
    assert found.n_products > 12


@pytest.mark.parametrize("n_components", [2, 24, 30])
def test_small_matrices_are_solved_exactly(n_components: int) -> None:
    """More columns than rows, and eigenvalues that come many times."""
    matrix = np.kron(np.eye(2), np.ones((12, 12)) - np.eye(12))
    operator = SparseOperator.from_scipy(sp.csr_array(matrix), symmetric=True)
    found = leading_eigenvectors(operator, n_components)
    expected = np.pad(np.sort(np.linalg.eigvalsh(matrix))[::-1], (0, 10))[:n_components]
    np.testing.assert_allclose(found.values, expected, atol=1e-4)
    assert found.vectors.shape == (24, n_components)
    norms = np.linalg.norm(found.vectors[:, :24], axis=0)
    np.testing.assert_allclose(norms, 1, atol=1e-5)


def test_no_entries() -> None:
    operator = SparseOperator.from_scipy(sp.csr_array((500, 500)), symmetric=True)
    found = leading_eigenvectors(operator, 3)
    assert not found.values.any()
    assert np.isfinite(found.vectors).all()


def test_eigenvalues_that_come_more_often_than_a_block_is_wide() -> None:
    matrix = sp.diags_array(np.repeat([2.0, 1.0], [50, 350]))
    found = leading_eigenvectors(SparseOperator.from_scipy(matrix, symmetric=True), 60)
    np.testing.assert_allclose(found.values, np.repeat([2.0, 1.0], [50, 10]), atol=1e-4)


def test_seed_and_threads() -> None:
    operator = SparseOperator.from_scipy(normalized(11), symmetric=True)
    first = leading_eigenvectors(operator, 5, seed=3, n_jobs=1)
    np.testing.assert_array_equal(first.vectors, leading_eigenvectors(operator, 5, seed=3).vectors)
    other = leading_eigenvectors(operator, 5, seed=4)
    assert not np.array_equal(first.vectors, other.vectors)
    np.testing.assert_allclose(first.values, other.values, atol=1e-3)


def test_what_is_found_when_restarts_run_out() -> None:
    operator = SparseOperator.from_scipy(normalized(11), symmetric=True)
    found = leading_eigenvectors(operator, 40, tol=1e-7, max_restarts=1)
    assert found.residuals.max() > 1e-7
    assert np.isfinite(found.vectors).all()


@settings(max_examples=15)
@given(st.integers(1, 220), st.integers(1, 30), st.sampled_from([0.01, 0.3]), st.integers(0, 99))
def test_any_size(n: int, n_components: int, density: float, seed: int) -> None:
    """Whether the space of all restarts is smaller than the whole, as large, or nearly so."""
    half = sp.random_array((n, n), density=density, rng=seed)
    dense = (half + half.T).toarray()
    operator = SparseOperator.from_scipy(sp.csr_array(dense), symmetric=True)
    counted: list[int] = []
    found = leading_eigenvectors(operator, n_components, n_jobs=1, on_done=counted.append)
    expected = np.pad(np.sort(np.linalg.eigvalsh(dense))[::-1], (0, 40))[:n_components]
    np.testing.assert_allclose(found.values, expected, atol=2e-3 * np.abs(dense).max(initial=1))
    assert sum(counted) == found.n_products


def test_vectors_stay_orthogonal_over_many_restarts() -> None:
    """Eigenvalues that lie densely: what one restart gets wrong the next ones must not multiply."""
    matrix = sp.diags_array(np.arange(1000, 0, -1.0))
    operator = SparseOperator.from_scipy(matrix, symmetric=True)
    found = leading_eigenvectors(operator, 40, tol=1e-7, max_restarts=25, n_jobs=1)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(40), atol=2e-5)
    np.testing.assert_allclose(found.values, 1000 - np.arange(40), rtol=1e-5)
