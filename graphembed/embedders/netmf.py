"""NetMF: factorisation of what DeepWalk would learn from infinitely many walks."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval

from graphembed.base import BaseEmbedder, Embedding
from graphembed.callbacks import progress
from graphembed.graph.graph import Graph
from graphembed.random_state import draw_key

N_OVERSAMPLES = 16  # columns of the subspace beyond those wanted
TOLERANCE = 1e-3  # of the eigenvectors
NO_EIGENVALUE = 1e-5  # smaller ones are rounding errors of float32


class NetMF(BaseEmbedder):
    r"""Factorisation of the matrix that DeepWalk samples.

    .. math:: L = \ln \max(1, M), \qquad
        M = \frac{\mathrm{vol}}{b \, T} \Big(\sum_{r=1}^{T} P^r\Big) D^{-1}
        \approx X X^T, \qquad L \approx U \Lambda U^T, \quad
        Z = \mathcal{N}(L U |\Lambda|^{-1/2})

    where :math:`P = D^{-1} A`, vol is the sum of all degrees, and :math:`\mathcal{N}` divides each
    row by its norm. M is known through the leading eigenvalues :math:`\lambda` and eigenvectors
    V of :math:`D^{-1/2} A D^{-1/2}`:

    .. math:: X = \sqrt{\tfrac{\mathrm{vol}}{b}} \, D^{-1/2} V \sqrt{f(\lambda)}, \qquad
        f(\lambda) = \max\Big(0, \frac{1}{T} \sum_{r=1}^{T} \lambda^r\Big)

    The logarithm would fill n x n numbers. It is taken tile by tile, each of which is used and
    forgotten, so that memory grows with the number of nodes, not with its square; time does grow
    with the square.

    Parameters
    ----------
    n_components : int, default=128
        Columns of the embedding.
    window : int, default=10
        T: steps of a walk between a node and the last one it is seen with.
    n_negatives : float, default=1
        b: as in skip-gram; larger values leave fewer entries above 0.
    rank : int or None, default=256
        Eigenvectors that stand for the graph. None is all of them: M is then exact, whatever the
        window. That is for small graphs, as it takes ``n_nodes`` columns of memory.
    n_iter : int, default=3
        Products with L in which the factors are found.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores. The result does not depend on it.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        An int gives the same bits every time.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        One row of norm 1 per node; zero for a node without edges.
    factors_ : ndarray of shape (n_nodes, rank), float32
        :math:`X`; rank is at most the number of nodes.
    basis_ : ndarray of shape (n_nodes, n_components), float32
        :math:`U |\Lambda|^{-1/2}`, with the sign of :math:`\Lambda`.
    eigenvalues_ : ndarray of shape (rank,), float64
        :math:`\lambda`, descending.
    signs_ : ndarray of shape (rank,), float32
        1 where an eigenvalue takes part in M, 0 where not. Where M is exact, f is not clipped
        at 0 but enters with its sign, which may be -1.
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hashes of the fitted rows, by which ``transform`` recognises them.
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
    A new node with transition row :math:`p` has the factors :math:`x = p X \lambda^{-1}`, the
    matrix row :math:`\ln \max(1, x X^T)` and the vector that its product with ``basis_`` gives:
    what a fitted node gets, up to the error of the eigenvectors. A row that was fitted is
    recognised and gets the bits it has in ``embedding_``.

    The method is one of undirected graphs. Edges with directions count half in each direction:
    :math:`(A + A^T) / 2` is factorised, and is in memory for the time. A new node is placed by its
    out-edges. A factor on all weights changes nothing. A graph with fewer nodes than
    ``n_components`` leaves the last columns 0.

    Beyond about 100,000 nodes :class:`graphembed.ProNE` is the faster choice. Memory: the graph,
    ``embedding_``, and about eight times as much for its making with the default rank. Edges of an
    undirected graph that was opened from a store stay in its files, but for those of a few ranges
    of rows.

    References
    ----------
    Qiu, Dong, Ma, Li, Wang and Tang (2018), Network Embedding as Matrix Factorization: Unifying
    DeepWalk, LINE, PTE, and node2vec, WSDM.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("karate").graph
    >>> model = ge.NetMF(n_components=16, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (34, 16)
    >>> model.vectors_.neighbors([33], k=2).ids.shape
    (1, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "window": [Interval(Integral, 1, None, closed="left")],
        "n_negatives": [Interval(Real, 0, None, closed="neither")],
        "rank": [Interval(Integral, 1, None, closed="left"), None],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        window: int = 10,
        n_negatives: float = 1,
        rank: int | None = 256,
        n_iter: int = 3,
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.window = window
        self.n_negatives = n_negatives
        self.rank = rank
        self.n_iter = n_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Embedding:
        from graphembed.training.folding import graph_keys

        self.row_keys_ = graph_keys(graph, self.n_jobs)
        with progress(1 + self.n_iter, "NetMF", "step") as done:
            self._factorize_walks(graph, draw_key(rng))
            done(1)
            return self._factorize_logarithm(draw_key(rng), done)

    def _factorize_walks(self, graph: Graph, seed: int) -> None:
        """Set the factors of M, from the eigenvectors of the normalised adjacency."""
        from graphembed.factorization.graph_rows import degree_sums
        from graphembed.factorization.leading_eigenvectors import leading_eigenvectors
        from graphembed.factorization.operators import SparseOperator
        from graphembed.factorization.symmetry import symmetric_part

        graph = _summable(symmetric_part(graph))
        degrees = degree_sums(graph, self.n_jobs)
        inverse = np.divide(1, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
        scale = inverse.astype(np.float32)
        adjacency = SparseOperator.from_graph(graph, left=scale, right=scale)
        rank = graph.n_nodes if self.rank is None else min(self.rank, graph.n_nodes)
        found = leading_eigenvectors(adjacency, rank, tol=TOLERANCE, seed=seed, n_jobs=self.n_jobs)
        self.eigenvalues_ = np.where(np.abs(found.values) > NO_EIGENVALUE, found.values, 0)
        sums = self._window_sums()
        if rank < graph.n_nodes:  # else nothing is missing, and M is exact
            sums = np.maximum(sums, 0)
        self.signs_ = np.sign(sums).astype(np.float32)
        sizes = np.sqrt(np.abs(sums) * degrees.sum() / self.n_negatives)
        self.factors_ = found.vectors
        self.factors_ *= sizes.astype(np.float32)
        self.factors_ *= scale[:, None]

    def _window_sums(self) -> npt.NDArray[np.float64]:
        """Return the mean over the window of the powers of each eigenvalue."""
        powers = self.eigenvalues_[:, None] ** np.arange(1, self.window + 1)
        sums: npt.NDArray[np.float64] = powers.mean(axis=1)
        return sums

    def _factorize_logarithm(self, seed: int, done: Any) -> Embedding:
        """Return the leading components of L, and set the basis that places new nodes."""
        from graphembed.factorization.spectral_filter import scale_rows
        from graphembed.factorization.tall_matrices import (
            RANK_TOLERANCE,
            fix_signs,
            gram,
            multiply,
            orthonormalize,
            small_eigh,
        )

        matrix, n_jobs = self._matrix(), self.n_jobs
        product = self._start(seed)
        for _ in range(self.n_iter):
            Q, _ = orthonormalize(product, n_jobs=n_jobs)
            product = matrix.matmat(Q, n_jobs=n_jobs)
            done(1)
        values, vectors = small_eigh(gram(Q, product, n_jobs=n_jobs))
        chosen = np.argsort(-np.abs(values), kind="stable")[: self.n_components]
        values, vectors = values[chosen], vectors[:, chosen]
        kept = np.abs(values) > RANK_TOLERANCE * np.abs(values).max(initial=0)
        weights = np.where(kept, np.abs(np.where(kept, values, 1)) ** -0.5, 0)
        vectors = vectors * np.sign(values) * weights
        vectors = np.pad(vectors, ((0, 0), (0, self.n_components - len(chosen))))
        embedding = multiply(product, vectors, n_jobs=n_jobs)
        signs = fix_signs(embedding)
        self.basis_ = multiply(Q, vectors * signs, n_jobs=n_jobs)
        embedding *= signs
        return scale_rows(embedding)

    def _start(self, seed: int) -> Embedding:
        """Return columns that span about what the leading eigenvectors of L do."""
        from graphembed.factorization.tall_matrices import random_rows

        n_nodes = len(self.factors_)
        width = min(self.n_components + N_OVERSAMPLES, n_nodes)
        start = random_rows(n_nodes, width, seed, n_jobs=self.n_jobs)
        known = np.flatnonzero(self.signs_)[: self.n_components]
        start[:, : len(known)] = self.factors_[:, known]
        return start

    def _matrix(self) -> Any:
        from graphembed.factorization.window_matrix import WindowMatrix

        return WindowMatrix(self.factors_, self.signs_ if (self.signs_ < 0).any() else None)

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        from graphembed.factorization.spectral_filter import (
            mean_rows,
            row_safe_weights,
            scale_rows,
        )
        from graphembed.training.folding import known_rows

        indptr, indices = block.indptr.astype(np.int64), block.indices.astype(np.int32)
        weights = row_safe_weights(indptr, block.data)
        rows = mean_rows(indptr, indices, weights, self.factors_, False, self.n_jobs)
        known = self.eigenvalues_ != 0
        rows *= np.divide(1, self.eigenvalues_, out=np.zeros(len(known)), where=known).astype(
            np.float32
        )
        placed = scale_rows(self._matrix().rows_matmat(rows, self.basis_, n_jobs=self.n_jobs))
        known, fitted = known_rows(block, self.row_keys_, n_jobs=self.n_jobs)
        placed[known] = self.embedding_[fitted]
        return placed


def _summable(graph: Graph) -> Graph:
    """Return the graph with weights, all times a power of two, that are safe to sum in float32."""
    from graphembed.factorization.graph_rows import release
    from graphembed.training.projection import safe_weights

    if safe_weights(graph.weights, lambda: release(graph)):
        return graph
    matrix = graph.to_scipy()
    matrix.data = np.ldexp(matrix.data, -np.frexp(matrix.data.max())[1])
    return Graph.from_scipy(matrix, nodes=graph.node_index, directed=graph.directed)
