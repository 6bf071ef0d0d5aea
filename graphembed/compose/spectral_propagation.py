"""SpectralPropagation: smooth the vectors of any embedder over the graph."""

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph


class SpectralPropagation(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Smooth vectors of nodes by a filter over the spectrum of their graph.

    The second half of :class:`graphembed.ProNE`, after any embedder: vectors of nodes in, as many
    smoothed ones out. With :math:`\hat A = A + w I` (:math:`w` is the mean weight of an edge) and
    :math:`M = (1 - \mu) I - \hat D^{-1} \hat A`,

    .. math:: b = x - I_0(\theta) x
        - 2 \sum_{k=1}^{K-1} (-1)^k I_k(\theta) \, T_k(\tfrac{1}{2} M^2 - I) \, x, \qquad
        P b = U \Sigma V^T, \quad Z = \mathcal{N}(U \Sigma^{1/2})

    where :math:`I_k` are modified Bessel functions, :math:`T_k` Chebyshev polynomials,
    :math:`P = D^{-1} A` and :math:`\mathcal{N}` divides each row by its norm.

    Parameters
    ----------
    graph : Graph
        Shared, not copied, by clones. A directed graph is followed along its edges.
    order : int, default=10
        Terms :math:`K` of the filter.
    mu : float, default=0.2
        Centre of the filter's band.
    theta : float, default=0.5
        Sharpness of the filter's band.
    normalize : bool, default=True
        Whether rows are divided by their norm, before and after.
    n_jobs : int or None, default=-1
        Threads; -1 means all cores. The result does not depend on it.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_components), float32
        :math:`V \Sigma^{-1/2}`, of the vectors of fit.
    n_features_in_ : int
        Number of columns seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, an edge has a negative weight, or there is not one row
        for each node.

    See Also
    --------
    graphembed.ProNE : A sparse factorisation, smoothed like this.

    Notes
    -----
    A node without (out-)edges becomes a row of zeros. Columns are ordered by descending
    :math:`\Sigma`; those that depend on others become 0, at the end.

    References
    ----------
    Zhang, Dong, Wang, Tang and Ding (2019), ProNE: Fast and Scalable Network Representation
    Learning, IJCAI.

    Examples
    --------
    >>> import graphembed as ge
    >>> from sklearn.pipeline import make_pipeline
    >>> graph = ge.datasets.load("karate").graph
    >>> fastrp = ge.FastRP(n_components=8, random_state=0)
    >>> make_pipeline(fastrp, ge.SpectralPropagation(graph)).fit_transform(graph).shape
    (34, 8)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "graph": [Graph],
        "order": [Interval(Integral, 1, None, closed="left")],
        "mu": [Interval(Real, None, None, closed="neither")],
        "theta": [Interval(Real, 0, None, closed="neither")],
        "normalize": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        graph: Any,
        *,
        order: int = 10,
        mu: float = 0.2,
        theta: float = 0.5,
        normalize: bool = True,
        n_jobs: int | None = -1,
    ) -> None:
        self.graph = graph
        self.order = order
        self.mu = mu
        self.theta = theta
        self.normalize = normalize
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the rotation and scale of the smoothed vectors.

        Parameters
        ----------
        X : array-like of shape (n_nodes, n_components)
            One vector for each node, in the order of ``graph.nodes``.
        y : ignored
            Present for scikit-learn.

        Returns
        -------
        self
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> npt.NDArray[np.float32]:  # noqa: ARG002
        """Smooth vectors.

        Parameters
        ----------
        X : array-like of shape (n_nodes, n_components)
            One vector for each node, in the order of ``graph.nodes``.
        y : ignored
            Present for scikit-learn.

        Returns
        -------
        ndarray of shape (n_nodes, n_components), float32
        """
        from graphembed.factorization.spectral_filter import compression

        mean = self._smoothed(X, reset=True)
        self.components_ = compression(mean, self.n_jobs)
        return self._rotated(mean)

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """Smooth vectors of the same nodes, with the rotation and scale of fit.

        Parameters
        ----------
        X : array-like of shape (n_nodes, n_components)
            One vector for each node, in the order of ``graph.nodes``.

        Returns
        -------
        ndarray of shape (n_nodes, n_components), float32

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        """
        check_is_fitted(self)
        return self._rotated(self._smoothed(X, reset=False))

    def _smoothed(self, X: Any, *, reset: bool) -> npt.NDArray[np.float32]:
        from graphembed.factorization.spectral_filter import SpectralFilter, scale_rows

        self._validate_params()
        vectors = validate_data(self, X, reset=reset, dtype=np.float32, order="C", copy=True)
        graph = self.graph.without_relations()
        if len(vectors) != graph.n_nodes:
            raise GraphError(
                f"SpectralPropagation expects one row for each of the {graph.n_nodes} nodes of its "
                f"graph, in the order of graph.nodes; got {len(vectors)}."
            )
        if graph.weights is not None and graph.weights.min(initial=0) < 0:
            raise GraphError(
                "SpectralPropagation expects non-negative edge weights; the smallest is "
                f"{graph.weights.min():g}. Drop such edges, or take the absolute values."
            )
        if self.normalize:
            scale_rows(vectors)
        walk = SpectralFilter(graph, self.order, self.mu, self.theta, self.n_jobs)
        return walk.average(walk.apply(vectors))

    def _rotated(self, mean: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        from graphembed.factorization.spectral_filter import scale_rows
        from graphembed.factorization.tall_matrices import multiply

        result = multiply(mean, self.components_, mean, n_jobs=self.n_jobs)
        return scale_rows(result) if self.normalize else result
