"""Points in hyperbolic space: what all embedders there share, and those that do not train."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils import Tags

from graphembed import geometry
from graphembed.base import BaseEmbedder
from graphembed.graph.graph import Graph
from graphembed.hyperbolic.hierarchy import Floats, HierarchyQueries
from graphembed.training.folding import graph_keys, known_rows
from graphembed.vectors import Vectors


class HyperbolicVectors(HierarchyQueries, BaseEmbedder):
    """What all embedders in hyperbolic space share: points, and the coordinates they are shown in.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float64
        The points, in ``coordinates``.
    lorentz_ : ndarray of shape (n_nodes, n_components), float64
        The same, in spatial Lorentz coordinates.
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hash of each node's row of the adjacency, by which ``transform`` recognises it.
    """

    embedding_: Any  # float64, where others have float32

    @property
    def geometry(self) -> str:  # type: ignore[override]
        """Name of the geometry of :attr:`vectors_`; that of tangents is "lorentz"."""
        return "poincare" if self.coordinates == "poincare" else "lorentz"

    @property
    def vectors_(self) -> Vectors:
        """The points by node id: look-up, neighbours, edge scores, export.

        They are those of ``embedding_``, but for ``coordinates="tangent"``, in which distances are
        not those of the space: then they are ``lorentz_``.
        """
        vectors: Vectors | None = getattr(self, "_vectors", None)
        if vectors is None:
            matrix = self.lorentz_ if self.coordinates == "tangent" else self.embedding_
            vectors = Vectors._trusted(self.node_index_, matrix, self.geometry)
            self._vectors = vectors
        return vectors

    def _export(self, points: Floats) -> Floats:
        if self.coordinates == "lorentz":
            return points  # the same array: stored once
        return geometry.export(points, self.coordinates)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags


class HyperbolicPoints(HyperbolicVectors):
    """Points that are placed at once; a concrete class says where they are."""

    random_state: ClassVar[None] = None  # nothing is random

    @abstractmethod
    def _place(self, graph: Graph) -> Floats:
        """Return the spatial Lorentz coordinates of the nodes of a graph."""

    @abstractmethod
    def _place_new(self, block: sp.csr_array) -> Floats:
        """Return the spatial Lorentz coordinates of new nodes."""

    def _embed(self, graph: Graph, rng: np.random.Generator) -> Any:  # noqa: ARG002
        self.lorentz_ = self._place(graph)
        self.row_keys_ = graph_keys(graph)
        return self._export(self.lorentz_)

    def _embed_new(self, block: sp.csr_array) -> Any:
        rows = self._export(self._place_new(block))
        known, fitted = known_rows(block, self.row_keys_)
        rows[known] = self.embedding_[fitted]
        return rows
