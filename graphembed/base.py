"""BaseEmbedder: parameters in, ``embedding_`` out, one behaviour for every algorithm."""

from abc import ABCMeta, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.random_state import check_random_state
from graphembed.vectors import Vectors

Embedding = npt.NDArray[np.float32]
_CHUNK = 1 << 22  # weights that are checked at a time

# Graphs of other libraries, and paths, are no matrices; this is what makes a Graph of them.
_MAKERS = {
    "networkx": "Graph.from_networkx(X)",
    "igraph": "Graph.from_igraph(X)",
    "torch_geometric": "Graph.from_torch_geometric(X)",
    "str": "read_edges(X)",
    "pathlib": "read_edges(X)",
}
_TABLES = ("pandas", "polars", "pyarrow")  # of edges, unless they are square


def _library(X: Any) -> str:
    return "str" if isinstance(X, str) else type(X).__module__.partition(".")[0]


class GraphEstimator(BaseEstimator, metaclass=ABCMeta):
    """What is fitted on a graph, or on a square adjacency matrix, sparse or dense.

    Attributes
    ----------
    node_index_ : NodeIndex
        Maps node ids to rows; set by the subclass.
    n_features_in_ : int
        Number of nodes seen in fit.
    """

    node_index_: NodeIndex

    def _as_graph(self, X: Any, *, reset: bool = True, directed: bool | None = True) -> Graph:
        """Check what the outside gives, once; return a graph without relations.

        A matrix becomes a graph that is ``directed``; None: unless the matrix is symmetric.
        """
        if isinstance(X, Graph):
            graph = X.without_relations()
            if graph.weights is not None:
                # In parts: those of a store are not all in memory.
                for start in range(0, len(graph.weights), _CHUNK):
                    self._check_non_negative(graph.weights[start : start + _CHUNK])
                    graph.release(beyond=4 * _CHUNK)
            if reset:
                self.n_features_in_ = graph.n_nodes
                if hasattr(self, "feature_names_in_"):  # of a data frame, fitted before
                    del self.feature_names_in_
            return graph
        X = self._validate_matrix(X, reset=reset)
        if X.shape[0] != X.shape[1]:
            raise GraphError(
                f"{type(self).__name__} expects a Graph or a square adjacency matrix; got shape "
                f"{X.shape}."
            )
        return Graph.from_scipy(X, directed=directed)

    def _validate_matrix(self, X: Any, *, reset: bool) -> Any:
        kind = _library(X)
        maker = _MAKERS.get(kind)
        shape: tuple[int, ...] = getattr(X, "shape", ())
        if kind in _TABLES and reset and len(shape) == 2 and shape[0] != shape[1]:
            maker = "Graph.from_frame(X)"
        if maker is not None:
            raise GraphError(
                f"{type(self).__name__} expects a graphembed.Graph or an adjacency matrix; got a "
                f"{type(X).__name__} ({kind}). Make one of it with graphembed.{maker}."
            )
        if isinstance(X, list | tuple):
            self._check_list(X)
        return validate_data(
            self, X, reset=reset, accept_sparse="csr", dtype=[np.float32, np.float64],
            ensure_non_negative=True,
        )  # fmt: skip

    def _check_list(self, X: Any) -> None:
        """Tell lists of graphs from lists of rows."""
        name = type(self).__name__
        if not len(X):
            raise GraphError(
                f"{name} expects a graphembed.Graph or an adjacency matrix; got an empty "
                f"{type(X).__name__}."
            )
        for each in X:
            kind = _library(each)
            if kind in _MAKERS and kind != "str":
                raise GraphError(
                    f"{name} expects graphembed.Graphs; got a {type(X).__name__} with a "
                    f"{type(each).__name__} ({kind}). Make a graph of each with "
                    f"graphembed.{_MAKERS[kind]}."
                )
        if any(isinstance(each, Graph) for each in X):
            raise GraphError(
                f"{name} expects one graph here; got a {type(X).__name__} of {len(X)} objects. "
                "Pass one graph at a time."
            )

    def _check_non_negative(self, weights: npt.NDArray[np.float32]) -> None:
        if len(weights) and weights.min() < 0:
            raise GraphError(
                f"{type(self).__name__} expects non-negative edge weights; the smallest is "
                f"{weights.min():g}. Drop such edges, or take the absolute values."
            )

    @property
    def nodes_(self) -> npt.NDArray[Any]:
        """Ids of the fitted nodes, in row order."""
        return self.node_index_.to_numpy()

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags


class BaseEmbedder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, GraphEstimator, metaclass=ABCMeta
):
    """What all node embedders share: a scikit-learn `pairwise` estimator.

    ``X`` is a :class:`graphembed.Graph`, or a square adjacency matrix, sparse or dense, whose
    nodes are then ``0 .. n - 1``.

    A concrete class stores its parameters in ``__init__``, names their constraints in
    ``_parameter_constraints``, and writes ``_embed``; to place new nodes it writes ``_embed_new``.
    The class attribute ``recomputes`` says whether ``transform`` computes every row of a graph
    from that graph, those of fitted nodes too, rather than looking these up.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float32
        One row per node, in the order of ``nodes_``.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.
    """

    geometry: ClassVar[str] = "cosine"
    recomputes: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def _embed(self, graph: Graph, rng: np.random.Generator) -> Embedding:
        """Return the embedding of a graph; set further learned attributes."""

    def _embed_new(self, block: sp.csr_array) -> Embedding:
        """Return rows for new nodes from their edges to fitted nodes.

        Parameters
        ----------
        block : csr_array of shape (n_new, n_fitted), float32
            Canonical, non-negative.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot place new nodes.")

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Embed a graph.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_nodes, n_nodes)
            The graph, or its adjacency matrix: row u, column v holds the weight of u -> v.
        y : ignored
            Present for scikit-learn.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of range, the matrix is not square, or a weight is negative or
            not finite.
        """
        self._validate_params()
        graph = self._as_graph(X)
        rng = check_random_state(self.random_state)
        self.embedding_ = self._embed(graph, rng)
        self.node_index_ = graph.node_index
        self._vectors: Vectors | None = None
        return self

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Embedding:
        """Embed a graph and return ``embedding_``.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_nodes, n_nodes)
            As in :meth:`fit`.
        y : ignored
            Present for scikit-learn.
        **fit_params : dict
            None are known.

        Returns
        -------
        ndarray of shape (n_nodes, n_components), float32
        """
        return self.fit(X, y, **fit_params).embedding_

    def transform(self, X: Any) -> Embedding:
        """Return vectors for the nodes of a graph, or for the rows of an adjacency block.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_new, n_fitted)
            For a graph: a node that was fitted (by its id) keeps its learned row; any other is
            placed from its edges to fitted nodes, out-edges if the graph is directed.
            For a block: each row is a new node with its edges to the fitted nodes, in the order
            of ``nodes_``.

        Returns
        -------
        ndarray of shape (n_rows, n_components), float32

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit`.
        ValueError
            If a block has another number of columns than there are fitted nodes, or the ids of a
            graph are str where those of the fitted nodes are ints, or the other way round.
        """
        check_is_fitted(self)
        if isinstance(X, Graph):
            return self._transform_graph(X)
        X = self._validate_matrix(X, reset=False)
        return self._embed_new(canonical(X))

    def _transform_graph(self, graph: Graph) -> Embedding:
        kinds = [
            "str" if index.kind == "str" else "ints"
            for index in (self.node_index_, graph.node_index)
        ]
        if kinds[0] != kinds[1]:
            raise GraphError(
                f"The ids of the fitted nodes are {kinds[0]}, those of this graph are {kinds[1]}, "
                "so that none would be recognised. Convert them."
            )
        rows = self.node_index_.find(graph.nodes)
        result = self.embedding_[rows]
        new = np.flatnonzero(rows < 0)
        if len(new):
            known = np.flatnonzero(rows >= 0)
            block = graph.adjacency[new][:, known].tocoo()
            self._check_non_negative(block.data)
            shape = (len(new), len(self.node_index_))
            edges = (block.row, rows[known][block.col])
            result[new] = self._embed_new(canonical(sp.coo_array((block.data, edges), shape)))
        return result

    @property
    def vectors_(self) -> Vectors:
        """The learned vectors by node id: look-up, neighbours, edge scores, export."""
        vectors: Vectors | None = getattr(self, "_vectors", None)
        if vectors is None:
            vectors = Vectors._trusted(self.node_index_, self.embedding_, self.geometry)
            self._vectors = vectors
        return vectors

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        # Made of other attributes; pickled, it would hold all vectors a second time.
        return {name: value for name, value in state.items() if name != "_vectors"}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "embedding_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def canonical(matrix: Any) -> sp.csr_array:
    """Return a float32 csr copy with sorted, unique column numbers.

    Raises
    ------
    GraphError
        If a weight is beyond the range of float32.
    """
    with np.errstate(over="ignore"):
        block = sp.csr_array(matrix, dtype=np.float32, copy=True)
        block.sum_duplicates()
    if not np.isfinite(block.data).all():
        raise GraphError("A weight is too large for float32 (3.4e38). Scale the weights down.")
    block.eliminate_zeros()
    return block
