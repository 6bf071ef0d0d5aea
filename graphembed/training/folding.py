"""Where new nodes go beside a trained skip-gram: known rows are recognised, others are placed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks, split_by_weight
from graphembed.graph.graph import Graph
from graphembed.training.tiles import NOISE_EXPONENT, Table, alias_table

BLOCKS = 64
N_STEPS = 100  # measured: about where placed nodes are classified as well as fitted ones
Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]


def row_keys(matrix: Any, n_jobs: int | None = -1) -> Keys:
    """Return a hash of each row of a canonical csr matrix.

    Parameters
    ----------
    matrix : csr_array of shape (n_rows, n_columns), float32

    Returns
    -------
    ndarray of shape (n_rows,), uint64
        Rows with the same entries have the same hash.
    """
    return _hashes(matrix.indptr, matrix.indices, matrix.data, n_jobs)


def graph_keys(graph: Graph, n_jobs: int | None = -1) -> Keys:
    """Return :func:`row_keys` of a graph's adjacency, range by range of its rows."""
    keys = np.empty(graph.n_nodes, dtype=np.uint64)
    for p in range(graph.n_partitions):
        block = graph.csr(p)
        weights = block.weights
        if weights is None:
            weights = np.ones(len(block.indices), dtype=np.float32)
        keys[block.start : block.stop] = _hashes(block.indptr, block.indices, weights, n_jobs)
        graph.release()
    return keys


def known_rows(
    block: sp.csr_array,
    fitted_keys: Keys,
    *,
    keys: Keys | None = None,
    order: Rows | None = None,
    n_jobs: int | None = -1,
) -> tuple[Rows, Rows]:
    """Return which rows of a block equal a fitted node's row, and which node that is.

    Several nodes may have the same row, the leaves of a hub for instance. In a block of as many
    rows as nodes were fitted, row i is node i's if it equals that; otherwise nothing tells such
    nodes apart, and the first is meant.

    Parameters
    ----------
    block : csr_array of shape (n_new, n_fitted), float32
        Canonical. Rows without entries are nobody's.
    fitted_keys : ndarray of shape (n_fitted,), uint64
        From :func:`graph_keys`; may be empty.
    keys : ndarray of shape (n_new,), uint64, optional
        :func:`row_keys` of the block, if they are there already.
    order : ndarray of shape (n_fitted,), int64, optional
        Which sorts the fitted keys and leaves equal ones in their order, if it is there already.
    n_jobs : int or None, default=-1

    Returns
    -------
    rows : ndarray of int64
        Numbers of rows of the block.
    fitted : ndarray of int64
        For each, the number of a fitted node with that row.
    """
    if not len(fitted_keys):
        none = np.empty(0, dtype=np.int64)
        return none, none
    if keys is None:
        keys = row_keys(block, n_jobs)
    if order is None:
        order = np.argsort(fitted_keys, kind="stable")
    place = np.searchsorted(fitted_keys, keys, sorter=order)
    match = order[np.minimum(place, len(order) - 1)]
    if len(keys) == len(fitted_keys):
        match = np.where(keys == fitted_keys, np.arange(len(keys)), match)
    rows = np.flatnonzero((fitted_keys[match] == keys) & (np.diff(block.indptr) > 0))
    return rows, match[rows]


def _hashes(indptr: Any, indices: Any, data: Any, n_jobs: int | None) -> Keys:
    from graphembed.kernels.folding import hash_rows

    indptr, indices = indptr.astype(np.int64, copy=False), indices.astype(np.int32, copy=False)
    bits = np.ascontiguousarray(data, dtype=np.float32).view(np.uint32)
    keys = np.empty(len(indptr) - 1, dtype=np.uint64)
    run_blocks(
        lambda first, last: hash_rows(indptr, indices, bits, keys, first, last),
        split_by_weight(indptr, BLOCKS),
        n_jobs=n_jobs,
    )
    return keys


@dataclass(frozen=True)
class Folder:
    """Frozen tables of a trained skip-gram, beside which new nodes find their place.

    Parameters
    ----------
    embedding, context : ndarray of shape (n_fitted, d), float32
    visits : ndarray of shape (n_fitted,), float32
        How often walks visited each node; negatives follow it.
    fitted_keys : ndarray of shape (n_fitted,), uint64
        From :func:`row_keys`.
    n_negatives : int
    learning_rate : float
    n_jobs : int or None
    """

    embedding: Table
    context: Table
    visits: Table
    fitted_keys: Keys
    n_negatives: int
    learning_rate: float
    n_jobs: int | None

    def place(self, block: sp.csr_array) -> Table:
        """Return a vector for each row of edges to fitted nodes, each row by itself.

        A row that equals a fitted node's row is that node (the first of them) and gets its
        vector. What another row gets depends on its own entries alone.

        Parameters
        ----------
        block : csr_array of shape (n_new, n_fitted), float32
            Canonical, non-negative.
        """
        from graphembed.kernels.folding import fold_in

        keys = row_keys(block, self.n_jobs)
        rows = np.empty((block.shape[0], self.embedding.shape[1]), dtype=np.float32)
        frequencies = np.maximum(self.visits, 1) ** np.float32(NOISE_EXPONENT)
        table = alias_table(np.array([0, len(frequencies)]), frequencies)
        indptr, indices = block.indptr.astype(np.int64), block.indices.astype(np.int32)
        rate = np.float32(self.learning_rate)
        run_blocks(
            lambda first, last: fold_in(
                indptr, indices, block.data, keys, self.embedding, self.context, table,
                N_STEPS, self.n_negatives, rate, rows, first, last,
            ),
            split_by_weight(indptr, BLOCKS),
            n_jobs=self.n_jobs,
        )  # fmt: skip
        known, fitted = known_rows(block, self.fitted_keys, keys=keys)
        rows[known] = self.embedding[fitted]
        return rows
