"""The proximity of neighbours that ProNE factorises: one number for each edge, none elsewhere."""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.factorization.graph_rows import degree_sums, frozen_block, over_rows, row_blocks
from graphembed.factorization.symmetry import reversed_graph
from graphembed.factorization.tall_matrices import Matrix
from graphembed.graph.graph import Graph

NOISE_EXPONENT = 0.75


class LogProximity:
    r"""The matrix of ProNE, with entries where the graph has edges, known by its products.

    .. math:: F_{ij} = \ln p_{ij} - \ln q_j, \qquad
        p_{ij} = \frac{A_{ij}}{d_i}, \quad q_j \propto \Big(\sum_i p_{ij}\Big)^{3/4}

    Parameters
    ----------
    graph : Graph
        Its weights are positive.
    n_jobs : int or None, default=-1
        Threads; the result does not depend on it.

    Notes
    -----
    Entries are made when they are needed, a range of rows at a time: they would take 8 bytes for
    each edge and direction.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed import Graph
    >>> from graphembed.factorization.proximity import LogProximity
    >>> path = Graph.from_edges([0, 1], [1, 2])
    >>> LogProximity(path).matmat(np.eye(3, dtype=np.float32)).round(2)
    array([[0.  , 0.53, 0.  ],
           [0.88, 0.  , 0.88],
           [0.  , 0.53, 0.  ]], dtype=float32)
    """

    def __init__(self, graph: Graph, n_jobs: int | None = -1) -> None:
        self.shape = (graph.n_nodes, graph.n_nodes)
        self._graph, self._reversed = graph, reversed_graph(graph)
        degrees = degree_sums(graph, n_jobs)
        noise = _shares(graph, degrees) ** NOISE_EXPONENT
        # Rows and columns without entries have no logarithm and need none.
        self._log_degrees = np.log(np.where(degrees > 0, degrees, 1))
        self._log_noise = np.log(np.where(noise > 0, noise / max(noise.sum(), 1e-300), 1))

    def matmat(self, X: Matrix, out: Matrix | None = None, *, n_jobs: int | None = -1) -> Matrix:
        """Return F times X.

        Parameters
        ----------
        X : ndarray of shape (n_nodes, k), float32
        out : ndarray of shape (n_nodes, k), float32, C-contiguous, optional
            Where to write it; may be X itself.
        n_jobs : int or None, default=-1

        Returns
        -------
        ndarray of shape (n_nodes, k), float32
        """
        return _product(self._graph, self._log_degrees, self._log_noise, X, out, n_jobs)

    def rmatmat(self, X: Matrix, out: Matrix | None = None, *, n_jobs: int | None = -1) -> Matrix:
        """Return the transposed F times X; parameters as of :meth:`matmat`."""
        return _product(self._reversed, self._log_noise, self._log_degrees, X, out, n_jobs)


def _shares(graph: Graph, degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sum of each column of the transition matrix, in the order of rows."""
    from graphembed.kernels.spectral_filter import add_shares

    shares = np.zeros(graph.n_nodes)

    def add(first: int, last: int) -> None:
        block = frozen_block(graph, first, last)
        add_shares(block.indptr, block.indices, block.weights, degrees[first:last], shares)

    over_rows(graph, add, n_jobs=1)
    return shares


def _product(
    graph: Graph,
    log_rows: npt.NDArray[np.float64],
    log_columns: npt.NDArray[np.float64],
    X: Matrix,
    out: Matrix | None,
    n_jobs: int | None,
) -> Matrix:
    from graphembed.kernels.spectral_filter import log_ratios
    from graphembed.kernels.svd import scaled_spmm

    result: Any = np.empty((graph.n_nodes, X.shape[1]), np.float32) if out is None else out
    X = np.array(X, dtype=np.float32, order="C", copy=True if result is X else None)

    def fill(first: int, last: int) -> None:
        block = frozen_block(graph, first, last)
        values = np.empty(len(block.indices), dtype=np.float32)
        log_ratios(
            block.indptr, block.indices, block.weights, log_rows[first:last], log_columns, values,
            0, last - first,
        )  # fmt: skip
        scaled_spmm(
            block.indptr, block.indices, values, None, None, X, result[first:last], 0, last - first
        )

    over_rows(graph, fill, row_blocks(graph.indptr), n_jobs=n_jobs)
    return result  # type: ignore[no-any-return]
