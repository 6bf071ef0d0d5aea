"""The proximity of neighbours that ProNE factorises: one number for each edge, none elsewhere."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.engine import run_blocks, split_by_weight
from graphembed.factorization.operators import SparseOperator
from graphembed.factorization.spectral_filter import SpectralFilter
from graphembed.factorization.tall_matrices import Matrix
from graphembed.graph.graph import Graph

BLOCKS = 64  # ranges of rows; the result does not depend on it
NOISE_EXPONENT = 0.75


def log_proximity(walk: SpectralFilter) -> SparseOperator:
    r"""Return the matrix of ProNE, with entries where the graph has edges.

    .. math:: F_{ij} = \ln p_{ij} - \ln q_j, \qquad
        p_{ij} = \frac{A_{ij}}{d_i}, \quad q_j \propto \Big(\sum_i p_{ij}\Big)^{3/4}

    Parameters
    ----------
    walk : SpectralFilter
        Holds the graph and its transition matrix.
    """
    from graphembed.kernels.spectral_filter import add_shares

    graph, degrees = walk.graph, walk.degrees
    shares = np.zeros(graph.n_nodes)
    add_shares(graph.indptr, graph.indices, walk.weights, degrees, shares)
    noise = shares**NOISE_EXPONENT
    # Rows and columns without entries have no logarithm and need none.
    log_degrees = np.log(np.where(degrees > 0, degrees, 1))
    log_noise = np.log(np.where(noise > 0, noise / max(noise.sum(), 1e-300), 1))
    values = _log_ratios(graph, walk.weights, log_degrees, log_noise, walk.n_jobs)
    return SparseOperator(
        graph.indptr, graph.indices, values, graph.n_nodes,
        transposed=_transposed(
            graph, values,
            lambda: _log_ratios(graph, walk.weights, log_noise, log_degrees, walk.n_jobs),
        ),
    )  # fmt: skip


def _transposed(graph: Graph, values: Matrix, mirrored: Callable[[], Matrix]) -> tuple[Any, ...]:
    """Return the transposed matrix; that of an undirected graph has the same pattern."""
    if not graph.directed:
        return graph.indptr, graph.indices, mirrored()
    parts = (values, graph.indices, graph.indptr)
    turned = sp.csr_array(sp.csr_array(parts, shape=(graph.n_nodes, graph.n_nodes)).T)
    return turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data


def _log_ratios(
    graph: Graph,
    weights: Matrix | None,
    log_rows: npt.NDArray[np.float64],
    log_columns: npt.NDArray[np.float64],
    n_jobs: int | None,
) -> Matrix:
    from graphembed.kernels.spectral_filter import log_ratios

    out = np.empty(len(graph.indices), dtype=np.float32)
    run_blocks(
        lambda first, last: log_ratios(
            graph.indptr, graph.indices, weights, log_rows, log_columns, out, first, last
        ),
        split_by_weight(graph.indptr, BLOCKS),
        n_jobs=n_jobs,
    )
    return out
