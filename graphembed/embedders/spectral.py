"""Spectral embedding: leading eigenvectors of the normalised adjacency matrix."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions

from graphembed.base import BaseEmbedder, Embedding
from graphembed.callbacks import progress
from graphembed.engine import run_blocks
from graphembed.graph.graph import Graph
from graphembed.random_state import draw_key

# Share of the largest eigenvalue below which eigenvalues are rounding errors of float32.
ZERO = 1e-5
Degrees = npt.NDArray[np.float64]


class Spectral(BaseEmbedder):
    r"""Leading eigenvectors of the normalised adjacency matrix.

    .. math:: D_\tau^{-1/2} A \, D_\tau^{-1/2} \approx U \Lambda U^T, \qquad
        Z = \mathcal{N}(U \Lambda^{\alpha}), \quad
        D_\tau = D + \tau \bar{d} I

    where :math:`D` holds the degrees, :math:`\bar{d}` is their mean over nodes with edges,
    :math:`\Lambda` the ``n_components`` largest eigenvalues, and :math:`\mathcal{N}` divides each
    row by its norm. These are the smallest eigenvectors of the (regularised) Laplacian.

    Parameters
    ----------
    n_components : int, default=128
        Columns of the embedding: eigenvectors.
    normalization : {"adjacency", "random_walk"}, default="adjacency"
        "random_walk" multiplies the rows of U with :math:`D_\tau^{-1/2}`, which gives eigenvectors
        of :math:`D_\tau^{-1} A`. It makes a difference only with ``normalize=False``.
    regularization : float, default=0.1
        :math:`\tau`: what is added to each degree, as a share of the mean degree. Without it the
        leading eigenvectors of a sparse graph belong to its smallest components and to trees that
        dangle from the rest.
    exponent : float, default=1.0
        :math:`\alpha`, of the eigenvalues, from -10 to 10. 0 weighs all components the same.
    normalize : bool, default=True
        Whether rows are divided by their norm.
    tol : float, default=5e-3
        Largest residual of an eigenvector, as a share of the largest eigenvalue.
    max_restarts : int, default=6
        How often the search for eigenvectors begins anew from the best it has. What it has then is
        used, whatever its residuals.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores. The result does not depend on it.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        Of the vectors that the search begins with. An int gives the same bits every time.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        One row per node; zero for a node without edges. Components whose eigenvalue is not
        positive are zero.
    eigenvalues_ : ndarray of shape (n_components,), float64
        Descending; of a graph of fewer nodes than components, then zeros.
    residuals_ : ndarray of shape (n_components,), float64
        How far each is from being one: the norm of what its vector times the matrix has besides.
    basis_ : ndarray of shape (n_nodes, n_components), float32
        :math:`D_\tau^{-1/2} U \Lambda^{\alpha - 1}`. A node with adjacency row a and degree d has
        the embedding :math:`\mathcal{N}((d + \tau \bar{d})^{-1/2} \, a \, \text{basis})`.
    shift_ : float
        :math:`\tau \bar{d}`, in units of degrees.
    row_keys_ : ndarray of shape (n_nodes,) or (0,), uint64
        Hashes of the fitted rows, if edges have directions.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, or a weight of an edge is negative.

    Notes
    -----
    New nodes are placed by the formula that eigenvectors obey: one product of their row and
    ``basis_``. A row that was fitted gets the bits it has in ``embedding_``.

    Edges with directions count half in each direction: :math:`(A + A^T) / 2` is decomposed. Such a
    row, when it is given to ``transform``, is recognised if it equals a fitted one, and else placed
    by its out-edges.

    Memory: the graph, and three to four times ``embedding_``. Edges of an undirected graph that was
    opened from a store stay in its files, but for those of a few ranges of rows; they are read once
    for each 32 columns that are multiplied. Of edges with directions the symmetric part is made in
    memory.

    The sign of an eigenvector is chosen so that its largest absolute entry is positive.

    References
    ----------
    Chaudhuri, Chung and Tsiatas (2012), Spectral Clustering of Graphs with General Degrees in the
    Extended Planted Partition Model, COLT.

    Qin and Rohe (2013), Regularized Spectral Clustering under the Degree-Corrected Stochastic
    Blockmodel, NeurIPS.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.embedders.spectral import Spectral
    >>> graph = ge.datasets.load("karate").graph
    >>> model = Spectral(n_components=4, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (34, 4)
    >>> model.eigenvalues_.round(2).tolist()
    [0.91, 0.77, 0.64, 0.54]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "normalization": [StrOptions({"adjacency", "random_walk"})],
        "regularization": [Interval(Real, 0, None, closed="left")],
        "exponent": [Interval(Real, -10, 10, closed="both")],
        "normalize": ["boolean"],
        "tol": [Interval(Real, 0, 1, closed="neither")],
        "max_restarts": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        normalization: str = "adjacency",
        regularization: float = 0.1,
        exponent: float = 1.0,
        normalize: bool = True,
        tol: float = 5e-3,
        max_restarts: int = 6,
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.normalization = normalization
        self.regularization = regularization
        self.exponent = exponent
        self.normalize = normalize
        self.tol = tol
        self.max_restarts = max_restarts
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Embedding:
        from graphembed.factorization.graph_rows import degree_sums, release
        from graphembed.factorization.leading_eigenvectors import leading_eigenvectors
        from graphembed.factorization.operators import SparseOperator
        from graphembed.factorization.symmetry import symmetric_part
        from graphembed.factorization.tall_matrices import scale_rows_by
        from graphembed.training.folding import graph_keys

        symmetric = symmetric_part(graph)
        degrees = degree_sums(symmetric, self.n_jobs)
        with_edges = degrees > 0
        mean_degree = degrees[with_edges].mean() if with_edges.any() else 0.0
        self.shift_ = float(self.regularization * mean_degree)
        scale = self._scale(degrees)
        with progress(None, "Spectral", "product") as done:  # how many is not known beforehand
            found = leading_eigenvectors(
                SparseOperator.from_graph(symmetric, left=scale, right=scale), self.n_components,
                tol=self.tol, max_restarts=self.max_restarts, seed=draw_key(rng),
                n_jobs=self.n_jobs, on_done=done,
            )  # fmt: skip
        self.eigenvalues_, self.residuals_ = found.values, found.residuals
        self.basis_ = found.vectors
        self.basis_ *= self._component_weights()
        scale_rows_by(self.basis_, scale, self.basis_, n_jobs=self.n_jobs)
        # The rows of an undirected graph place themselves, to the same bits.
        is_own = symmetric is graph
        self.row_keys_ = np.empty(0, np.uint64) if is_own else graph_keys(graph, self.n_jobs)
        return self._rows(
            symmetric.indptr, symmetric.indices, symmetric.weights, degrees,
            on_read=lambda: release(symmetric),
        )  # fmt: skip

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        from graphembed.factorization.spectral_filter import row_sums
        from graphembed.training.folding import known_rows

        indptr, indices = block.indptr.astype(np.int64), block.indices.astype(np.int32)
        degrees = row_sums(indptr, block.data, self.n_jobs)
        rows = self._rows(indptr, indices, block.data, degrees)
        known, fitted = known_rows(block, self.row_keys_, n_jobs=self.n_jobs)
        rows[known] = self.embedding_[fitted]
        return rows

    def _rows(
        self,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        edge_weights: npt.NDArray[np.float32] | None,
        degrees: Degrees,
        on_read: Callable[[], None] = lambda: None,
    ) -> Embedding:
        """Return the embedding of nodes with these edges to fitted nodes."""
        from graphembed.factorization.graph_rows import row_blocks
        from graphembed.kernels.svd import normalize_rows, scaled_spmm

        scale = self._scale(degrees)
        if self.normalization == "random_walk":
            scale *= scale
        rows = np.empty((len(degrees), self.basis_.shape[1]), dtype=np.float32)

        def block(first: int, last: int) -> None:
            scaled_spmm(indptr, indices, edge_weights, scale, None, self.basis_, rows, first, last)
            if self.normalize:
                normalize_rows(rows, first, last)
            on_read()

        run_blocks(block, row_blocks(indptr), n_jobs=self.n_jobs)
        return rows

    def _scale(self, degrees: Degrees) -> npt.NDArray[np.float32]:
        """Return the diagonal of D_tau to the power -1/2; 0 for nodes without edges."""
        scale = np.zeros(len(degrees), dtype=np.float32)
        with_edges = degrees > 0
        scale[with_edges] = (degrees[with_edges] + self.shift_) ** -0.5
        return scale

    def _component_weights(self) -> npt.NDArray[np.float32]:
        """Return the eigenvalues to the power exponent - 1; 0 where they are not positive."""
        values = self.eigenvalues_
        positive = values > ZERO * np.abs(values).max(initial=0)
        weights = np.zeros(len(values), dtype=np.float32)
        weights[positive] = values[positive] ** (self.exponent - 1)
        return weights
