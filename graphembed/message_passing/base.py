"""What an embedder with a trained network does: vectors of any graph, labels, new nodes."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit, softmax
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from graphembed.base import BaseEmbedder, Embedding, canonical
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.message_passing.features import FeatureEncoder
from graphembed.message_passing.label_score import label_score
from graphembed.message_passing.network import Architecture, build_network
from graphembed.message_passing.new_nodes import FittedGraph, without_edges
from graphembed.message_passing.targets import Targets, decode
from graphembed.message_passing.weights import Weights, into_module
from graphembed.training.folding import known_rows

SUPERVISED = "supervised"


def _objective(estimator: Any) -> str:
    """Return what it was fitted for, if it was: parameters may have been set since."""
    fitted = getattr(estimator, "architecture_", None)
    objective: str = estimator.objective if fitted is None else fitted["objective"]
    return objective


def _is_supervised(estimator: Any) -> bool:
    objective = _objective(estimator)
    if objective != SUPERVISED:
        name = type(estimator).__name__
        has = "was fitted with" if hasattr(estimator, "architecture_") else "has"
        raise AttributeError(
            f"Only {name}(objective='supervised') predicts labels; this one {has} objective="
            f"{objective!r}."
        )
    return True


class NetworkEmbedder(BaseEmbedder):
    """An embedder whose vectors a network makes of features; a concrete class trains it.

    It has the parameters ``objective`` and ``n_jobs``.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
    weights_ : Weights
    architecture_ : dict
        From which, with the weights, the network is made again.
    features_ : dict
        The state of the encoder of features.
    classes_ : ndarray of shape (n_classes,)
    graph_ : Graph
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hash of each node's row of the adjacency, by which ``transform`` recognises it.
    """

    recomputes: ClassVar[bool] = True
    objective: str
    n_jobs: int | None
    weights_: Weights
    architecture_: Architecture

    def transform(self, X: Any) -> Embedding:
        """Return vectors for the nodes of a graph, or for the rows of an adjacency block.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_new, n_fitted)
            For a graph: every row is computed from it, with its features, whether its nodes were
            fitted or not. For a block: each row is a new node with its edges to the fitted nodes,
            in the order of ``nodes_``; see the notes of the class.

        Returns
        -------
        ndarray of shape (n_rows, n_components), float32

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        ValueError
            If a block has another number of columns than there are fitted nodes, or the graph has
            not the features that were fitted.
        """
        return self._vectors_of(X)

    @available_if(_is_supervised)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the probabilities of the classes, or of each label.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_new, n_fitted)
            As for :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), float32
        """
        scores = self._class_scores(X).astype(np.float64)
        if self.architecture_["multilabel"]:
            return expit(scores).astype(np.float32)
        return softmax(scores, axis=1).astype(np.float32)

    @available_if(_is_supervised)  # type: ignore[untyped-decorator]
    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable class of each node, or its labels.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_new, n_fitted)
            As for :meth:`transform`.

        Returns
        -------
        ndarray of shape (n_rows,), or (n_rows, n_labels) of 0 and 1
        """
        scores = self._class_scores(X)
        kind = "multilabel" if self.architecture_["multilabel"] else "multiclass"
        return decode(kind, self.classes_, scores)

    @available_if(_is_supervised)  # type: ignore[untyped-decorator]
    def score(self, X: Any, y: Any) -> float:
        """Return accuracy, or of labels micro-averaged F1, over the nodes whose labels are known.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_new, n_fitted)
            As for :meth:`transform`.
        y : array-like
            As for :meth:`fit`.

        Returns
        -------
        float
        """
        scores = self._class_scores(X)
        nodes = X if isinstance(X, Graph) else without_edges(len(scores))
        targets = Targets.parse(nodes, y, classes=self.classes_)
        targets.check_kind("multilabel" if self.architecture_["multilabel"] else "multiclass")
        return label_score(scores[targets.mask], targets.values[targets.mask])

    def to_torch(self) -> Any:
        """Return the network as a ``torch.nn.Module`` of ``torch_geometric`` layers.

        Of a graph without weights ``module(x, edge_index)`` gives ``embedding_``, up to rounding,
        or with ``objective="supervised"`` the scores of the classes (logits); ``x`` are scaled
        features, :meth:`encoded_features`.
        """
        check_is_fitted(self)
        supervised = _objective(self) == SUPERVISED
        return (self._classifier if supervised else self._network["encoder"]).to_torch()

    def encoded_features(self, graph: Graph) -> Any:
        """Return the features of a graph as the network reads them.

        Parameters
        ----------
        graph : Graph

        Returns
        -------
        ndarray or csr_array of shape (n_nodes, n_features), float32
        """
        check_is_fitted(self)
        if not isinstance(graph, Graph):
            raise GraphError(
                f"encoded_features expects a Graph; got {type(graph).__name__}. Make one of a "
                "matrix with graphembed.Graph.from_scipy."
            )
        return FeatureEncoder.from_state(self.features_).transform(graph)

    @property
    def _network(self) -> Any:
        """The network of ``weights_``, made when it is first needed with so many threads."""
        made = getattr(self, "_made", None)
        if made is None or made["encoder"].n_jobs != self.n_jobs:
            made = build_network(self.architecture_, n_jobs=self.n_jobs)
            into_module(made, self.weights_)
            self._made = made.eval()
        return self._made

    @property
    def _classifier(self) -> Any:
        """All layers, from features to the scores of classes."""
        return self._network["encoder"].then(self._network["head"].layer)

    def _inferred(self, graph: Graph, features: Any, encoder: Any = None) -> Embedding:
        from graphembed.message_passing.inference import embed_layerwise

        return embed_layerwise(
            self._network["encoder"] if encoder is None else encoder, features, graph,
            direction=self.architecture_["direction"], n_jobs=self.n_jobs,
        )  # fmt: skip

    def _vectors_of(self, X: Any) -> Embedding:
        check_is_fitted(self)
        if isinstance(X, Graph):
            graph = self._as_graph(X, reset=False)
            return self._inferred(graph, self.encoded_features(graph))
        return self._embed_new(canonical(self._validate_matrix(X, reset=False)))

    def _class_scores(self, X: Any) -> npt.NDArray[np.float32]:
        check_is_fitted(self)
        head = self._network["head"].layer
        if isinstance(X, Graph):
            return self._inferred(self._as_graph(X, reset=False), self._vectors_of(X), head)
        block = canonical(self._validate_matrix(X, reset=False))
        return self._rows_of(
            block, lambda: self._inferred(self.graph_, self.embedding_, head), self._classifier
        )

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        return self._rows_of(block, lambda: self.embedding_, self._network["encoder"])

    def _rows_of(
        self, block: sp.csr_array, fitted: Callable[[], Embedding], encoder: Any
    ) -> Embedding:
        """Return what an encoder makes of new nodes; of known ones, the rows of fitted nodes.

        Those of all fitted nodes are asked for only if some are known.
        """
        rows = np.empty((block.shape[0], encoder.widths[-1]), dtype=np.float32)
        known, places = known_rows(
            block, self.row_keys_, order=self._fitted.key_order, n_jobs=self.n_jobs
        )
        if len(known):
            rows[known] = fitted()[places]
        new = np.setdiff1d(np.arange(block.shape[0]), known)
        if len(new):
            rows[new] = self._fitted.embed(block[new], encoder)
        return rows

    @property
    def _fitted(self) -> FittedGraph:
        """The fitted graph as new nodes see it, made when the first of them comes."""
        if getattr(self, "_fitted_graph", None) is None:
            encoder = FeatureEncoder.from_state(self.features_)
            direction = self.architecture_["direction"]
            self._fitted_graph = FittedGraph(self.graph_, direction, encoder, self.row_keys_)
        return self._fitted_graph

    def __getstate__(self) -> dict[str, Any]:
        # Made of other attributes.
        made = ("_made", "_fitted_graph")
        return {name: value for name, value in super().__getstate__().items() if name not in made}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.objective == SUPERVISED
        return tags
