"""NetMF's matrix: how often nodes meet in a window of a random walk, tile by tile."""

from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from graphembed.engine import run_blocks
from graphembed.factorization.tall_matrices import Matrix
from graphembed.store.schedule import tournament

TILE = 512  # rows and columns of a tile, about; the bits depend on it, so it is the same everywhere


class WindowMatrix:
    r"""The logarithm of a matrix of low rank, entry by entry, known through its products only.

    .. math:: L = \ln \max(1, X S X^T)

    Parameters
    ----------
    factors : ndarray of shape (n, rank), float32
        :math:`X`.
    signs : ndarray of shape (rank,), float32, or None
        The diagonal of :math:`S`; None for all 1.

    Notes
    -----
    Tiles of the inner matrix are made, changed and multiplied one after the other: memory for one
    each thread is all that is needed. L is symmetric, so each tile beside the diagonal is made
    once and used twice, in rounds in which no two tiles write to the same rows. The order of
    these rounds is fixed, and so are the bits, at any number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.window_matrix import WindowMatrix
    >>> X = np.array([[1.0], [2.0]], dtype=np.float32)
    >>> WindowMatrix(X).matmat(np.eye(2, dtype=np.float32)).round(3)
    array([[0.   , 0.693],
           [0.693, 1.386]], dtype=float32)
    """

    def __init__(self, factors: Matrix, signs: Matrix | None = None) -> None:
        self.factors = factors
        self._right = factors if signs is None else factors * signs
        self.shape = (len(factors), len(factors))

    def matmat(self, X: Matrix, *, n_jobs: int | None = -1) -> Matrix:
        """Return L times X.

        Parameters
        ----------
        X : ndarray of shape (n, k), float32
        n_jobs : int or None, default=-1

        Returns
        -------
        ndarray of shape (n, k), float32
        """
        out = np.zeros((len(X), X.shape[1]), dtype=np.float32)
        ranges = _ranges(len(X))

        def multiply(a: int, b: int) -> None:
            rows, columns = ranges[a], ranges[b]
            tile = self._tile(self.factors[rows], columns)
            out[rows] += tile @ X[columns]
            if a != b:
                out[columns] += tile.T @ X[rows]

        with threadpool_limits(limits=1, user_api="blas"):
            for pairs in tournament(len(ranges)):
                run_blocks(multiply, pairs, n_jobs=n_jobs)
        return out

    rmatmat = matmat  # symmetric

    def rows_matmat(self, rows: Matrix, X: Matrix, *, n_jobs: int | None = -1) -> Matrix:
        """Return other rows of the matrix, those of ``rows`` in place of X, times X.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, rank), float32
        X : ndarray of shape (n, k), float32
        n_jobs : int or None, default=-1

        Returns
        -------
        ndarray of shape (n_rows, k), float32
        """
        out = np.zeros((len(rows), X.shape[1]), dtype=np.float32)

        def multiply(start: int) -> None:
            part = slice(start, start + TILE)
            for columns in _ranges(len(X)):
                out[part] += self._tile(rows[part], columns) @ X[columns]

        with threadpool_limits(limits=1, user_api="blas"):
            starts = [(start,) for start in range(0, len(rows), TILE)]
            run_blocks(multiply, starts, n_jobs=n_jobs)
        return out

    def _tile(self, rows: Matrix, columns: slice) -> Matrix:
        from graphembed.kernels.netmf import truncated_log

        with np.errstate(over="ignore"):
            tile = np.asarray(rows @ self._right[columns].T, dtype=np.float32)
        truncated_log(tile)
        return tile


def _ranges(n: int) -> list[slice]:
    """Return ranges of about the same length."""
    cuts = np.linspace(0, n, max(1, round(n / TILE)) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(cuts)]
