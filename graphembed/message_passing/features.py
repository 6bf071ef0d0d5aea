"""What a graph neural network reads of a node: given features, structural ones, or both."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.exceptions import GraphError
from graphembed.graph.builders import check_features
from graphembed.graph.graph import Features, Graph
from graphembed.message_passing.structure import (
    N_STRUCTURE,
    Edges,
    block_structure,
    structural_features,
)

KINDS: Final = ("auto", "graph", "structure", "both")
SCALINGS: Final = ("auto", "rows", "standard", None)
CHUNK = 1 << 22  # numbers that are scaled at a time
LIMIT = 10  # deviations at which structural features are cut off
_LEARNED: Final = (
    "kind_", "scaling_", "n_given_", "sparse_", "mean_", "deviation_", "structure_mean_",
    "structure_deviation_",
)  # fmt: skip

Numbers = npt.NDArray[np.float64]


class FeatureEncoder:
    r"""Turns a graph into one matrix of scaled features, in the same way for every graph.

    Parameters
    ----------
    kind : {"auto", "graph", "structure", "both"}, default="auto"
        The features given with the graph, the structural ones of
        :func:`~graphembed.message_passing.structure.structural_features`, or both side by side.
        "auto" takes the given ones if there are any, else the structural ones.
    scaling : {"auto", "rows", "standard"} or None, default="auto"
        What is done to given features. "rows": each row is divided by the sum of its sizes,
        :math:`\sum_j |x_{ij}|`. "standard": :math:`(x_{ij} - m_j) / s_j` with the means and
        deviations of the graphs in fit; constant columns become 0, and sparse features keep their
        zeros, :math:`x_{ij} / s_j`. "auto": by rows if none of them is negative in fit, else
        standard.
    n_jobs : int or None, default=-1
        Threads for structural features; no bit of the result depends on it.

    Attributes
    ----------
    kind_, scaling_ : str or None
        What "auto" has become.
    n_given_ : int
        Columns of given features, 0 if they are not used.
    n_columns_ : int
        Columns of the result.
    sparse_ : bool
        Whether given features were sparse in fit.

    Notes
    -----
    Structural features are always standardised, and cut off at 10 deviations: a graph that has
    little in common with those in fit would otherwise have features of any size.

    Examples
    --------
    >>> from graphembed import Graph
    >>> from graphembed.message_passing.features import FeatureEncoder
    >>> path = Graph.from_edges(["a", "b"], ["b", "c"], features=[[1, 3], [2, 2], [0, 0]])
    >>> FeatureEncoder().fit(path).transform(path).tolist()
    [[0.25, 0.75], [0.5, 0.5], [0.0, 0.0]]
    """

    kind_: str
    scaling_: str | None
    n_given_: int
    sparse_: bool
    mean_: Numbers | None
    deviation_: Numbers | None
    structure_mean_: Numbers | None
    structure_deviation_: Numbers | None

    def __init__(
        self, kind: str = "auto", *, scaling: str | None = "auto", n_jobs: int | None = -1
    ) -> None:
        self.kind, self.scaling, self.n_jobs = kind, scaling, n_jobs

    def fit(self, graphs: Graph | Sequence[Graph]) -> Self:
        """Learn the columns, means and deviations of one or several graphs.

        Raises
        ------
        GraphError
            If only some of the graphs have features, none has any and the kind asks for them, or
            they differ in the number of columns.
        ValueError
            If the kind or the scaling is unknown.
        """
        self._fit([graphs] if isinstance(graphs, Graph) else list(graphs))
        return self

    def fit_transform(self, graph: Graph) -> Features:
        """Return the features of the graph they are learned of, as :meth:`transform` does."""
        structure = self._fit([graph])
        given = self._checked(graph) if self.n_given_ else None
        return self._joined(given, structure[0] if structure else None)

    def transform(self, graph: Graph) -> Features:
        """Return the features of all nodes of a graph.

        Returns
        -------
        ndarray or csr_array of shape (n_nodes, n_columns_), float32
            Sparse if the given features were sparse in fit. The features of the graph itself if
            nothing is done to them.

        Raises
        ------
        GraphError
            If the graph has no features and those in fit had, or another number of columns, or
            they are not finite.
        """
        given = self._checked(graph) if self.n_given_ else None
        structure = None
        if self.kind_ in ("structure", "both"):
            structure = structural_features(graph, n_jobs=self.n_jobs)
        return self._joined(given, structure)

    def transform_block(self, block: Any, graph: Graph | Edges, features: Any = None) -> Features:
        """Return the features of new nodes, each as though it alone had been added to a graph.

        Parameters
        ----------
        block : sparse matrix of shape (n_new, n_nodes)
            Weights of the edges from new nodes to nodes of the graph.
        graph : Graph or Edges
            See :func:`~graphembed.message_passing.structure.block_structure`.
        features : array-like or sparse matrix of shape (n_new, n_given_), optional
            What is given of the new nodes; needed if it was in fit.

        Returns
        -------
        ndarray or csr_array of shape (n_new, n_columns_), float32

        Raises
        ------
        GraphError
            As :meth:`transform`, and if the block does not match the graph.
        """
        given = None
        if self.n_given_:
            if features is None:
                raise GraphError(
                    f"New nodes need their {self.n_given_} feature columns, as the nodes in fit "
                    "had them; none were given. Pass a graph with features that has the new nodes."
                )
            given = check_features(features, block.shape[0])
            self._check_columns(given)
        structure = None
        if self.kind_ in ("structure", "both"):
            structure = block_structure(block, graph, n_jobs=self.n_jobs)
        return self._joined(given, structure)

    @property
    def n_columns_(self) -> int:
        """Columns of the result."""
        return self.n_given_ + N_STRUCTURE * (self.kind_ in ("structure", "both"))

    def get_state(self) -> dict[str, Any]:
        """Return all that was given and learned, as str, int, bool, None and arrays."""
        names = ("kind", "scaling", "n_jobs", *_LEARNED)
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the encoder whose :meth:`get_state` this is."""
        encoder = cls(state["kind"], scaling=state["scaling"], n_jobs=state["n_jobs"])
        for name in _LEARNED:
            setattr(encoder, name, state[name])
        return encoder

    def _fit(self, graphs: list[Graph]) -> list[npt.NDArray[np.float32]]:
        """Learn from graphs and return their structural features, if they are used."""
        _check_known("kind", self.kind, KINDS)
        _check_known("scaling", self.scaling, SCALINGS)
        if not graphs:
            raise GraphError("Features are learned of at least one graph; none was given.")
        self.kind_ = self._chosen_kind(graphs)
        given: list[Features] = []
        self.n_given_ = 0
        if self.kind_ in ("graph", "both"):
            self.n_given_ = graphs[0].features.shape[1]
            given = [self._checked(graph) for graph in graphs]
        self.sparse_ = any(_is_sparse(part) for part in given)
        self.scaling_ = self._chosen_scaling(given)
        self.mean_ = self.deviation_ = self.structure_mean_ = self.structure_deviation_ = None
        if self.scaling_ == "standard":
            self.mean_, self.deviation_ = moments(given)
        if self.kind_ == "graph":
            return []
        structure = [structural_features(graph, n_jobs=self.n_jobs) for graph in graphs]
        self.structure_mean_, self.structure_deviation_ = moments(structure)
        return structure

    def _chosen_kind(self, graphs: list[Graph]) -> str:
        n_with = sum(graph.features is not None for graph in graphs)
        if self.kind == "auto" and n_with in (0, len(graphs)):
            return "graph" if n_with else "structure"
        if self.kind != "structure" and n_with < len(graphs):
            raise GraphError(
                f"{len(graphs) - n_with} of the {len(graphs)} graphs have no node features, which "
                f"features={self.kind!r} needs of all. Add them with graph.with_features(...), or "
                "use features='structure'."
            )
        return self.kind

    def _chosen_scaling(self, given: list[Features]) -> str | None:
        if not given or self.scaling != "auto":
            return self.scaling if given else None
        negative = any((_values(rows) < 0).any() for part in given for rows in _chunks(part))
        return "standard" if negative else "rows"

    def _checked(self, graph: Graph) -> Features:
        if graph.features is None:
            raise GraphError(
                f"Expected {self.n_given_} feature columns as in fit, but this graph has no "
                "features. Add them with graph.with_features(...)."
            )
        self._check_columns(graph.features)
        if not all(np.isfinite(_values(rows)).all() for rows in _chunks(graph.features)):
            check_features(graph.features, graph.n_nodes)  # says where
        features: Features = graph.features
        return features

    def _check_columns(self, features: Features) -> None:
        found = features.shape[1]
        if found == 0:
            raise GraphError(
                "The node features have no columns. Use features='structure', or a graph without "
                "features."
            )
        if found != self.n_given_:
            raise GraphError(
                f"Expected {self.n_given_} feature columns as in fit, found {found}. Use features "
                "with the same meaning, column by column."
            )

    def _joined(self, given: Features | None, structure: Any) -> Features:
        parts: list[Any] = [] if given is None else [self._scaled(given)]
        if structure is not None:
            standard = _standard(structure, self.structure_mean_, self.structure_deviation_)
            parts.append(np.clip(standard, -LIMIT, LIMIT, out=standard))
        joined: Features = parts[0]
        if len(parts) == 2:
            joined = sp.csr_array(sp.hstack(parts)) if self.sparse_ else np.hstack(parts)
        return joined

    def _scaled(self, given: Any) -> Any:
        if _is_sparse(given) != self.sparse_:
            given = sp.csr_array(given) if self.sparse_ else given.toarray()
        if self.scaling_ is None:
            return given
        if self.sparse_:
            return self._scaled_sparse(given)
        scaled = np.empty(given.shape, dtype=np.float32)
        start = 0
        for rows in _chunks(given):
            if self.scaling_ == "rows":
                result = rows / _or_one(np.abs(rows).sum(axis=1, dtype=np.float64))[:, None]
            else:
                result = _standard(rows, self.mean_, self.deviation_)
            scaled[start : start + len(rows)] = result
            start += len(rows)
        return scaled

    def _scaled_sparse(self, given: sp.csr_array) -> sp.csr_array:
        if self.scaling_ == "rows":
            sizes = abs(given).astype(np.float64).sum(axis=1)
            values = given.data / np.repeat(_or_one(sizes), np.diff(given.indptr))
        else:
            values = given.data * _inverse(self.mean_, self.deviation_)[given.indices]
        parts = (values.astype(np.float32), given.indices, given.indptr)
        return sp.csr_array(parts, shape=given.shape)


def moments(parts: Sequence[Features]) -> tuple[Numbers, Numbers]:
    """Return the mean and the deviation of each column of several matrices.

    Parameters
    ----------
    parts : sequence of ndarray or csr_array of shape (n_rows, n_columns)

    Returns
    -------
    mean, deviation : ndarray of shape (n_columns,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.message_passing.features import moments
    >>> moments([np.array([[1.0], [2.0]]), np.array([[6.0]])])
    (array([3.]), array([2.1602469]))
    """
    n_rows = max(1, sum(part.shape[0] for part in parts))
    mean = sum(_column_sums(rows) for part in parts for rows in _chunks(part)) / n_rows
    square = sum(_column_sums(rows, mean) for part in parts for rows in _chunks(part)) / n_rows
    return mean, np.sqrt(square)


def _column_sums(rows: Any, center: Any = None) -> Any:
    """Return the sum of each column, or that of its squared distances from a centre."""
    if not _is_sparse(rows):
        if center is None:
            return rows.sum(axis=0, dtype=np.float64)
        return np.square(rows - center).sum(axis=0)
    n_columns = rows.shape[1]
    values = rows.data.astype(np.float64)
    if center is None:
        return np.bincount(rows.indices, weights=values, minlength=n_columns)
    n_zeros = rows.shape[0] - np.bincount(rows.indices, minlength=n_columns)
    squares = np.square(values - center[rows.indices])
    there = np.bincount(rows.indices, weights=squares, minlength=n_columns)
    return there + n_zeros * np.square(center)


def _standard(rows: Any, mean: Any, deviation: Any) -> Any:
    return ((rows - mean) * _inverse(mean, deviation)).astype(np.float32)


def _inverse(mean: Any, deviation: Any) -> Any:
    """Return 1 / deviation, and 0 for columns that are constant but for rounding to float32."""
    varied = deviation > 2 * np.finfo(np.float32).eps * np.abs(mean)
    return np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varied)


def _or_one(sizes: Any) -> Any:
    return np.where(sizes > 0, sizes, 1.0)


def _is_sparse(features: Any) -> bool:
    return bool(sp.issparse(features))


def _values(rows: Any) -> Any:
    return rows.data if _is_sparse(rows) else rows


def _chunks(features: Features) -> Iterator[Any]:
    """Cut a matrix into ranges of rows, so that what is made of them stays small."""
    if _is_sparse(features):
        yield features
        return
    step = max(1, CHUNK // max(1, features.shape[1]))
    for start in range(0, len(features), step):
        yield features[start : start + step]


def _check_known(name: str, value: Any, known: Sequence[Any]) -> None:
    if value not in known:
        raise ValueError(f"Unknown {name} {value!r} (known: {', '.join(map(repr, known))}).")
