import numpy as np
import pytest

from graphembed.factorization import window_matrix
from graphembed.factorization.window_matrix import WindowMatrix
from graphembed.testing import reference


def factors(n: int, rank: int) -> np.ndarray:
    return np.random.default_rng(n).standard_normal((n, rank)).astype(np.float32)


@pytest.mark.parametrize("n", [1, 7, 30, 101])
@pytest.mark.parametrize("signed", [False, True])
def test_products(n: int, signed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows, but tiles of ten: odd and even numbers of them, and a single one."""
    monkeypatch.setattr(window_matrix, "TILE", 10)
    X, other, columns = factors(n, 5), factors(n + 200, 5), factors(n, 8)
    signs = np.array([1, -1, 0, 1, -1], dtype=np.float32) if signed else None
    matrix = WindowMatrix(X, signs)
    right = X if signs is None else X * signs
    expected = reference.truncated_log(X @ right.T) @ columns
    np.testing.assert_allclose(matrix.matmat(columns), expected, rtol=1e-4, atol=1e-4)
    expected = reference.truncated_log(other @ right.T) @ columns
    found = matrix.rows_matmat(other, columns)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_same_bits_at_any_thread_count() -> None:
    X, columns = factors(2000, 20), factors(2000, 24)
    matrix = WindowMatrix(X)
    expected = matrix.matmat(columns, n_jobs=1)
    for n_jobs in (2, 5):
        np.testing.assert_array_equal(matrix.matmat(columns, n_jobs=n_jobs), expected)
