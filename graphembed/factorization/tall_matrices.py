"""Products of matrices with many rows and few columns: float32, the same bits at any n_jobs.

Rows are cut into blocks that depend on their number only. What is summed over rows is summed in
float64, block by block in order. Within a block BLAS runs on one thread.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from graphembed.engine import run_blocks
from graphembed.kernels.initial import fill_normal

Matrix = npt.NDArray[np.float32]
Small = npt.NDArray[np.float64]

BLOCKS = 64  # ranges of rows, at most; each holds one sum in memory
BLOCK_ROWS = 1024  # in a range, at least
CHUNK_ROWS = 512  # that are converted to float64 at a time
# Directions of a smaller share of the largest are rounding errors of float32.
RANK_TOLERANCE = 1e-5


def gram(X: Matrix, Y: Matrix, *, exact: bool = True, n_jobs: int | None = -1) -> Small:
    """Return ``X.T @ Y``, summed in float64.

    Parameters
    ----------
    X : ndarray of shape (n_rows, k), float32
    Y : ndarray of shape (n_rows, m), float32
    exact : bool, default=True
        Whether products are float64 as well; else the sums of a few hundred of them are float32,
        which takes half of the time.
    n_jobs : int or None, default=-1

    Returns
    -------
    ndarray of shape (k, m), float64
    """
    dtype: Any = np.float64 if exact else np.float32

    def block(first: int, last: int) -> Small:
        total = np.zeros((X.shape[1], Y.shape[1]))
        for start in range(first, last, CHUNK_ROWS):
            rows = slice(start, min(start + CHUNK_ROWS, last))
            left: Small = X[rows].astype(dtype, copy=False)
            total += left.T @ (left if X is Y else Y[rows].astype(dtype, copy=False))
        return total

    total = np.zeros((X.shape[1], Y.shape[1]))
    for part in _over_rows(block, len(X), n_jobs):
        total += part
    return total


def multiply(
    X: Matrix, weights: npt.NDArray[Any], out: Matrix | None = None, *, n_jobs: int | None = -1
) -> Matrix:
    """Return ``X @ weights``, in ``out`` if given, which may be X itself or overlap its start.

    Parameters
    ----------
    X : ndarray of shape (n_rows, k), float32
    weights : ndarray of shape (k, m)
    out : ndarray of shape (n_rows, m), float32, optional
    n_jobs : int or None, default=-1
    """
    narrow = np.ascontiguousarray(weights, dtype=np.float32)
    result = np.empty((len(X), narrow.shape[1]), dtype=np.float32) if out is None else out

    def block(first: int, last: int) -> None:
        for start in range(first, last, CHUNK_ROWS):
            rows = slice(start, min(start + CHUNK_ROWS, last))
            result[rows] = X[rows] @ narrow

    _over_rows(block, len(X), n_jobs)
    return result


def subtract_product(
    Y: Matrix, X: Matrix, weights: npt.NDArray[Any], *, n_jobs: int | None = -1
) -> None:
    """Subtract ``X @ weights`` from Y, in place.

    Parameters
    ----------
    Y : ndarray of shape (n_rows, m), float32
    X : ndarray of shape (n_rows, k), float32
    weights : ndarray of shape (k, m)
    n_jobs : int or None, default=-1
    """
    narrow = np.ascontiguousarray(weights, dtype=np.float32)

    def block(first: int, last: int) -> None:
        for start in range(first, last, CHUNK_ROWS):
            rows = slice(start, min(start + CHUNK_ROWS, last))
            Y[rows] -= X[rows] @ narrow

    _over_rows(block, len(X), n_jobs)


def scale_rows_by(
    X: Matrix, scale: npt.NDArray[np.float32] | None, out: Matrix, *, n_jobs: int | None = -1
) -> Matrix:
    """Write each row of X times its own factor to ``out``, which may be X itself; return it.

    Parameters
    ----------
    X : ndarray of shape (n_rows, k), float32
    scale : ndarray of shape (n_rows,), float32, or None
        None for all 1.
    out : ndarray of shape (n_rows, k), float32
    n_jobs : int or None, default=-1
    """

    def block(first: int, last: int) -> None:
        rows = slice(first, last)
        if scale is None:
            out[rows] = X[rows]
        else:
            np.multiply(X[rows], scale[rows, None], out=out[rows])

    _over_rows(block, len(X), n_jobs)
    return out


def leading_columns(X: Matrix, n_columns: int) -> Matrix:
    """Return the first columns of X, C-contiguous and in the memory of X, which is overwritten.

    Parameters
    ----------
    X : ndarray of shape (n_rows, k), float32, C-contiguous
    n_columns : int
        At most k.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.tall_matrices import leading_columns
    >>> leading_columns(np.arange(6, dtype=np.float32).reshape(2, 3), 2).tolist()
    [[0.0, 1.0], [3.0, 4.0]]
    """
    flat = X.reshape(-1)
    for start in range(0, len(X), CHUNK_ROWS):
        rows = X[start : start + CHUNK_ROWS, :n_columns].ravel()  # a copy, unless all columns
        flat[start * n_columns : start * n_columns + len(rows)] = rows
    return flat[: len(X) * n_columns].reshape(len(X), n_columns)


def orthonormalize(
    Y: Matrix, *, n_passes: int = 2, shortest: float | None = None, n_jobs: int | None = -1
) -> tuple[Matrix, Small]:
    """Return Q with orthonormal columns and R, so that Y is Q R up to rounding.

    Parameters
    ----------
    Y : ndarray of shape (n_rows, k), float32
        Overwritten.
    n_passes : int, default=2
        One leaves errors of rounding, as many times larger as Y is badly conditioned.
    shortest : float, optional
        Directions in which Y is shorter than this are left out. By default those are that are
        rounding errors of float32 beside columns as long as theirs.
    n_jobs : int or None, default=-1

    Returns
    -------
    Q : ndarray of shape (n_rows, rank), float32
        As many columns as Y has independent ones, at a tolerance of float32.
    R : ndarray of shape (rank, k), float64

    Notes
    -----
    By the eigenvectors of the Gram matrix of the columns, scaled to norm 1 (unless ``shortest``).
    """
    factor = np.eye(Y.shape[1])
    for _ in range(n_passes):
        products = gram(Y, Y, n_jobs=n_jobs)
        norms = np.sqrt(np.diag(products))
        norms[(norms == 0) | (shortest is not None)] = 1
        least = RANK_TOLERANCE if shortest is None else shortest
        with one_blas_thread():
            values, vectors = np.linalg.eigh(products / np.outer(norms, norms))
            kept = values > least**2 * max(values.max(initial=0), 1)
            roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
            factor = roots[:, None] * (vectors.T * norms) @ factor
        inverse = vectors / norms[:, None] / roots
        Y = multiply(Y, inverse, Y if kept.all() else None, n_jobs=n_jobs)
    return Y, factor


def random_rows(
    n_rows: int, n_columns: int, seed: int, *, first: int = 0, n_jobs: int | None = -1
) -> Matrix:
    """Return independent standard normal numbers, each a hash of the seed and its place.

    Parameters
    ----------
    n_rows, n_columns : int
    seed : int
        A 64-bit key.
    first : int, default=0
        Number of the first row.
    n_jobs : int or None, default=-1

    Returns
    -------
    ndarray of shape (n_rows, n_columns), float32
    """
    out = np.empty((n_rows, n_columns), dtype=np.float32)
    key = np.uint64(seed)

    def block(start: int, stop: int) -> None:
        numbers = np.arange(first + start, first + stop, dtype=np.int64)
        fill_normal(key, numbers, np.float32(1), out[start:stop])

    _over_rows(block, n_rows, n_jobs)
    return out


def fix_signs(X: Matrix) -> npt.NDArray[np.float32]:
    """Return for each column the sign of its largest absolute entry, the first of several.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.tall_matrices import fix_signs
    >>> fix_signs(np.array([[0.1, -2.0, 0.0], [-0.5, 1.0, 0.0]], dtype=np.float32)).tolist()
    [-1.0, -1.0, 1.0]
    """
    if not len(X):
        return np.ones(X.shape[1], dtype=np.float32)
    # Of numbers, not of their absolute values: that would be a copy of the matrix.
    high, low = X.max(axis=0), X.min(axis=0)
    return np.where(high >= -low, np.float32(1), np.float32(-1))


def small_eigh(matrix: Small) -> tuple[Small, Small]:
    """Return eigenvalues, descending, and eigenvectors of a small symmetric matrix."""
    with one_blas_thread():
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return values[::-1], vectors[:, ::-1]


def _over_rows(function: Any, n_rows: int, n_jobs: int | None) -> list[Any]:
    size = max(BLOCK_ROWS, -(-n_rows // BLOCKS))
    blocks = [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    with one_blas_thread():
        return run_blocks(function, blocks, n_jobs=n_jobs)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries: once is enough


def one_blas_thread() -> Any:
    """Limit BLAS to one thread while the context lasts.

    One for each of ours, and the same order of sums on any number of cores.
    """
    return _controller().limit(limits=1, user_api="blas")
