import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.factorization.tall_matrices import (
    fix_signs,
    gram,
    multiply,
    orthonormalize,
    random_rows,
    small_eigh,
    subtract_product,
)

ROWS = 5000  # several blocks, the last one short


def tall(n_columns: int, seed: int = 0, n_rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns)).astype(np.float32)


@pytest.mark.parametrize("exact", [True, False])
def test_gram(exact: bool) -> None:
    X, Y = tall(7), tall(3, seed=1)
    found = gram(X, Y, exact=exact)
    assert found.dtype == np.float64
    tolerance = 1e-10 if exact else 1e-2
    np.testing.assert_allclose(found, X.T.astype(float) @ Y, atol=tolerance)
    np.testing.assert_allclose(gram(X, X), X.T.astype(float) @ X, atol=1e-10)


def test_products() -> None:
    X, weights = tall(6), np.random.default_rng(2).normal(size=(6, 4))
    expected = X.astype(float) @ weights
    np.testing.assert_allclose(multiply(X, weights), expected, rtol=1e-4, atol=1e-5)
    Y = expected.astype(np.float32)
    subtract_product(Y, X, weights)
    np.testing.assert_allclose(Y, 0, atol=1e-5)
    wide = np.hstack([X, X])
    multiply(wide[:, :6], weights, wide[:, :4])  # in place
    np.testing.assert_allclose(wide[:, :4], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(wide[:, 6:], X)


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 12), st.integers(0, 2**32))
def test_orthonormalize_finds_the_rank(n_rows: int, k: int, rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(n_rows, rank)), rng.normal(size=(rank, k))
    Y = (left @ right * 10.0 ** rng.integers(-8, 8)).astype(np.float32)
    Q, R = orthonormalize(Y.copy())
    assert Q.shape == (n_rows, R.shape[0])
    assert R.shape[0] <= min(n_rows, rank, k)
    np.testing.assert_allclose(Q.T @ Q, np.eye(len(R)), atol=1e-4)
    np.testing.assert_allclose(Q @ R, Y, atol=1e-3 * np.abs(Y).max(initial=0))


def test_random_rows() -> None:
    X = random_rows(4000, 9, 5)
    np.testing.assert_allclose(X.T @ X / 4000, np.eye(9), atol=0.1)
    np.testing.assert_array_equal(random_rows(100, 9, 5, first=50), X[50:150])
    assert not np.array_equal(random_rows(4000, 9, 6), X)


def test_signs_and_order() -> None:
    X = tall(5)
    signs = fix_signs(X)
    largest = np.abs(X).argmax(axis=0)
    np.testing.assert_array_equal(signs, np.sign(X[largest, range(5)]))
    assert fix_signs(X[:0]).tolist() == [1] * 5
    values, vectors = small_eigh(np.diag([1.0, 3.0, 2.0]))
    assert values.tolist() == [3, 2, 1]
    np.testing.assert_allclose(np.abs(vectors), [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_same_bits_at_any_thread_count(n_jobs: int) -> None:
    X, Y = tall(40), tall(24, seed=1)
    for call in (
        lambda n: gram(X, Y, n_jobs=n),
        lambda n: gram(X, Y, exact=False, n_jobs=n),
        lambda n: multiply(X, np.ones((40, 3)), n_jobs=n),
        lambda n: orthonormalize(X.copy(), n_jobs=n)[0],
        lambda n: random_rows(5000, 7, 1, n_jobs=n),
    ):
        np.testing.assert_array_equal(call(n_jobs), call(2))
