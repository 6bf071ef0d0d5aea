"""Steps of a polynomial in the Laplacian of a graph, fused: one pass over the edges each."""

import numpy as np
from numba import njit

from graphembed.kernels.spmm import gather_row


@njit(inline="always")
def _laplacian_row(indptr, indices, weights, scale, own, matrix, i, out):
    """Write ``out = own[i] * matrix[i] - scale[i] * sum_k weights[k] * matrix[indices[k]]``."""
    gather_row(matrix, indices, weights, indptr[i], indptr[i + 1], scale[i], out)
    for c in range(out.shape[0]):
        out[c] = own[i] * matrix[i, c] - out[c]


@njit(cache=True, nogil=True)
def laplacian(indptr, indices, weights, scale, own, matrix, out, first, last):
    r"""Write rows ``first <= i < last`` of a diagonal minus scaled adjacency, times a matrix.

    .. math:: out_i = o_i X_i - s_i \sum_k w_k X_{j_k}

    Parameters
    ----------
    indptr : ndarray of shape (n + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    weights : ndarray of shape (n_entries,), float32, or None
        None for all ones.
    scale, own : ndarray of shape (n,), float32
        :math:`s` and :math:`o`.
    matrix : ndarray of shape (n, d), float32, C-contiguous
        :math:`X`.
    out : ndarray of shape (n, d), float32, C-contiguous
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        _laplacian_row(indptr, indices, weights, scale, own, matrix, i, out[i])


@njit(cache=True, nogil=True)
def chebyshev_step(
    indptr, indices, weights, scale, own, matrix, alpha, current, previous, coefficient, total,
    first, last,
):  # fmt: skip
    r"""Take one step of a three-term recurrence and add the new term to a total.

    With the matrix M of :func:`laplacian`, for rows ``first <= i < last``:

    .. math:: T_{k+1} = \alpha M X - 2 \alpha T_k - \beta T_{k-1}, \qquad
        total \mathrel{+}= c \, T_{k+1}

    where :math:`\beta` is 1, and 0 in the first step (:math:`\alpha < 1`). For :math:`X = M T_k`
    and :math:`\alpha = 1` this is the recurrence of Chebyshev polynomials in
    :math:`\frac{1}{2} M^2 - I`; its first step has :math:`\alpha = \frac{1}{2}`.

    Parameters
    ----------
    indptr, indices, weights, scale, own
        As in :func:`laplacian`.
    matrix, current, total : ndarray of shape (n, d), float32, C-contiguous
        :math:`X`, :math:`T_k`, and the total.
    previous : ndarray of shape (n, d), float32, C-contiguous
        :math:`T_{k-1}`; :math:`T_{k+1}` is written over it.
    alpha, coefficient : float32
    first, last : int
        Range of rows.
    """
    d = matrix.shape[1]
    row = np.empty(d, dtype=np.float32)
    for i in range(first, last):
        _laplacian_row(indptr, indices, weights, scale, own, matrix, i, row)
        for c in range(d):
            term = alpha * (row[c] - np.float32(2) * current[i, c])
            if alpha == np.float32(1):
                term -= previous[i, c]
            previous[i, c] = term
            total[i, c] += coefficient * term


@njit(cache=True, nogil=True)
def log_ratios(indptr, indices, weights, log_rows, log_columns, out, first, last):
    r"""Write the logarithm of each entry, divided by a factor of its row and one of its column.

    .. math:: f_k = \ln w_k - (\ln d_i + \ln q_{j_k})

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,), int64
    indices : ndarray of shape (n_entries,), int32
    weights : ndarray of shape (n_entries,), float32, or None
        Positive; None for all ones.
    log_rows : ndarray of shape (n_rows,), float64
        :math:`\ln d`.
    log_columns : ndarray of shape (n_columns,), float64
        :math:`\ln q`.
    out : ndarray of shape (n_entries,), float32
    first, last : int
        Range of rows.
    """
    for i in range(first, last):
        for k in range(indptr[i], indptr[i + 1]):
            value = 0.0 if weights is None else np.log(np.float64(weights[k]))
            out[k] = value - (log_rows[i] + log_columns[indices[k]])


@njit(cache=True, nogil=True)
def add_shares(indptr, indices, weights, degrees, totals):
    r"""Add each entry's share of its row to its column, in the order of entries.

    .. math:: t_j \mathrel{+}= \sum_{k : j_k = j} w_k / d_{i_k}

    Parameters
    ----------
    indptr, indices, weights
        As in :func:`log_ratios`.
    degrees : ndarray of shape (n_rows,), float64
        :math:`d`; 0 for rows without entries.
    totals : ndarray of shape (n_columns,), float64
        :math:`t`.
    """
    for i in range(indptr.shape[0] - 1):
        for k in range(indptr[i], indptr[i + 1]):
            value = 1.0 if weights is None else np.float64(weights[k])
            totals[indices[k]] += value / degrees[i]
