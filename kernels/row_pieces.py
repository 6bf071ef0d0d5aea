"""Rows gathered from a table that is in several pieces."""

from numba import njit


@njit(cache=True, nogil=True)
def gather(piece, start, rows, out):
    """Copy the rows that one piece of a table holds.

    Parameters
    ----------
    piece : ndarray of shape (n_rows, width), float32
        Rows ``start`` to ``start + n_rows - 1`` of the table.
    start : int
    rows : ndarray of shape (n,), int64
        Rows of the table that are wanted.
    out : ndarray of shape (n, width), float32
        Written where a row is of this piece.
    """
    n_rows = piece.shape[0]
    for i in range(len(rows)):
        local = rows[i] - start
        if 0 <= local < n_rows:
            out[i] = piece[local]
