"""Random first values of the rows of a table: a row is a function of the key and its number."""

import numpy as np
from numba import float32, njit, uint64

from graphembed.kernels.rng import draw, fold, unit


@njit(cache=True, nogil=True)
def fill_uniform(key, rows, bound, out):
    """Write uniform numbers in [-bound, bound).

    Parameters
    ----------
    key : uint64
    rows : ndarray of shape (n_rows,), int64
        Numbers of the rows of the table.
    bound : float32
    out : ndarray of shape (n_rows, width), float32
    """
    for i in range(len(rows)):
        row_key = fold(key, rows[i])
        for c in range(out.shape[1]):
            out[i, c] = float32((2.0 * unit(draw(row_key, c)) - 1.0) * bound)


@njit(cache=True, nogil=True)
def fill_normal(key, rows, scale, out):
    """Write normal numbers with this standard deviation (Box and Muller 1958).

    Parameters
    ----------
    key : uint64
    rows : ndarray of shape (n_rows,), int64
        Numbers of the rows of the table.
    scale : float32
    out : ndarray of shape (n_rows, width), float32
    """
    for i in range(len(rows)):
        row_key = fold(key, rows[i])
        for c in range(0, out.shape[1], 2):
            radius = scale * np.sqrt(-2.0 * np.log(1.0 - unit(draw(row_key, uint64(c)))))
            angle = 2.0 * np.pi * unit(draw(row_key, uint64(c) + uint64(1)))
            out[i, c] = float32(radius * np.cos(angle))
            if c + 1 < out.shape[1]:
                out[i, c + 1] = float32(radius * np.sin(angle))
