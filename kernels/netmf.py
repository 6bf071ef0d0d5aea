"""What NetMF does to each entry of a matrix that is never whole in memory."""

import numpy as np
from numba import float32, njit

from graphembed.kernels.vector_math import log1p

_ZERO, _ONE = np.float32(0), np.float32(1)
_LARGE = np.float32(3e38)  # a product that overflows counts as this


@njit(cache=True, nogil=True)
def truncated_log(tile):
    r"""Replace each entry by :math:`\ln \max(1, x)`, in place.

    Parameters
    ----------
    tile : ndarray of shape (n_rows, n_columns), float32, C-contiguous
        Without NaN.
    """
    for i in range(tile.shape[0]):
        row = tile[i]
        for j in range(row.shape[0]):
            above = float32(row[j] - _ONE)
            above = _ZERO if above < _ZERO else above
            row[j] = log1p(_LARGE if above > _LARGE else above)
