"""What surrounds the matrix products of queries and candidates, each in one pass.

Products and Euclidean distances of a block come from a matrix product of the block; so do their
gradients. Loops over rows and columns are all that is left, and cost little beside it.
"""

import numpy as np
from numba import njit

_SUMS = {"reassoc", "contract", "nsz"}  # sums in vectors; NaN and infinity keep their meaning


@njit(cache=True, nogil=True, fastmath=_SUMS)
def square_norms(rows, out):
    """Write the squared length of each row.

    Parameters
    ----------
    rows : ndarray of shape (n, width), float32
    out : ndarray of shape (n,), float32
        Written.
    """
    for i in range(len(rows)):
        total = np.float32(0)
        for j in range(rows.shape[1]):
            total += rows[i, j] * rows[i, j]
        out[i] = total


@njit(cache=True, nogil=True, fastmath=_SUMS)
def add_outer(scores, scale, by_row, by_column):
    """Multiply all scores by a number, and add one of their row and one of their column.

    Parameters
    ----------
    scores : ndarray of shape (n, m), float32
        Changed in place.
    scale : float32
    by_row : ndarray of shape (n,), float32
    by_column : ndarray of shape (m,), float32
    """
    for i in range(len(scores)):
        row = by_row[i]
        for j in range(scores.shape[1]):
            scores[i, j] = scale * scores[i, j] + (row + by_column[j])


@njit(cache=True, nogil=True, fastmath=_SUMS)
def products_to_distances(scores, query_squares, candidate_squares):
    """Turn inner products into negative Euclidean distances.

    Parameters
    ----------
    scores : ndarray of shape (n, m), float32
        Changed in place.
    query_squares : ndarray of shape (n,), float32
        Squared lengths.
    candidate_squares : ndarray of shape (m,), float32
    """
    zero, two = np.float32(0), np.float32(2)
    for i in range(len(scores)):
        row = query_squares[i]
        for j in range(scores.shape[1]):
            square = (row + candidate_squares[j]) - two * scores[i, j]
            scores[i, j] = -np.sqrt(zero if square < zero else square)


@njit(cache=True, nogil=True, fastmath=_SUMS)
def sum_both_ways(values, by_row, by_column):
    """Write the sums of all rows and of all columns.

    Parameters
    ----------
    values : ndarray of shape (n, m), float32
    by_row : ndarray of shape (n,), float32
        Written.
    by_column : ndarray of shape (m,), float32
        Written.
    """
    by_column[:] = 0
    for i in range(len(values)):
        total = np.float32(0)
        for j in range(values.shape[1]):
            total += values[i, j]
            by_column[j] += values[i, j]
        by_row[i] = total


@njit(cache=True, nogil=True, fastmath=_SUMS, error_model="numpy")
def distance_weights(scores, row_shifts, column_shifts, floors, grads, by_row, by_column):
    """Divide gradients by distances, and sum them over rows and columns.

    Parameters
    ----------
    scores : ndarray of shape (n, m), float32
        Negative distances plus shifts.
    row_shifts : ndarray of shape (n,), float32
    column_shifts : ndarray of shape (m,), float32
    floors : ndarray of shape (n,), float32
        Distances of a row below it count as it.
    grads : ndarray of shape (n, m), float32
        Changed in place.
    by_row : ndarray of shape (n,), float32
        Written.
    by_column : ndarray of shape (m,), float32
        Written.
    """
    by_column[:] = 0
    for i in range(len(scores)):
        total = np.float32(0)
        shift, floor = row_shifts[i], floors[i]
        for j in range(scores.shape[1]):
            distance = (shift + column_shifts[j]) - scores[i, j]
            weight = grads[i, j] / (floor if distance < floor else distance)
            grads[i, j] = weight
            total += weight
            by_column[j] += weight
        by_row[i] = total


@njit(cache=True, nogil=True, fastmath=_SUMS)
def subtract_scaled(gradients, scale, sums, rows):
    """Turn each gradient into ``scale * (gradient - sum * row)``.

    Parameters
    ----------
    gradients : ndarray of shape (n, width), float32
        Changed in place.
    scale : float32
    sums : ndarray of shape (n,), float32
    rows : ndarray of shape (n, width), float32
    """
    for i in range(len(rows)):
        for j in range(rows.shape[1]):
            gradients[i, j] = scale * (gradients[i, j] - sums[i] * rows[i, j])
