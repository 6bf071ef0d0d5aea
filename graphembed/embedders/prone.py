"""ProNE: a sparse factorisation, smoothed by a filter over the spectrum of the graph."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval

from graphembed.base import BaseEmbedder, Embedding
from graphembed.callbacks import Progress, progress
from graphembed.graph.graph import Graph
from graphembed.random_state import draw_key

N_OVERSAMPLES = 16  # columns of the random start beyond those wanted


class ProNE(BaseEmbedder):
    r"""Factorisation of a sparse proximity matrix, and spectral propagation of the result.

    First a matrix that has an entry for each edge and nothing else is factorised,

    .. math:: F_{ij} = \ln \frac{A_{ij}}{d_i} - \ln q_j \approx U \Sigma V^T, \qquad
        q_j \propto \Big(\sum_i \frac{A_{ij}}{d_i}\Big)^{3/4}, \qquad
        a = \mathcal{N}(U \Sigma^{1/2})

    where :math:`\mathcal{N}` divides each row by its norm. Then a band-pass filter over the
    spectrum of the graph smooths it: with :math:`\hat A = A + w I` (:math:`w` is the mean weight
    of an edge) and :math:`M = (1 - \mu) I - \hat D^{-1} \hat A`,

    .. math:: b = a - I_0(\theta) a
        - 2 \sum_{k=1}^{K-1} (-1)^k I_k(\theta) \, T_k(\tfrac{1}{2} M^2 - I) \, a, \qquad
        P b = U' \Sigma' V'^T, \quad Z = \mathcal{N}(U' \Sigma'^{1/2})

    with modified Bessel functions :math:`I_k`, Chebyshev polynomials :math:`T_k` and the
    transition matrix :math:`P = D^{-1} A`. All of it is products of sparse and dense matrices.

    Parameters
    ----------
    n_components : int, default=128
        Columns of the embedding.
    order : int, default=10
        Terms :math:`K` of the filter; 1 leaves out the smoothing, but for the last mean over
        neighbours.
    mu : float, default=0.2
        Centre of the filter's band.
    theta : float, default=0.5
        Sharpness of the filter's band.
    n_iter : int, default=5
        Power iterations of the factorisation; fewer are faster and less exact.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores. The result does not depend on it.
    random_state : int, SeedSequence, Generator, RandomState or None, default=None
        An int gives the same bits every time.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        One row of norm 1 per node; zero for a node without (out-)edges.
    basis_ : ndarray of shape (n_nodes, n_components), float32
        :math:`b V' \Sigma'^{-1/2}`. A new node with transition row :math:`p` is placed exactly as
        if it had been fitted without changing the others: :math:`z = \mathcal{N}(p \, basis)`.
    singular_values_ : ndarray of shape (n_components,), float32
        :math:`\Sigma` of the first factorisation, descending.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, or a weight of an edge is negative.

    See Also
    --------
    graphembed.SpectralPropagation : The same filter after any other embedder.

    Notes
    -----
    It differs from the paper in the last product: that with :math:`A + I`, for which a new node
    would need a row of its own beforehand. Scores are the same, and placing is exact.

    A directed graph is followed along its edges: a node is described by where they lead. A factor
    on all weights changes nothing. A graph with fewer nodes than ``n_components`` leaves the last
    columns 0.

    Memory: the graph, and about four times the output. Edges of an undirected graph that was opened
    from a store stay in its files, but for those of a few ranges of rows; they are read once for
    each of the ``2 * (n_iter + order) + 3`` products. Edges with directions are turned round in
    memory, and weights beyond 2 :sup:`60` or below 2 :sup:`-60` are copied.

    References
    ----------
    Zhang, Dong, Wang, Tang and Ding (2019), ProNE: Fast and Scalable Network Representation
    Learning, IJCAI.

    Examples
    --------
    >>> import graphembed as ge
    >>> graph = ge.datasets.load("karate").graph
    >>> model = ge.ProNE(n_components=16, random_state=0).fit(graph)
    >>> model.embedding_.shape
    (34, 16)
    >>> model.vectors_.neighbors([33], k=2).ids.shape
    (1, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "order": [Interval(Integral, 1, None, closed="left")],
        "mu": [Interval(Real, None, None, closed="neither")],
        "theta": [Interval(Real, 0, None, closed="neither")],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: int = 128,
        *,
        order: int = 10,
        mu: float = 0.2,
        theta: float = 0.5,
        n_iter: int = 5,
        n_jobs: int | None = -1,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.order = order
        self.mu = mu
        self.theta = theta
        self.n_iter = n_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Embedding:
        from graphembed.factorization.spectral_filter import SpectralFilter, compression
        from graphembed.factorization.tall_matrices import multiply

        walk = SpectralFilter(graph, self.order, self.mu, self.theta, self.n_jobs)
        with progress(2 * self.n_iter + walk.n_terms + 3, "ProNE", "step") as done:
            factor = self._factorize(graph, draw_key(rng), done)
            smooth = walk.apply(factor, done)
            del factor
            weights = compression(walk.average(smooth), self.n_jobs)
            self.basis_ = multiply(smooth, weights, smooth, n_jobs=self.n_jobs)
            embedding = walk.average(self.basis_, normalize=True)
            done(1)
        return embedding

    def _factorize(self, graph: Graph, seed: int, done: Progress) -> npt.NDArray[np.float32]:
        """Return the leading left singular vectors, scaled, as rows of norm 1."""
        from graphembed.factorization.proximity import LogProximity
        from graphembed.factorization.randomized_svd import randomized_svd
        from graphembed.factorization.spectral_filter import scale_rows

        found = randomized_svd(
            LogProximity(graph, self.n_jobs), self.n_components, n_oversamples=N_OVERSAMPLES,
            n_iter=self.n_iter, seed=seed, n_jobs=self.n_jobs, on_done=done,
        )  # fmt: skip
        self.singular_values_ = found.s
        factor = found.U
        factor *= np.sqrt(found.s)
        return scale_rows(factor)

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        from graphembed.factorization.spectral_filter import mean_rows, row_safe_weights

        indptr, indices = block.indptr.astype(np.int64), block.indices.astype(np.int32)
        weights = row_safe_weights(indptr, block.data)
        return mean_rows(indptr, indices, weights, self.basis_, True, self.n_jobs)
