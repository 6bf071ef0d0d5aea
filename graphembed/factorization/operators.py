"""Matrices that are only ever multiplied with: what the decompositions ask of a matrix."""

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks
from graphembed.factorization.graph_rows import release, row_blocks
from graphembed.factorization.tall_matrices import Matrix, scale_rows_by
from graphembed.graph.graph import Graph
from graphembed.kernels.svd import scaled_spmm


class LinearOperator(Protocol):
    """A matrix of shape (n_rows, n_columns); products have the same bits at any ``n_jobs``.

    A product is written to ``out`` if that is given; it may be X itself.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    def matmat(self, X: Matrix, out: Matrix | None = None, *, n_jobs: int | None = -1) -> Matrix:
        """Return the matrix times X: (n_columns, k) float32 to (n_rows, k) float32."""

    def rmatmat(self, X: Matrix, out: Matrix | None = None, *, n_jobs: int | None = -1) -> Matrix:
        """Return the transposed matrix times X: (n_rows, k) float32 to (n_columns, k)."""


class SparseOperator:
    r"""A sparse matrix with scaled rows and columns, and a constant beside its entries.

    .. math:: M = \mathrm{diag}(l) \, (A + c \, 1 1^T) \, \mathrm{diag}(r)

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    weights : ndarray of shape (n_entries,), float32, or None
        Entries of A; None for all ones.
    n_columns : int
    left : ndarray of shape (n_rows,), float32, optional
        :math:`l`.
    right : ndarray of shape (n_columns,), float32, optional
        :math:`r`.
    constant : float, default=0.0
        :math:`c`.
    transposed : tuple (indptr, indices, weights), optional
        The transposed matrix. A itself if A is symmetric; needed by :meth:`rmatmat` only.
    release : callable, optional
        Called after each block of rows, to give back pages of a memory-mapped matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> from graphembed.factorization.operators import SparseOperator
    >>> matrix = sp.csr_array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
    >>> operator = SparseOperator.from_scipy(matrix)
    >>> operator.matmat(np.ones((3, 1), dtype=np.float32)).tolist()
    [[2.0], [4.0]]
    >>> operator.rmatmat(np.ones((2, 1), dtype=np.float32)).tolist()
    [[1.0], [2.0], [3.0]]
    """

    def __init__(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float32] | None,
        n_columns: int,
        *,
        left: npt.NDArray[np.float32] | None = None,
        right: npt.NDArray[np.float32] | None = None,
        constant: float = 0.0,
        transposed: tuple[Any, Any, Any] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._parts = (indptr, indices, weights)
        self._transposed = transposed
        self.shape = (len(indptr) - 1, n_columns)
        self.left, self.right, self.constant = left, right, constant
        self._release = release
        self._scratch: Matrix | None = None

    @classmethod
    def from_scipy(cls, matrix: Any, *, symmetric: bool = False, **options: Any) -> Self:
        """Make an operator of any scipy sparse matrix; options as of the class.

        Parameters
        ----------
        matrix : sparse matrix of shape (n_rows, n_columns)
        symmetric : bool, default=False
            Spares the transposed copy, which is 8 bytes an entry.
        **options : dict
            ``left``, ``right``, ``constant``.
        """
        parts = _parts(sp.csr_array(matrix))
        transposed = parts if symmetric else _parts(sp.csr_array(sp.csr_array(matrix).T))
        return cls(*parts, matrix.shape[1], transposed=transposed, **options)

    @classmethod
    def from_graph(cls, graph: Graph, **options: Any) -> Self:
        """Make an operator of a graph's adjacency, in memory or in a store, without a copy.

        Its :meth:`rmatmat` is there for undirected graphs only.
        """
        parts = (graph.indptr, graph.indices, graph.weights)
        return cls(
            *parts, graph.n_nodes, transposed=None if graph.directed else parts,
            release=lambda: release(graph), **options,
        )  # fmt: skip

    def matmat(self, X: Matrix, out: Matrix | None = None, *, n_jobs: int | None = -1) -> Matrix:
        """Return the matrix times X.

        Parameters
        ----------
        X : ndarray of shape (n_columns, k), float32
        out : ndarray of shape (n_rows, k), float32, C-contiguous, optional
            Where to write it; may be X itself.
        n_jobs : int or None, default=-1

        Returns
        -------
        ndarray of shape (n_rows, k), float32
        """
        return self._product(self._parts, self.left, self.right, X, out, n_jobs)

    def rmatmat(self, X: Matrix, out: Matrix | None = None, *, n_jobs: int | None = -1) -> Matrix:
        """Return the transposed matrix times X.

        Parameters
        ----------
        X : ndarray of shape (n_rows, k), float32
        out : ndarray of shape (n_columns, k), float32, C-contiguous, optional
            Where to write it; may be X itself.
        n_jobs : int or None, default=-1

        Returns
        -------
        ndarray of shape (n_columns, k), float32
        """
        if self._transposed is None:
            raise ValueError("This operator was made without its transposed matrix.")
        return self._product(self._transposed, self.right, self.left, X, out, n_jobs)

    def _product(
        self, parts: tuple[Any, Any, Any], left: Any, right: Any, X: Matrix, out: Matrix | None,
        n_jobs: int | None,
    ) -> Matrix:  # fmt: skip
        result = np.empty((len(parts[0]) - 1, X.shape[1]), dtype=np.float32) if out is None else out
        X = np.ascontiguousarray(X, dtype=np.float32)
        if right is not None or X is result:
            X = self._scaled(X, right, n_jobs)
        shift = None
        if self.constant:
            shift = (self.constant * X.sum(axis=0, dtype=np.float64)).astype(np.float32)

        def block(first: int, last: int) -> None:
            scaled_spmm(*parts, left, shift, X, result, first, last)
            if self._release is not None:
                self._release()

        run_blocks(block, row_blocks(parts[0]), n_jobs=n_jobs)
        return result

    def _scaled(self, X: Matrix, scale: Any, n_jobs: int | None) -> Matrix:
        """Return scaled rows of X, in memory that is used again: fresh pages take time."""
        if self._scratch is None or self._scratch.shape != X.shape:
            self._scratch = None
            self._scratch = np.empty_like(X)
        return scale_rows_by(X, scale, self._scratch, n_jobs=n_jobs)


def _parts(matrix: sp.csr_array) -> tuple[Any, Any, Any]:
    return (
        matrix.indptr.astype(np.int64, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
    )
