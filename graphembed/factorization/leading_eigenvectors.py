"""Leading eigenvectors of a symmetric matrix, by a block Krylov space that is restarted."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from graphembed.factorization.operators import LinearOperator
from graphembed.factorization.tall_matrices import (
    Matrix,
    Small,
    fix_signs,
    gram,
    leading_columns,
    multiply,
    one_blas_thread,
    orthonormalize,
    random_rows,
    scale_rows_by,
    small_eigh,
    subtract_product,
)

NARROW, WIDE = 16, 32  # columns that are multiplied at a time, for few components and for many
MANY = 96  # components
KEPT = 0.5  # candidates beyond those wanted that survive a restart, for each one wanted
GROWTH = 1.5  # columns that are added between two restarts, for each one wanted
MIN_GROWTH = 8 * NARROW  # ... and at least
ORTHOGONAL = 5e-6  # product of columns of norm 1 that is not worth another pass
NOTHING = 0.05  # of norm 1: what is left of a direction that was within the space
PASSES = 5  # at most


class Eigen(NamedTuple):
    """Leading eigenvalues of a symmetric matrix, with their vectors.

    Attributes
    ----------
    values : ndarray of shape (n_components,), float64
        Descending.
    vectors : ndarray of shape (n, n_components), float32
        One a column; the largest absolute entry of each is positive.
    residuals : ndarray of shape (n_components,), float64
        Norm of ``M v - value * v`` of each, as the recurrence knows it.
    n_products : int
        Columns that M was multiplied with.
    """

    values: Small
    vectors: Matrix
    residuals: Small
    n_products: int


def leading_eigenvectors(
    operator: LinearOperator,
    n_components: int,
    *,
    tol: float = 1e-4,
    max_restarts: int = 50,
    seed: int = 0,
    n_jobs: int | None = -1,
    on_done: Callable[[int], None] = lambda _: None,
) -> Eigen:
    r"""Return the largest eigenvalues of a symmetric matrix and their eigenvectors.

    The space spanned by :math:`X, M X, M^2 X, \ldots` of a random block X is kept orthonormal, M
    is projected onto it, and the best of the eigenvectors found there begin the next such space
    (thick restart) until the residuals are small.

    Parameters
    ----------
    operator : LinearOperator
        Symmetric; only its ``matmat`` is used.
    n_components : int
    tol : float, default=1e-4
        Largest residual, as a share of the largest absolute eigenvalue. Nothing below about 1e-6
        is reached in float32.
    max_restarts : int, default=50
        What has been found by then is returned.
    seed : int, default=0
        64-bit key of the random block.
    n_jobs : int or None, default=-1
        Threads. The result does not depend on it.
    on_done : callable, optional
        Called with the number of columns that M was just multiplied with.

    Returns
    -------
    Eigen
        Named tuple (values, vectors, residuals, n_products).

    Notes
    -----
    Memory: the space, of ``3 * n_components`` columns, and two blocks of 32. The vectors take the
    place of the space.

    References
    ----------
    Stewart (2001), A Krylov-Schur Algorithm for Large Eigenproblems, SIAM J. Matrix Anal. Appl.

    Zhou and Saad (2008), Block Krylov-Schur Method for Large Symmetric Eigenvalue Problems,
    Numerical Algorithms.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from graphembed.factorization.leading_eigenvectors import leading_eigenvectors
    >>> from graphembed.factorization.operators import SparseOperator
    >>> matrix = sp.diags_array(np.arange(1000, 0, -1.0))
    >>> operator = SparseOperator.from_scipy(matrix, symmetric=True)
    >>> leading_eigenvectors(operator, 3).values.round(1).tolist()
    [1000.0, 999.0, 998.0]
    """
    with one_blas_thread():  # for small matrices, waiting threads cost more than they help
        return _search(
            _Space(operator, n_components, seed, n_jobs, on_done), n_components, tol, max_restarts
        )


def _search(space: "_Space", n_components: int, tol: float, max_restarts: int) -> Eigen:
    for n_left in range(max_restarts, -1, -1):
        values, vectors, residuals = space.expand()
        largest = np.abs(values).max(initial=0)
        n_wanted = min(n_components, len(values))
        if space.is_whole or not n_left or (residuals[:n_wanted] <= tol * largest).all():
            break
        space.restart(values, vectors)
    return space.result(values, vectors, residuals, n_components)


class _Space:
    """Orthonormal columns Q with ``M Q = Q H + W R E`` where E picks the last columns of Q.

    Parameters
    ----------
    operator : LinearOperator
    n_components : int
        Eigenvectors wanted.
    seed : int
    n_jobs : int or None
    on_done : callable
    """

    def __init__(
        self, operator: LinearOperator, n_components: int, seed: int, n_jobs: int | None,
        on_done: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._operator, self._seed, self._n_jobs = operator, seed, n_jobs
        self._on_done = on_done
        n = operator.shape[0]
        self._width = WIDE if n_components >= MANY else NARROW
        self._n_kept = n_components + max(NARROW, round(KEPT * n_components))
        n_steps = -(-max(GROWTH * n_components, MIN_GROWTH) // self._width)
        self._capacity = min(n, self._n_kept + int(n_steps) * self._width)
        self._memory = np.empty(n * self._capacity, dtype=np.float32)
        self._Q = self._memory.reshape(n, self._capacity)
        self._H = np.zeros((self._capacity, self._capacity))
        self._filled = self._n_drawn = self.n_products = 0
        nothing = np.empty((n, 0), dtype=np.float32)
        self._W, self._R = self._filled_up(nothing, np.zeros((0, 0)))

    @property
    def is_whole(self) -> bool:
        """Whether Q spans everything."""
        return self._filled == len(self._Q)

    def expand(self) -> tuple[Small, Small, Small]:
        """Fill the space; return eigenvalues of H, descending, its vectors, and residuals."""
        n_last = 0
        while 0 < self._W.shape[1] <= self._capacity - self._filled:
            n_last = self._W.shape[1]
            self._append(self._W)
        filled = self._filled
        values, vectors = small_eigh(self._H[:filled, :filled])
        residuals = np.linalg.norm(self._R @ vectors[filled - n_last :], axis=0)
        return values, vectors, residuals

    def restart(self, values: Small, vectors: Small) -> None:
        """Keep the leading eigenvectors only."""
        n_kept = min(self._n_kept, self._filled)
        filled, self._filled = self._filled, n_kept
        multiply(self._Q[:, :filled], vectors[:, :n_kept], self._Q[:, :n_kept], n_jobs=self._n_jobs)
        self._H[:] = 0
        self._H[:n_kept, :n_kept] = np.diag(values[:n_kept])

    def result(self, values: Small, vectors: Small, residuals: Small, n_components: int) -> Eigen:
        """Return the leading eigenvectors; the space is of no use afterwards."""
        found = min(n_components, self._filled)
        missing = (0, n_components - found)
        self._W = np.empty((0, 0), dtype=np.float32)
        multiply(
            self._Q[:, : self._filled], vectors[:, :found], self._Q[:, :found], n_jobs=self._n_jobs
        )
        out = self._rotated(found)
        out *= fix_signs(out)
        return Eigen(
            np.pad(values[:found], missing), np.pad(out, ((0, 0), missing)) if missing[1] else out,
            np.pad(residuals[:found], missing), self.n_products,
        )  # fmt: skip

    def _rotated(self, n_columns: int) -> Matrix:
        """Return the first columns of Q, in its memory, which is made as small as they are."""
        n = len(leading_columns(self._Q, n_columns))
        del self._Q
        # Nothing else refers to this memory; a copy would need room for both.
        self._memory.resize(n * n_columns, refcheck=False)
        return self._memory.reshape(n, n_columns)

    def _append(self, block: Matrix) -> None:
        """Add an orthonormal block to Q, and make the next one of its product."""
        start, stop = self._filled, self._filled + block.shape[1]
        scale_rows_by(block, None, self._Q[:, start:stop], n_jobs=self._n_jobs)
        self._filled = stop
        W = self._operator.matmat(block, block, n_jobs=self._n_jobs)
        self.n_products += block.shape[1]
        self._on_done(block.shape[1])
        W, inside, R = self._outside(W)
        self._H[:stop, start:stop] = inside
        self._H[start:stop, :stop] = inside.T
        self._W, self._R = self._filled_up(W, R)

    def _outside(self, W: Matrix) -> tuple[Matrix, Small, Small]:
        """Return W', C and R with ``W = Q C + W' R``, W' orthonormal and orthogonal to Q.

        Again while something of W' is found within Q. What a pass leaves of a block that was
        nearly within Q is mostly rounding error, and errors that are let through grow by a factor
        with every restart.
        """
        Q = self._Q[:, : self._filled]
        inside, factor = np.zeros((self._filled, W.shape[1])), np.eye(W.shape[1])
        for number in range(PASSES):
            products = gram(Q, W, exact=False, n_jobs=self._n_jobs)
            if number and np.abs(products).max(initial=0) < ORTHOGONAL:
                break
            subtract_product(W, Q, products, n_jobs=self._n_jobs)
            inside += products @ factor
            # From the second pass on W was orthonormal: what is nearly gone was within Q.
            shortest = NOTHING if number else None
            n_passes = 1 if number else 2
            W, R = orthonormalize(W, n_passes=n_passes, shortest=shortest, n_jobs=self._n_jobs)
            factor = R @ factor
        return W, inside, factor

    def _filled_up(self, W: Matrix, R: Small) -> tuple[Matrix, Small]:
        """Add random columns to a block that has lost some: eigenvalues may come many times."""
        n, width = len(self._Q), W.shape[1]
        n_missing = min(self._width, n - self._filled) - width
        if n_missing <= 0:
            return W, R
        rows = random_rows(n, n_missing, self._seed, first=self._n_drawn, n_jobs=self._n_jobs)
        self._n_drawn += n
        W, _, factor = self._outside(np.hstack([W, rows]))
        return W, factor[:, :width] @ R
