"""Adapters that make node ids the samples of scikit-learn."""

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import Tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex


class NodeFeatures(TransformerMixin, BaseEstimator):
    """Vectors of nodes as features: node ids in, rows of an embedding out.

    The graph is a parameter, the ids are the samples: cross-validation splits the labels, never
    the graph (the transductive setting). Each fit embeds the whole graph again; give a pipeline
    ``memory=``, or freeze a fitted adapter with ``sklearn.frozen.FrozenEstimator``, where the
    embedding does not change.

    Parameters
    ----------
    embedder : embedder
        Cloned in fit; its parameters are searched as ``embedder__n_components`` and so on.
    graph : Graph
        Shared, not copied, by clones.

    Attributes
    ----------
    embedder_ : embedder
        Fitted on ``graph``.
    n_features_in_ : int
        Always 1: one column of ids.

    Examples
    --------
    >>> import graphembed as ge
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> graph = ge.Graph.from_edges(["ann", "bob", "cat", "dan"], ["bob", "cat", "ann", "ann"])
    >>> nodes = ge.NodeFeatures(ge.FastRP(n_components=4, random_state=0), graph)
    >>> model = make_pipeline(nodes, LogisticRegression())
    >>> model.fit(["ann", "bob", "dan"], [1, 1, 0]).predict(["cat"]).shape
    (1,)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "embedder": [HasMethods("fit")],
        "graph": [Graph],
    }

    def __init__(self, embedder: Any, graph: Any) -> None:
        self.embedder = embedder
        self.graph = graph

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Embed the graph.

        Parameters
        ----------
        X : array-like or data frame of shape (n_ids,) or (n_ids, 1)
            Node ids; checked, but the embedding does not depend on which they are.
        y : ignored
            Present for scikit-learn.

        Returns
        -------
        self

        Raises
        ------
        UnknownNodeError
            If an id is not in the graph.
        ValueError
            If ``X`` has several columns, or a parameter is of the wrong kind.
        """
        self._validate_params()
        self.graph.node_index.rows(_one_column(X))
        self.embedder_ = clone(self.embedder).fit(self.graph)
        self.n_features_in_ = 1
        return self

    def transform(self, X: Any) -> npt.NDArray[Any]:
        """Return the vectors of some nodes.

        Parameters
        ----------
        X : array-like or data frame of shape (n_ids,) or (n_ids, 1)
            Node ids; they may repeat.

        Returns
        -------
        ndarray of shape (n_ids, n_components)

        Raises
        ------
        UnknownNodeError
            If an id is not in the graph.
        ValueError
            If ``X`` has several columns.
        """
        check_is_fitted(self)
        # Not of self.graph, which may have been set to another since.
        index: NodeIndex = self.embedder_.node_index_
        rows = index.rows(_one_column(X))
        embedding: npt.NDArray[Any] = self.embedder_.embedding_
        return embedding[rows]

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[Any]:  # noqa: ARG002
        """Return the names of the columns: the embedder's name and a number.

        Parameters
        ----------
        input_features : ignored
            Present for scikit-learn.

        Returns
        -------
        ndarray of shape (n_components,), object
        """
        check_is_fitted(self)
        prefix = type(self.embedder_).__name__.lower()
        n_components = self.embedder_.embedding_.shape[1]
        return np.asarray([f"{prefix}{column}" for column in range(n_components)], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedder_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = True
        tags.input_tags.string = True
        return tags


def _one_column(X: Any) -> Any:
    """Return the ids as one column; scikit-learn hands over (n, 1) arrays and frames as well."""
    if isinstance(X, list | tuple) and X and isinstance(X[0], list | tuple | np.ndarray):
        X = np.array(X, dtype=object)
    if len(getattr(X, "shape", ())) < 2:
        return X
    if X.shape[1] != 1:
        raise ValueError(f"Expected one column of node ids; got shape {tuple(X.shape)}.")
    array = np.asarray(X)
    return array[:, 0]
