"""New nodes beside a fitted graph: whom they hear, and features for those that have none."""

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from graphembed.graph.graph import Features, Graph
from graphembed.graph.ids import NodeIndex
from graphembed.message_passing.block import listening
from graphembed.message_passing.features import FeatureEncoder
from graphembed.message_passing.messages import Matrix, take_rows
from graphembed.message_passing.structure import Edges

if TYPE_CHECKING:
    from graphembed.message_passing.encoder import Encoder
    from graphembed.message_passing.inference import Hear

Entries = tuple[Any, Any, Any]  # indptr, indices and values of a CSR matrix


class FittedGraph:
    """A fitted graph as new nodes see it: what they need of it is made once and kept.

    From then on new nodes cost what is around them, not what the graph is.

    Parameters
    ----------
    graph : Graph
    direction : {"in", "out", "both"}
        Whom a node of a directed graph hears.
    encoder : FeatureEncoder
        Fitted.
    row_keys : ndarray of shape (n_nodes,), uint64
        Hashes of rows, of :func:`graphembed.training.folding.graph_keys`.
    features : ndarray or csr_array of shape (n_nodes, n_columns), float32, optional
        What the encoder makes of the graph, if it is there already.

    Attributes
    ----------
    heard : Graph
        Row i lists those whom fitted node i hears.
    features : ndarray or csr_array
    key_order : ndarray of shape (n_nodes,), int64
        Which sorts the row keys and leaves equal ones in their order.
    """

    def __init__(
        self, graph: Graph, direction: str, encoder: FeatureEncoder, row_keys: npt.NDArray[Any],
        features: Any = None,
    ) -> None:  # fmt: skip
        self.graph, self._direction, self._encoder = graph, direction, encoder
        self._row_keys = row_keys
        if features is not None:
            self.features = features

    @cached_property
    def features(self) -> Any:
        """What the encoder makes of the graph."""
        return self._encoder.transform(self.graph)

    @cached_property
    def heard(self) -> Graph:
        """The graph whose row i lists those whom fitted node i hears."""
        return listening(self.graph, self._direction)

    @cached_property
    def key_order(self) -> npt.NDArray[np.int64]:
        """Which sorts the row keys and leaves equal ones in their order."""
        return np.argsort(self._row_keys, kind="stable")

    @cached_property
    def _surroundings(self) -> Graph | Edges:
        return self.graph if self._encoder.kind_ == "graph" else Edges.of(self.graph)

    def embed(self, block: sp.csr_array, encoder: "Encoder") -> Matrix:
        """Return what a network makes of new nodes, each of which nobody hears.

        Parameters
        ----------
        block : csr_array of shape (n_new, n_fitted), float32
            Edges of the new nodes. Their given features are :func:`mean_features`.
        encoder : Encoder
            In evaluation.

        Returns
        -------
        ndarray of shape (n_new, n_components), float32
        """
        from graphembed.message_passing.inference import embed_rows

        given = mean_features(block, self.graph)
        theirs = self._encoder.transform_block(block, self._surroundings, given)
        n_fitted, n_new = self.graph.n_nodes, block.shape[0]
        return embed_rows(
            encoder, partial(stacked_rows, self.features, theirs), self.hear(block),
            np.arange(n_fitted, n_fitted + n_new),
        )  # fmt: skip

    def hear(self, block: sp.csr_array) -> "Hear":
        """Return a function from rows to indptr, indices and weights of whom these nodes hear.

        Parameters
        ----------
        block : csr_array of shape (n_new, n_fitted), float32
            Edges of new nodes, whose rows follow those of the fitted ones.
        """
        heard = self.heard
        fitted = heard.indptr, heard.indices, heard.weights
        plain = heard.weights is None and np.all(block.data == 1)
        weights = None if plain else block.data
        new = block.indptr, block.indices.astype(np.int32), weights
        return partial(_of_either, fitted, new)


def stacked_rows(first: Any, second: Any, rows: npt.NDArray[Any]) -> Any:
    """Return some rows of two matrices, of which the second follows the first.

    Parameters
    ----------
    first, second : ndarray or csr_array
        Both of a kind, with the same columns.
    rows : ndarray of int

    Returns
    -------
    ndarray or csr_array
    """
    if isinstance(first, sp.csr_array):
        above = first.indptr, first.indices, first.data
        indptr, indices, data = _of_either(
            above, (second.indptr, second.indices, second.data), rows
        )
        return sp.csr_array((data, indices, indptr), shape=(len(rows), first.shape[1]))
    is_second = rows >= len(first)
    out = np.empty((len(rows), first.shape[1]), dtype=first.dtype)
    out[~is_second] = first[rows[~is_second]]
    out[is_second] = second[rows[is_second] - len(first)]
    return out


def _of_either(first: Entries, second: Entries, rows: npt.NDArray[Any]) -> Entries:
    """Return some rows of two CSR matrices, of which the second follows the first."""
    n_first = len(first[0]) - 1
    is_second = rows >= n_first
    parts = (
        take_rows(*first, rows[~is_second]), take_rows(*second, rows[is_second] - n_first)
    )  # fmt: skip
    lengths = np.empty(len(rows), dtype=np.int64)
    for chosen, (indptr, *_) in zip((~is_second, is_second), parts, strict=True):
        lengths[chosen] = np.diff(indptr)
    of_second = np.repeat(is_second, lengths)

    def merged(left: Any, right: Any) -> Any:
        if left is None and right is None:
            return None
        out = np.ones(len(of_second), dtype=(right if left is None else left).dtype)
        for chosen, values in ((~of_second, left), (of_second, right)):
            if values is not None:
                out[chosen] = values
        return out

    columns = (
        merged(left, right) for left, right in zip(*(part[1:] for part in parts), strict=True)
    )
    return np.concatenate([[0], np.cumsum(lengths)]), *columns


def mean_features(block: sp.csr_array, graph: Graph) -> Features | None:
    """Return the weighted means of the features of those whom new nodes have edges to.

    Parameters
    ----------
    block : csr_array of shape (n_new, n_fitted), float32
    graph : Graph

    Returns
    -------
    ndarray or csr_array of shape (n_new, n_features), float32, or None
        None if the graph has no features; zeros for a node without edges.
    """
    if graph.features is None:
        return None
    sums = np.asarray(block.sum(axis=1), dtype=np.float32).ravel()
    shares = sp.diags_array(1 / np.where(sums > 0, sums, 1)).tocsr() @ block
    means: Any = sp.csr_array(shares, dtype=np.float32) @ graph.features
    if isinstance(means, np.ndarray):
        return np.asarray(means, dtype=np.float32)
    return sp.csr_array(means)


def without_edges(n_nodes: int) -> Graph:
    """Return a graph of so many nodes, 0, 1, ..., and no edge."""
    nothing = np.empty(0, dtype=np.int32)
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    return Graph(indptr, nothing, nodes=NodeIndex(n_nodes), directed=False)
