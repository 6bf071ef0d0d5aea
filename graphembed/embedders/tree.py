"""TreeEmbedding: a tree, or a spanning tree, in hyperbolic space without optimisation."""

import warnings
from math import isfinite
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils._param_validation import Interval, StrOptions

from graphembed import geometry
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.hyperbolic.exact_plane import LARGEST_RADIUS, ExactPlane, exact_plane
from graphembed.hyperbolic.hierarchy import Floats, Ids
from graphembed.hyperbolic.points import HyperbolicPoints
from graphembed.hyperbolic.spanning_tree import SpanningTree, spanning_tree
from graphembed.hyperbolic.tree_layout import (
    FLOAT64_BITS,
    depth,
    fitting_scale,
    free_direction,
    leave,
    needed_scale,
    reachable_radius,
    required_bits,
    tree_layout,
)
from graphembed.vectors import Neighbors, Vectors

EXACT = "exact"
ADVICE = (
    "More n_components need a lower scale; in 2 dimensions precision='exact' reaches a radius of "
    f"{LARGEST_RADIUS:g}."
)
COMFORT = 6.0  # that "auto" adds to the needed scale: paths are then all but straight


class TreeEmbedding(HyperbolicPoints):
    r"""A spanning tree in hyperbolic space, by construction: no training, no randomness.

    The root is at the origin; around each node its neighbours in the tree are spread evenly, each
    at the distance :math:`\tau`. Distances in the tree are kept but for what a path loses where it
    turns: at an angle :math:`\alpha` about :math:`2 \log \sin(\alpha / 2)`, against
    :math:`\tau` for an edge. The larger the scale :math:`\tau`, the smaller the distortion, and
    the more bits the coordinates need.

    Parameters
    ----------
    n_components : int, default=2
        Dimensions. More of them leave more room around nodes of high degree; a line has room for
        paths alone.
    scale : "auto" or float, default="auto"
        Distance :math:`\tau` of a node and its parent. ``"auto"`` takes 6 more than the tree
        needs for every node's nearest nodes to be its neighbours in the tree, or as much as the
        precision allows, and warns if that is less than needed.
    root : int or str, optional
        Node at the origin. By default, a hierarchy (a directed graph without cycles) begins where
        its edges end; any other graph at the middle of a longest path, which halves the radius.
    lengths : bool, default=False
        Whether weights of edges are their lengths, as in phylogenies; otherwise each is 1.
    coordinates : {"poincare", "lorentz", "tangent"}, default="poincare"
        Of ``embedding_``.
    precision : {"float64", "exact"}, default="float64"
        ``"exact"``, in 2 dimensions: angles with as many bits as they need, up to a radius of 650.
        ``embedding_`` is then rounded, good for pictures; ask :meth:`distances` and
        :meth:`neighbors`.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float64
        The points, in ``coordinates``.
    lorentz_ : ndarray of shape (n_nodes, n_components), float64
        The same, in spatial Lorentz coordinates.
    parents_ : ndarray of shape (n_nodes,), int64
        Row of each node's parent in the tree; -1 for a root.
    scale_ : float
        The scale that was taken.
    needed_scale_ : float
        The scale from which on every node's nearest nodes are certain to be its neighbours in the
        tree.
    radius_ : float
        Radius of the deepest node.
    required_bits_ : int
        Bits of precision that this radius needs; float64 has 53.
    turns_ : ndarray of shape (n_nodes, n_digits), uint32, or None
        Exact angles as fractions of a turn, in base 2^32; with :attr:`radii_` they are the points.
    radii_ : ndarray of shape (n_nodes,), float64, or None
        Exact distances from the origin.
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hash of each node's row of the adjacency, by which ``transform`` recognises it.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, a weight is negative, or the scale puts nodes where the
        precision does not reach: the message says how many bits it takes.
    UnknownNodeError
        If ``root`` is no node.

    Notes
    -----
    A directed graph without cycles is a hierarchy whose edges lead to parents, as in WordNet. Of
    several parents a node keeps the deepest, so that the tree of a transitive closure is that of
    the hierarchy. Other graphs are searched breadth first, and directions do not count.

    Several components are put around the origin, as if it were a node.

    ``transform`` puts a new node with one neighbour at the distance ``scale_`` from it, in the
    direction farthest from those taken; with several, at their Lorentz centroid. A row that equals
    a fitted node's row gets that node's point.

    References
    ----------
    Sarkar (2011), Low Distortion Delaunay Embedding of Trees in Hyperbolic Plane, Graph Drawing.

    Sala, De Sa, Gu and Ré (2018), Representation Tradeoffs for Hyperbolic Embeddings, ICML.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.embedders.tree import TreeEmbedding
    >>> tree = ge.Graph.from_edges(["cat", "dog", "mammal"], ["mammal", "mammal", "animal"],
    ...                            directed=True)
    >>> model = TreeEmbedding(scale=2.0).fit(tree)
    >>> model.norm(["animal", "mammal", "cat"]).round(2)
    array([0.  , 2.  , 3.72])
    >>> model.ancestors("cat").tolist()
    ['mammal', 'animal']
    >>> model.required_bits_
    16
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "scale": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "root": [str, Integral, None],
        "lengths": ["boolean"],
        "coordinates": [StrOptions(set(geometry.COORDINATES))],
        "precision": [StrOptions({"float64", EXACT})],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        scale: str | float = "auto",
        root: int | str | None = None,
        lengths: bool = False,
        coordinates: str = "poincare",
        precision: str = "float64",
    ) -> None:
        self.n_components = n_components
        self.scale = scale
        self.root = root
        self.lengths = lengths
        self.coordinates = coordinates
        self.precision = precision

    def _place(self, graph: Graph) -> Floats:
        root = None if self.root is None else int(graph.node_index.rows(self.root)[0])
        tree = spanning_tree(graph, root, weighted=self.lengths)
        self.parents_ = tree.parents
        self.needed_scale_ = needed_scale(tree, self.n_components)
        self.scale_ = self._scale(tree)
        self.radii_: Floats | None = None
        self.turns_: npt.NDArray[np.uint32] | None = None
        if self.precision == EXACT:
            plane = exact_plane(tree, self.scale_)
            self.radii_, self.turns_ = plane.radii, plane.turns
            radii, units = plane.radii, _units(plane)
        else:
            radii, units = tree_layout(tree, self.n_components, self.scale_)
        self.radius_ = float(radii.max())
        self.required_bits_ = required_bits(self.radius_)
        if self.precision != EXACT and self.required_bits_ > FLOAT64_BITS:
            raise GraphError(
                f"scale={self.scale_:g} puts the deepest node at the radius {self.radius_:.1f}, "
                f"which needs {self.required_bits_} bits of precision; float64 has {FLOAT64_BITS} "
                f"and ends at the radius {reachable_radius():.1f}. {ADVICE}"
            )
        return np.sinh(radii)[:, None] * units

    def _scale(self, tree: SpanningTree) -> float:
        """Return the scale: what the tree needs and more, if the precision is enough for it."""
        exact = self.precision == EXACT
        if exact and self.n_components != 2:
            raise GraphError(
                f"precision='exact' is for 2 dimensions; n_components is {self.n_components}."
            )
        if self.scale != "auto":
            return float(self.scale)
        wanted = self.needed_scale_ + COMFORT
        reach = LARGEST_RADIUS if exact else reachable_radius()
        reachable = reach / max(depth(tree), 1e-300) * (1 - 1e-12)
        if reachable < wanted and not exact:
            reachable = fitting_scale(tree, self.n_components, reach)
        if reachable < self.needed_scale_:
            warnings.warn(
                f"{self.precision} reaches the scale {reachable:.3g}; {self.needed_scale_:.3g} "
                "would make sure that neighbours in the tree are nearest to each other, but needs "
                f"{self._needed_bits(tree)} bits. {ADVICE}",
                stacklevel=5,
            )
        return float(min(wanted, reachable))

    def _needed_bits(self, tree: SpanningTree) -> int | str:
        if not isfinite(self.needed_scale_):
            return "any number of"
        return required_bits(
            float(tree_layout(tree, self.n_components, self.needed_scale_)[0].max())
        )

    def _export(self, points: Floats) -> Floats:
        plane = self._plane()
        if plane is None:
            return super()._export(points)
        # Squares of spatial coordinates would overflow.
        lengths = {"poincare": np.tanh(plane.radii / 2), "tangent": plane.radii}
        length = lengths.get(self.coordinates, np.sinh(plane.radii))
        return length[:, None] * _units(plane)

    def _place_new(self, block: sp.csr_array) -> Floats:
        self._refuse_rounded("transform of new nodes")
        points = np.zeros((block.shape[0], self.n_components))
        for i in range(block.shape[0]):
            own = slice(block.indptr[i], block.indptr[i + 1])
            rows, weights = block.indices[own], block.data[own]
            if len(rows) == 1:
                points[i] = self._beside(int(rows[0]))
            elif len(rows):
                points[i] = geometry.centroid(self.lorentz_[rows], weights)
        return points

    def _beside(self, row: int) -> Floats:
        """Return a place for one more neighbour of a fitted node."""
        near = np.flatnonzero(self.parents_ == row)
        if self.parents_[row] >= 0:
            near = np.append(near, self.parents_[row])
        points = self.lorentz_[np.append(near, row)]
        radii = geometry.radius(points)
        units = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-300)
        if radii[-1] == 0:
            units[-1] = np.eye(self.n_components)[0]
        direction = free_direction(radii, units)
        length = np.array([self.scale_])
        radius, unit, _ = leave(radii[-1:], units[-1:], direction[None], length)
        place: Floats = np.sinh(radius) * unit[0]
        return place

    @property
    def roots_(self) -> Ids:
        """Ids of the nodes without a parent, in row order."""
        return self.node_index_.take(np.flatnonzero(self.parents_ < 0))

    @property
    def vectors_(self) -> Vectors:
        """The points by node id: look-up, neighbours, edge scores, export."""
        self._refuse_rounded("vectors_")
        return super().vectors_

    def norm(self, nodes: Any = None) -> Any:
        """Return the depth of nodes: their hyperbolic distance from the origin.

        Parameters
        ----------
        nodes : int, str or array-like of them, default=None
            None: all nodes, in row order.

        Returns
        -------
        float, or ndarray of shape (n_nodes,), float64
            A float for one id.
        """
        if self.radii_ is None:
            return super().norm(nodes)
        if nodes is None:
            return self.radii_.copy()
        found = self.radii_[self.node_index_.rows(nodes)]
        return float(found[0]) if np.ndim(nodes) == 0 else found

    def distances(self, nodes: Any = None) -> Floats:
        """Return the hyperbolic distances of nodes to all nodes, as precise as the points.

        Parameters
        ----------
        nodes : int, str or array-like of them, default=None
            None: all nodes.

        Returns
        -------
        ndarray of shape (n_queries, n_nodes), float64
        """
        everyone = np.arange(len(self.node_index_))
        rows = everyone if nodes is None else self.node_index_.rows(nodes)
        plane = self._plane()
        if plane is None:
            return geometry.distance_matrix(self.lorentz_[rows], self.lorentz_)
        return np.array([plane.distances(row) for row in rows.tolist()])

    def neighbors(self, nodes: Any, k: int = 10, *, n_jobs: int | None = -1) -> Neighbors:
        """Return the ``k`` nodes at the least hyperbolic distance from each node, exactly.

        Parameters
        ----------
        nodes : int, str or array-like of them, of shape (n_queries,)
        k : int, default=10
        n_jobs : int or None, default=-1
            Number of threads.

        Returns
        -------
        Neighbors
            Ids, nearest first, and scores: minus the distance.
        """
        if self.radii_ is None:
            return super().neighbors(nodes, k, n_jobs=n_jobs)
        rows = self.node_index_.rows(nodes)
        away = self.distances(nodes)
        away[np.arange(len(rows)), rows] = np.inf
        nearest = np.argsort(away, axis=1, kind="stable")[:, : min(k, len(self.parents_) - 1)]
        scores = -np.take_along_axis(away, nearest, axis=1)
        return Neighbors(self.node_index_.take(nearest), scores.astype(np.float32))

    def parents(self, node: Any, k: int = 1, *, n_jobs: int | None = -1) -> Ids:  # noqa: ARG002
        """Return the parent of a node in the tree; nothing for a root.

        Parameters
        ----------
        node : int or str
        k : int, default=1
            In a tree there is one at most.
        n_jobs : int or None, default=-1
            Not used.

        Returns
        -------
        ndarray of shape (at most 1,)
        """
        parent = self.parents_[self.node_index_.rows(node)[:1]]
        return self.node_index_.take(parent[parent >= 0][:k])

    def children(self, node: Any, k: int = 10, *, n_jobs: int | None = -1) -> Ids:  # noqa: ARG002
        """Return the children of a node in the tree, in row order.

        Parameters
        ----------
        node : int or str
        k : int, default=10
            How many at most.
        n_jobs : int or None, default=-1
            Not used.

        Returns
        -------
        ndarray of shape (at most k,)
        """
        row = self.node_index_.rows(node)[0]
        return self.node_index_.take(np.flatnonzero(self.parents_ == row)[:k])

    def is_a_score(self, nodes: Any, others: Any, *, alpha: float = 1000.0) -> Any:
        """Return how much each node is a kind of the other, as for all hyperbolic embeddings."""
        self._refuse_rounded("is_a_score")
        return super().is_a_score(nodes, others, alpha=alpha)

    def _plane(self) -> ExactPlane | None:
        if self.radii_ is None or self.turns_ is None:
            return None
        return ExactPlane(self.radii_, self.turns_)

    def _refuse_rounded(self, use: str) -> None:
        if self.radii_ is not None and self.radius_ > reachable_radius():
            raise GraphError(
                f"{use}: float64 would be silently wrong at the radius {self.radius_:.0f} of this "
                "exact embedding. Ask distances() and neighbors(), or fit with "
                "precision='float64'."
            )


def _units(plane: ExactPlane) -> Floats:
    angles = plane.angles()
    return np.column_stack([np.cos(angles), np.sin(angles)])
