import numpy as np
import pytest
import scipy.sparse as sp

from graphembed.factorization.operators import SparseOperator
from graphembed.factorization.randomized_svd import randomized_svd


def decaying(shape: tuple[int, int]) -> np.ndarray:
    """Return a matrix with singular values 1, 1/2, 1/4, ..."""
    rng = np.random.default_rng(0)
    k = min(shape)
    left, right = (np.linalg.qr(rng.normal(size=(n, k)))[0] for n in shape)
    return left * 0.5 ** np.arange(k) @ right.T


@pytest.mark.parametrize("shape", [(70, 40), (40, 70)])
def test_against_lapack(shape: tuple[int, int]) -> None:
    dense = decaying(shape)
    found = randomized_svd(SparseOperator.from_scipy(sp.csr_array(dense)), 6, seed=1)
    U, s, Vt = np.linalg.svd(dense)
    np.testing.assert_allclose(found.s, s[:6], rtol=1e-4)
    for ours, exact in ((found.U, U), (found.V, Vt.T)):
        cosines = np.linalg.svd(ours.T @ exact[:, :6], compute_uv=False)
        np.testing.assert_allclose(cosines, 1, atol=1e-4)
    np.testing.assert_allclose(found.U * found.s @ found.V.T, dense, atol=1.2 * s[6])
    assert (found.U.max(axis=0) >= -found.U.min(axis=0)).all()


def test_rank_below_what_is_asked_for() -> None:
    matrix = sp.csr_array(np.outer(np.arange(5.0), np.ones(4)))
    for n_components in (3, 9):
        U, s, V = randomized_svd(SparseOperator.from_scipy(matrix), n_components)
        assert U.shape == (5, n_components)
        assert V.shape == (4, n_components)
        np.testing.assert_allclose(s[0] * np.outer(U[:, 0], V[:, 0]), matrix.toarray(), atol=1e-5)
        assert not s[1:].any()
        assert not U[:, 1:].any()
    nothing = randomized_svd(SparseOperator.from_scipy(sp.csr_array((5, 4))), 2)
    assert not nothing.s.any()


def test_seed_and_threads() -> None:
    operator = SparseOperator.from_scipy(sp.random_array((3000, 2000), density=0.01, rng=0))
    first = randomized_svd(operator, 8, seed=3, n_jobs=1)
    for here, there in zip(first, randomized_svd(operator, 8, seed=3, n_jobs=3), strict=True):
        np.testing.assert_array_equal(here, there)
    assert not np.array_equal(first.U, randomized_svd(operator, 8, seed=4).U)
