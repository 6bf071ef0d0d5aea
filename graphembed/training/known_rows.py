"""Recognise rows of an adjacency block that were fitted."""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.training.folding import Keys, row_keys

Rows = npt.NDArray[np.int64]


def known_rows(
    block: sp.csr_array, fitted_keys: Keys, *, n_jobs: int | None = -1
) -> tuple[Rows, Rows]:
    """Return which rows of a block equal a fitted node's row, and which node that is.

    Parameters
    ----------
    block : csr_array of shape (n_new, n_fitted), float32
        Canonical. Rows without entries are nobody's.
    fitted_keys : ndarray of shape (n_fitted,), uint64
        From :func:`graphembed.training.folding.graph_keys`; may be empty.
    n_jobs : int or None, default=-1

    Returns
    -------
    rows : ndarray of int64
        Numbers of rows of the block.
    fitted : ndarray of int64
        For each, the number of the first fitted node with that row.
    """
    if not len(fitted_keys):
        none = np.empty(0, dtype=np.int64)
        return none, none
    keys = row_keys(block, n_jobs)
    order = np.argsort(fitted_keys, kind="stable")
    place = np.searchsorted(fitted_keys, keys, sorter=order)
    match = order[np.minimum(place, len(order) - 1)]
    rows = np.flatnonzero((fitted_keys[match] == keys) & (np.diff(block.indptr) > 0))
    return rows, match[rows]
