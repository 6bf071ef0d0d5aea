"""What decompositions of a sparse matrix need beside BLAS: scaled products, sums, norms of rows."""

import numpy as np
from numba import njit

from graphembed.kernels.spmm import gather_row


@njit(cache=True, nogil=True)
def scaled_spmm(indptr, indices, weights, scale, shift, matrix, out, first, last):
    r"""Write rows ``first <= i < last`` of a product whose rows are shifted, then scaled.

    .. math:: out_i = s_i \Big(\sum_k w_k \, X_{j_k} + b\Big)

    Parameters
    ----------
    indptr, indices, weights
        A matrix in CSR form, as in :func:`graphembed.kernels.spmm.spmm`.
    scale : ndarray of shape (n_rows,), float32, or None
        :math:`s`; None for all ones.
    shift : ndarray of shape (d,), float32, or None
        :math:`b`; None for zero.
    matrix : ndarray of shape (n_columns, d), float32, C-contiguous
        :math:`X`.
    out : ndarray of shape (n_rows, d), float32, C-contiguous
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        factor = np.float32(1) if scale is None else scale[i]
        row = out[i]
        gather_row(matrix, indices, weights, indptr[i], indptr[i + 1], factor, row)
        if shift is not None:
            for c in range(row.shape[0]):
                row[c] += factor * shift[c]


@njit(cache=True, nogil=True)
def row_sums(indptr, weights, out, first, last):
    """Write the sum of the entries of rows ``first <= i < last``, in float64 and in their order.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    weights : ndarray of shape (n_entries,), float32, or None
        None for all ones.
    out : ndarray of shape (n_rows,), float64
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        total = np.float64(indptr[i + 1] - indptr[i])
        if weights is not None:
            total = 0.0
            for k in range(indptr[i], indptr[i + 1]):
                total += np.float64(weights[k])
        out[i] = total


@njit(cache=True, nogil=True)
def normalize_rows(rows, first, last):
    """Divide rows ``first <= i < last`` by their Euclidean norm; rows of zeros stay.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, d), float32
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        squares = 0.0
        for c in range(rows.shape[1]):
            squares += np.float64(rows[i, c]) ** 2
        if squares > 0:
            factor = 1.0 / np.sqrt(squares)
            for c in range(rows.shape[1]):
                rows[i, c] *= factor
