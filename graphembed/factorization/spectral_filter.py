"""A band-pass filter over the spectrum of a graph, which smooths any vectors of its nodes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks
from graphembed.factorization.graph_rows import Blocks, degree_sums, over_rows, release, row_blocks
from graphembed.factorization.tall_matrices import (
    RANK_TOLERANCE,
    fix_signs,
    gram,
    multiply,
    small_eigh,
)
from graphembed.graph.graph import Graph
from graphembed.training.projection import safe_weights, transition_weights

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpectralFilter:
    r"""The filter of ProNE, a polynomial in the random walk's Laplacian.

    .. math:: M = (1 - \mu) I - \hat D^{-1} \hat A, \quad
        b = x - I_0(\theta) x - 2 \sum_{k=1}^{K-1} (-1)^k I_k(\theta) T_k(\tfrac{1}{2} M^2 - I) x

    where :math:`\hat A` has a loop at each node, as heavy as the mean edge, :math:`I_k` are
    modified Bessel functions and :math:`T_k` Chebyshev polynomials.

    Parameters
    ----------
    graph : Graph
    order : int
        :math:`K`: terms of the expansion, :math:`2 (K - 1)` products with the adjacency.
    mu : float
        Centre of the band.
    theta : float
        Sharpness of the band.
    n_jobs : int or None
        Threads; the result does not depend on it.
    """

    graph: Graph
    order: int
    mu: float
    theta: float
    n_jobs: int | None = -1

    def apply(self, matrix: Matrix, on_done: Callable[[int], None] = lambda _: None) -> Matrix:
        """Return the filtered matrix.

        Parameters
        ----------
        matrix : ndarray of shape (n_nodes, d), float32, C-contiguous
            It is overwritten.
        on_done : callable, optional
            Called with 1 after each of the :attr:`n_terms`.

        Returns
        -------
        ndarray of shape (n_nodes, d), float32
            Beside it and ``matrix``, two arrays of this shape are in memory for the time.
        """
        from scipy.special import iv

        total = matrix * np.float32(1 - iv(0, self.theta))
        previous, current, product = np.empty_like(matrix), matrix, np.empty_like(matrix)
        for k in range(1, self.order):
            self._laplacian(current, product)
            weight = -2 * (-1) ** k * iv(k, self.theta)
            alpha = 0.5 if k == 1 else 1.0
            self._step(product, alpha, current, previous, weight, total)
            previous, current = current, previous
            on_done(1)
        return total

    @property
    def n_terms(self) -> int:
        """Terms that take work: two products with the adjacency each."""
        return max(0, self.order - 1)

    def average(self, matrix: Matrix, *, normalize: bool = False) -> Matrix:
        """Return the weighted mean of each node's neighbours' rows; 0 for a node without any.

        Parameters
        ----------
        matrix : ndarray of shape (n_nodes, d), float32, C-contiguous
        normalize : bool, default=False
            Whether means are divided by their norm.
        """
        graph = self.graph
        return mean_rows(
            graph.indptr, graph.indices, self.weights, matrix, normalize, self.n_jobs,
            lambda: release(graph),
        )  # fmt: skip

    def _laplacian(self, matrix: Matrix, out: Matrix) -> None:
        from graphembed.kernels.spectral_filter import laplacian

        graph, (scale, own) = self.graph, self._diagonals
        over_rows(
            graph,
            lambda first, last: laplacian(
                graph.indptr, graph.indices, self.weights, scale, own, matrix, out, first, last
            ),
            self._blocks,
            n_jobs=self.n_jobs,
        )

    def _step(
        self, product: Matrix, alpha: float, current: Matrix, previous: Matrix,
        weight: float, total: Matrix,
    ) -> None:  # fmt: skip
        from graphembed.kernels.spectral_filter import chebyshev_step

        graph, (scale, own) = self.graph, self._diagonals
        over_rows(
            graph,
            lambda first, last: chebyshev_step(
                graph.indptr, graph.indices, self.weights, scale, own, product, np.float32(alpha),
                current, previous, np.float32(weight), total, first, last,
            ),
            self._blocks,
            n_jobs=self.n_jobs,
        )  # fmt: skip

    @cached_property
    def _blocks(self) -> Blocks:
        return row_blocks(self.graph.indptr)

    @cached_property
    def weights(self) -> Matrix | None:
        """Edge weights with the same transition matrix, safe to sum in float32."""
        graph = self.graph
        return row_safe_weights(graph.indptr, graph.weights, lambda: release(graph))

    @cached_property
    def degrees(self) -> npt.NDArray[np.float64]:
        """Sums of the rows of :attr:`weights`."""
        if self.weights is self.graph.weights:
            return degree_sums(self.graph, self.n_jobs)
        return row_sums(self.graph.indptr, self.weights, self.n_jobs)

    @cached_property
    def _diagonals(self) -> tuple[Matrix, Matrix]:
        loop = float(self.degrees.sum()) / max(1, len(self.graph.indices)) or 1.0
        scale = 1 / (self.degrees + loop)
        own = 1 - self.mu - loop * scale
        return scale.astype(np.float32), own.astype(np.float32)


def row_safe_weights(
    indptr: npt.NDArray[np.int64], weights: Any, on_read: Callable[[], None] = lambda: None
) -> Matrix | None:
    """Return edge weights with the same transition matrix, safe to sum in float32.

    The weights themselves, or a copy in memory if some of them are not within 2 :sup:`-60` and
    2 :sup:`60`. ``on_read`` is called now and then while they are read.
    """
    if weights is None or safe_weights(weights, on_read):
        safe: Matrix | None = weights
        return safe
    return transition_weights(indptr, weights)


def row_sums(
    indptr: npt.NDArray[np.int64], weights: Matrix | None, n_jobs: int | None = -1
) -> npt.NDArray[np.float64]:
    """Return the sum of each row's entries; their number if ``weights`` is None.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.spectral_filter import row_sums
    >>> row_sums(np.array([0, 2, 3]), np.array([1, 2, 4], dtype=np.float32)).tolist()
    [3.0, 4.0]
    """
    from graphembed.kernels import svd

    degrees = np.empty(len(indptr) - 1)
    run_blocks(
        lambda first, last: svd.row_sums(indptr, weights, degrees, first, last),
        row_blocks(indptr),
        n_jobs=n_jobs,
    )
    return degrees


def mean_rows(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    weights: Matrix | None,
    matrix: Matrix,
    normalize: bool,
    n_jobs: int | None = -1,
    on_read: Callable[[], None] = lambda: None,
) -> Matrix:
    """Return weighted means of rows of a matrix, divided by their norm if asked for.

    Parameters
    ----------
    indptr, indices, weights
        A CSR matrix of shape (n_rows, n): which rows, and how much they count.
    matrix : ndarray of shape (n, d), float32, C-contiguous
    normalize : bool
    n_jobs : int or None
    on_read : callable, optional
        Called after each range of rows.

    Returns
    -------
    ndarray of shape (n_rows, d), float32
        Zero where a row has no entries.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.spectral_filter import mean_rows
    >>> rows = np.array([[0, 2], [4, 2]], dtype=np.float32)
    >>> mean_rows(np.array([0, 2]), np.array([0, 1], dtype=np.int32), None, rows, False).tolist()
    [[2.0, 2.0]]
    """
    from graphembed.kernels.spmm import propagate

    result = np.zeros((len(indptr) - 1, matrix.shape[1]), dtype=np.float32)

    def fill(first: int, last: int) -> None:
        scratch = np.empty((1, matrix.shape[1]), dtype=np.float32)
        propagate(
            indptr, indices, weights, matrix, scratch, result, np.float32(1), normalize, first, last
        )
        on_read()

    run_blocks(fill, row_blocks(indptr), n_jobs=n_jobs)
    return result


def compression(mean: Matrix, n_jobs: int | None = -1) -> npt.NDArray[np.float32]:
    r"""Return what rotates and scales columns so that they are orthogonal, the largest first.

    .. math:: P = U \Sigma V^T, \qquad C = V \Sigma^{-1/2}, \quad
        \text{so that } P \, C = U \Sigma^{1/2}

    Parameters
    ----------
    mean : ndarray of shape (n_nodes, d), float32
        :math:`P`.
    n_jobs : int or None

    Returns
    -------
    ndarray of shape (d, d), float32
        :math:`C`, with columns of 0 for singular values of 0. In P C the largest absolute entry
        of each column is positive.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.spectral_filter import compression
    >>> compression(np.diag([-4.0, 1.0]).astype(np.float32)).diagonal()
    array([-0.5,  1. ], dtype=float32)
    """
    values, vectors = small_eigh(gram(mean, mean, n_jobs=n_jobs))
    kept = values > RANK_TOLERANCE**2 * values.max(initial=0)
    roots = np.where(kept, np.where(kept, values, 1) ** -0.25, 0)
    weights = (vectors * roots).astype(np.float32)
    return weights * fix_signs(multiply(mean, weights, n_jobs=n_jobs))


def scale_rows(matrix: Matrix) -> Matrix:
    """Divide rows by their norms, in place; rows of zeros stay.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.factorization.spectral_filter import scale_rows
    >>> scale_rows(np.array([[3, 4], [0, 0]], dtype=np.float32)).round(3)
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    norms = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))[:, None]
    np.divide(matrix, norms, out=matrix, where=norms > 0)
    return matrix
