"""Truncated singular value decomposition by random projection and power iteration."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphembed.factorization.operators import LinearOperator
from graphembed.factorization.tall_matrices import (
    Matrix,
    Small,
    fix_signs,
    gram,
    leading_columns,
    multiply,
    orthonormalize,
    random_rows,
    small_eigh,
)

Singular = npt.NDArray[np.float32]


class SVD(NamedTuple):
    """Leading part of a decomposition ``M ~ U diag(s) V.T``.

    Attributes
    ----------
    U : ndarray of shape (n_rows, n_components), float32
        Left singular vectors; the largest absolute entry of each is positive.
    s : ndarray of shape (n_components,), float32
        Singular values, descending.
    V : ndarray of shape (n_columns, n_components), float32
        Right singular vectors.
    """

    U: Matrix
    s: Singular
    V: Matrix


def randomized_svd(
    operator: LinearOperator,
    n_components: int,
    *,
    n_oversamples: int = 10,
    n_iter: int = 4,
    seed: int = 0,
    n_jobs: int | None = -1,
    on_done: Callable[[int], None] = lambda _: None,
) -> SVD:
    r"""Return the leading singular values and vectors of a matrix, approximately.

    .. math:: Q = \mathrm{orth}\big((M M^T)^q M \Omega\big), \qquad
        M \approx Q \, (Q^T M)

    and the decomposition of the small matrix :math:`Q^T M`. :math:`\Omega` has independent normal
    entries; the basis is made orthonormal after every product.

    Parameters
    ----------
    operator : LinearOperator
        Of shape (n_rows, n_columns).
    n_components : int
        Singular vectors wanted.
    n_oversamples : int, default=10
        Columns of :math:`\Omega` beyond ``n_components``.
    n_iter : int, default=4
        :math:`q`, the power iterations: two products each. The error of a component falls with
        the ratio of the first singular value left out to its own, to the power 2 q + 1.
    seed : int, default=0
        64-bit key of :math:`\Omega`.
    n_jobs : int or None, default=-1
        Threads. The result does not depend on it.
    on_done : callable, optional
        Called with 1 after each of the ``2 * n_iter + 2`` products.

    Returns
    -------
    SVD
        Named tuple (U, s, V). If the matrix has a lower rank than ``n_components``, the values
        beyond it are 0 and so are their vectors.

    Notes
    -----
    Memory: one array of the shape of U and one of that of V, ``n_oversamples`` columns wider.

    References
    ----------
    Halko, Martinsson and Tropp (2011), Finding Structure with Randomness, SIAM Review.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from graphembed.factorization.operators import SparseOperator
    >>> from graphembed.factorization.randomized_svd import randomized_svd
    >>> matrix = sp.diags_array(np.arange(50, 0, -1.0))
    >>> randomized_svd(SparseOperator.from_scipy(matrix), 3, n_iter=8).s.round(1).tolist()
    [50.0, 49.0, 48.0]
    """
    n_rows, n_columns = operator.shape
    n_drawn = min(n_components + n_oversamples, n_rows, n_columns)
    # In two buffers; orthonormal columns take the place of what they are made of.
    B = random_rows(n_columns, n_drawn, seed, n_jobs=n_jobs)
    Y = operator.matmat(B, n_jobs=n_jobs)
    on_done(1)
    for _ in range(n_iter):  # one pass keeps directions apart; only the last basis must be exact
        Y, _ = orthonormalize(Y, n_passes=1, n_jobs=n_jobs)
        B = operator.rmatmat(Y, _if_as_wide(B, Y), n_jobs=n_jobs)
        on_done(1)
        B, _ = orthonormalize(B, n_passes=1, n_jobs=n_jobs)
        Y = operator.matmat(B, _if_as_wide(Y, B), n_jobs=n_jobs)
        on_done(1)
    Y, _ = orthonormalize(Y, n_jobs=n_jobs)
    B = operator.rmatmat(Y, _if_as_wide(B, Y), n_jobs=n_jobs)  # (Y.T M).T
    on_done(1)
    values, vectors = small_eigh(gram(B, B, n_jobs=n_jobs))
    s = np.sqrt(np.maximum(values[:n_components], 0))
    vectors = vectors[:, : len(s)]
    inverse = np.divide(1.0, s, out=np.zeros_like(s), where=s > 1e-6 * s.max(initial=0))
    U = _rotated(Y, vectors, n_jobs)
    V = _rotated(B, vectors * inverse, n_jobs)
    signs = fix_signs(U)
    U *= signs
    V *= signs
    return _padded(SVD(U, s.astype(np.float32), V), n_components)


def _if_as_wide(buffer: Matrix, X: Matrix) -> Matrix | None:
    return buffer if buffer.shape[1] == X.shape[1] else None


def _rotated(X: Matrix, weights: Small, n_jobs: int | None) -> Matrix:
    """Return X times weights, in the memory of X."""
    n_columns = weights.shape[1]
    multiply(X, weights, X[:, :n_columns], n_jobs=n_jobs)
    return leading_columns(X, n_columns)


def _padded(found: SVD, n_components: int) -> SVD:
    """Fill up to ``n_components`` columns with zeros."""
    n_missing = n_components - len(found.s)
    if n_missing <= 0:
        return found
    wider = ((0, 0), (0, n_missing))
    return SVD(np.pad(found.U, wider), np.pad(found.s, (0, n_missing)), np.pad(found.V, wider))
