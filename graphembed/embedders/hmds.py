"""HyperbolicMDS: points in hyperbolic space from their distances, by one eigendecomposition."""

from collections.abc import Callable
from math import floor
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp
from scipy.sparse import csgraph
from scipy.sparse.linalg import eigsh
from sklearn.utils._param_validation import Interval, StrOptions

from graphembed import geometry
from graphembed.exceptions import GraphError
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.hyperbolic.hierarchy import Floats
from graphembed.hyperbolic.points import HyperbolicPoints
from graphembed.training.folding import row_keys

HOPS, WEIGHTS, PRECOMPUTED = "hops", "weights", "precomputed"
ALL_UP_TO = 3_000  # nodes that are all landmarks by default
DEFAULT_LANDMARKS = 1_000
LARGEST_DISTANCE = 34.0  # beyond, cosh of the small distances is lost beside that of the large
SPREADS = (1.0, 2.0, 3.0, 4.5, 6.0, 8.0, 11.0, 15.0, 20.0)  # largest distances that "auto" tries
PROBED = 500  # landmarks it tries them on
FEW_ROWS = 100  # of which all eigenvectors are computed
STEP = 512  # rows of distances to landmarks that are placed at a time


class HyperbolicMDS(HyperbolicPoints):
    r"""Multidimensional scaling in hyperbolic space (h-MDS).

    With distances :math:`D` and the scale :math:`\tau`, points x of the hyperboloid satisfy

    .. math:: \cosh(\tau D_{ij}) = x_{i0} x_{j0} - x_i \cdot x_j

    so the eigenvector of the one positive eigenvalue of this matrix holds the times
    :math:`x_{i0}`, those of its d lowest eigenvalues the spatial coordinates. Distances between
    points of hyperbolic space are recovered exactly; any others as well as d dimensions allow.

    Parameters
    ----------
    n_components : int, default=10
        Dimensions.
    scale : "auto" or float, default="auto"
        Distance :math:`\tau` of points that are at the distance 1. ``"auto"`` tries nine values
        and takes the one with the least mean relative error of distances; for distances that are
        hyperbolic already, give 1.
    n_landmarks : int, optional
        Nodes to decompose the distances of; all others are placed by their distances to these.
        They are chosen one after the other, each farthest from those before. By default all of up
        to 3,000 nodes, and 1,000 of more.
    metric : {"hops", "weights", "precomputed"}, default="hops"
        Distances: the number of edges on a shortest path; the least sum of weights on a path; or
        ``X`` is the matrix of distances itself, symmetric.
    coordinates : {"poincare", "lorentz", "tangent"}, default="poincare"
        Of ``embedding_``.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_nodes, n_components), float64
        The points, in ``coordinates``.
    lorentz_ : ndarray of shape (n_nodes, n_components), float64
        The same, in spatial Lorentz coordinates.
    scale_ : float
        The scale that was taken.
    landmarks_ : ndarray of shape (n_landmarks,), int64
        Rows of the landmarks.
    landmark_distances_ : ndarray of shape (n_nodes, n_landmarks), float64
        Distances of all nodes to the landmarks.
    eigenvalues_ : ndarray of shape (1 + n_components,), float64
        The positive one, then the most negative ones, 0 where there are no more.
    eigenvectors_ : ndarray of shape (n_landmarks, 1 + n_components), float64
        They place new nodes.
    row_keys_ : ndarray of shape (n_nodes,), uint64
        Hash of each node's row, by which ``transform`` recognises it.
    node_index_ : NodeIndex
        Maps node ids to rows.
    n_features_in_ : int
        Number of nodes seen in fit.

    Raises
    ------
    ValueError
        If a parameter is out of range, precomputed distances are not symmetric with zeros on the
        diagonal, or the scale takes the largest distance beyond 34, where float64 would lose the
        small ones.

    Notes
    -----
    Directions of edges do not count. Nodes that no path connects are one step farther apart than
    the farthest that are connected.

    Memory: 8 bytes for each pair of a node and a landmark; time: the shortest paths from the
    landmarks, and the cube of their number.

    ``transform`` takes a new node to be one step beyond its neighbours: its distance to a landmark
    is the least of theirs and of the edges to them. With ``metric="precomputed"`` a block holds
    the distances of new points to all fitted ones.

    References
    ----------
    Sala, De Sa, Gu and Ré (2018), Representation Tradeoffs for Hyperbolic Embeddings, ICML.

    Keller-Ressel and Nargang (2020), Hydra: a method for strain-minimizing hyperbolic embedding of
    network- and distance-based data, Journal of Complex Networks.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.embedders.hmds import HyperbolicMDS
    >>> graph = ge.datasets.load("karate").graph
    >>> HyperbolicMDS(n_components=5).fit_transform(graph).shape
    (34, 5)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "scale": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "n_landmarks": [Interval(Integral, 2, None, closed="left"), None],
        "metric": [StrOptions({HOPS, WEIGHTS, PRECOMPUTED})],
        "coordinates": [StrOptions(set(geometry.COORDINATES))],
    }

    def __init__(
        self,
        n_components: int = 10,
        *,
        scale: str | float = "auto",
        n_landmarks: int | None = None,
        metric: str = HOPS,
        coordinates: str = "poincare",
    ) -> None:
        self.n_components = n_components
        self.scale = scale
        self.n_landmarks = n_landmarks
        self.metric = metric
        self.coordinates = coordinates

    def fit(self, X: Any, y: Any = None) -> Self:
        """Embed a graph, or points with given distances.

        Parameters
        ----------
        X : Graph, or array-like or sparse matrix of shape (n_nodes, n_nodes)
            The graph, or its adjacency matrix; with ``metric="precomputed"`` the dense matrix of
            all distances.
        y : ignored
            Present for scikit-learn.

        Returns
        -------
        self
        """
        if self.metric != PRECOMPUTED:
            return super().fit(X, y)
        self._validate_params()
        distances = self._checked_distances(X)
        self.node_index_ = NodeIndex.range(len(distances))
        landmarks = _farthest_first(lambda row: distances[row], len(distances), self._count(len(X)))
        self.lorentz_ = self._fit_points(landmarks, distances[:, landmarks])
        self.row_keys_ = row_keys(sp.csr_array(distances.astype(np.float32)))
        self.embedding_ = self._export(self.lorentz_)
        self._vectors = None
        return self

    def _checked_distances(self, X: Any) -> Floats:
        X = self._validate_matrix(X, reset=True)
        if sp.issparse(X) or X.shape[0] != X.shape[1]:
            raise GraphError(
                f"metric='precomputed' expects a square, dense matrix of distances; got "
                f"{'a sparse one' if sp.issparse(X) else 'the shape'} {X.shape}."
            )
        distances: Floats = X.astype(np.float64)
        if distances.diagonal().any() or not np.allclose(distances, distances.T):
            raise GraphError("Distances must be symmetric, and 0 on the diagonal.")
        return distances

    def _place(self, graph: Graph) -> Floats:
        paths = _hops(graph) if self.metric == HOPS else _path_lengths(graph)
        reached: list[Floats] = []

        def noted(row: int) -> Floats:
            reached.append(paths(row))
            return reached[-1]

        landmarks = _farthest_first(noted, graph.n_nodes, self._count(graph.n_nodes))
        return self._fit_points(landmarks, _connected(np.column_stack(reached)))

    def _count(self, n_nodes: int) -> int:
        if self.n_landmarks is not None:
            return min(int(self.n_landmarks), n_nodes)
        return n_nodes if n_nodes <= ALL_UP_TO else DEFAULT_LANDMARKS

    def _fit_points(self, landmarks: npt.NDArray[np.int64], distances: Floats) -> Floats:
        """Return the points of all nodes from their distances to the landmarks."""
        self.landmarks_, self.landmark_distances_ = landmarks, distances
        among = distances[landmarks]
        self.scale_ = self._scale(among)
        self.eigenvalues_, self.eigenvectors_ = decompose(
            np.cosh(self.scale_ * among), self.n_components
        )
        return self._points_at(distances)

    def _scale(self, among: Floats) -> float:
        largest = float(among.max(initial=0.0))
        if self.scale != "auto":
            scale = float(self.scale)
            if scale * largest > LARGEST_DISTANCE:
                raise GraphError(
                    f"scale={scale:g} makes the largest distance {scale * largest:.1f}; "
                    f"float64 ends at {LARGEST_DISTANCE:g}. Take at most "
                    f"{floor(1000 * LARGEST_DISTANCE / largest) / 1000:g}, or 'auto'."
                )
            return scale
        if largest == 0:
            return 1.0
        # Landmarks come farthest first if they were chosen.
        some = np.linspace(0, len(among) - 1, min(PROBED, len(among))).astype(np.int64)
        probe = among[np.ix_(some, some)]
        errors = [_error(probe, spread / largest, self.n_components) for spread in SPREADS]
        return SPREADS[int(np.argmin(errors))] / largest

    def _points_at(self, distances: Floats) -> Floats:
        """Return points from their distances to the landmarks."""
        points = np.empty((len(distances), self.n_components))
        for start in range(0, len(points), STEP):
            products = np.cosh(self.scale_ * distances[start : start + STEP])
            points[start : start + STEP] = place(products, self.eigenvalues_, self.eigenvectors_)
        return points

    def _place_new(self, block: sp.csr_array) -> Floats:
        distances = np.full((block.shape[0], len(self.landmarks_)), np.inf)
        for i in range(block.shape[0]):
            own = slice(block.indptr[i], block.indptr[i + 1])
            rows, lengths = block.indices[own], block.data[own].astype(np.float64)
            if self.metric == PRECOMPUTED:
                distances[i] = 0.0  # what is not stored
                distances[i] = _dense_row(rows, lengths, len(self.node_index_))[self.landmarks_]
            elif len(rows):
                step = 1.0 if self.metric == HOPS else lengths[:, None]
                distances[i] = (self.landmark_distances_[rows] + step).min(axis=0)
        alone = np.isinf(distances).any(axis=1)
        distances[alone] = self.landmark_distances_.max(initial=0.0) + 1.0
        # cosh of what is farther than anything that was fitted could overflow.
        return self._points_at(np.minimum(distances, 2 * LARGEST_DISTANCE / self.scale_))


def decompose(products: Floats, n_components: int) -> tuple[Floats, Floats]:
    """Return the highest and the lowest eigenvalues of a symmetric matrix, and their vectors.

    Parameters
    ----------
    products : ndarray of shape (n, n)
        cosh of distances.
    n_components : int

    Returns
    -------
    values : ndarray of shape (1 + n_components,)
        The highest, then the lowest ones, none of which is positive: 0 where there are no more.
    vectors : ndarray of shape (n, 1 + n_components)
        The first has no negative entries.
    """
    n = len(products)
    values, vectors = np.zeros(1 + n_components), np.zeros((n, 1 + n_components))
    n_low = min(n_components, n - 1)
    if n <= FEW_ROWS or n_low > n // 10:
        found, directions = scipy.linalg.eigh(products)
        chosen = [n - 1, *range(n_low)]
        values[: 1 + n_low], vectors[:, : 1 + n_low] = found[chosen], directions[:, chosen]
    else:
        start = np.ones(n)  # the same result each time
        high, first = eigsh(products, k=1, which="LA", v0=start)
        # Without the highest, a start that has all directions in it.
        rest = products - high[0] * np.outer(first[:, 0], first[:, 0])
        low, others = eigsh(rest, k=n_low, which="SA", v0=np.cos(np.arange(n)))
        values[: 1 + n_low] = [high[0], *np.sort(low)]
        vectors[:, : 1 + n_low] = np.column_stack([first, others[:, np.argsort(low)]])
    values[1:] = np.minimum(values[1:], 0.0)
    # Eigenvectors come with either sign: the largest entry is to be positive.
    largest = np.abs(vectors).argmax(axis=0)
    vectors *= np.where(vectors[largest, np.arange(1 + n_components)] < 0, -1.0, 1.0)
    return values, vectors


def place(products: Floats, values: Floats, vectors: Floats) -> Floats:
    """Return points of hyperbolic space from cosh of their distances to landmarks.

    Of the landmarks themselves these are the rows of the eigenvectors, scaled. Where fewer
    dimensions than there are negative eigenvalues cut a point short, the time says how far from
    the origin it is, and the spatial coordinates in which direction.

    Parameters
    ----------
    products : ndarray of shape (n, n_landmarks)
    values, vectors : ndarray
        From :func:`decompose`.

    Returns
    -------
    ndarray of shape (n, n_components)
        Spatial Lorentz coordinates.
    """
    sizes = np.sqrt(np.abs(values))
    solid = sizes > 1e-9 * sizes[0]
    coordinates = products @ vectors / np.where(solid, np.copysign(sizes, values), 1.0)
    times = np.maximum(coordinates[:, 0], 1.0)
    spatial = np.where(solid[1:], coordinates[:, 1:], 0.0)
    lengths = np.linalg.norm(spatial, axis=1, keepdims=True)
    wanted = np.sqrt((times - 1.0) * (times + 1.0))[:, None]
    points: Floats = spatial * np.where(lengths > 0, wanted / np.maximum(lengths, 1e-300), 0.0)
    return points


def _error(distances: Floats, scale: float, n_components: int) -> float:
    """Return the mean relative error of the distances that a scale gives."""
    products = np.cosh(scale * distances)
    points = place(products, *decompose(products, n_components))
    times = geometry.time(points)
    # Products of such distances are exact to 1e-7, enough to choose by.
    found = np.arccosh(np.maximum(np.outer(times, times) - points @ points.T, 1.0))
    apart = distances > 0
    wrong = np.abs(found[apart] / scale - distances[apart]) / distances[apart]
    return float(wrong.mean()) if len(wrong) else 0.0


def _hops(graph: Graph) -> Callable[[int], Floats]:
    """Return what counts the edges on shortest paths from a node."""
    from graphembed.kernels.hops import hop_counts

    both = graph.to_undirected() if graph.directed else graph
    hops, queue = np.empty((2, graph.n_nodes), dtype=np.int32)

    def paths(row: int) -> Floats:
        hop_counts(both.indptr, both.indices, row, hops, queue)
        return np.where(hops < 0, np.inf, hops)

    return paths


def _path_lengths(graph: Graph) -> Callable[[int], Floats]:
    """Return what measures the shortest paths from a node."""
    matrix = graph.adjacency.astype(np.float64)

    def paths(row: int) -> Floats:
        found: Floats = csgraph.dijkstra(matrix, directed=False, indices=[row])[0]
        return found

    return paths


def _farthest_first(
    distances_from: Callable[[int], Floats], n_nodes: int, count: int
) -> npt.NDArray[np.int64]:
    """Return rows of landmarks: the first, then always the one farthest from those chosen.

    If they are to be all, they come in row order. The distances from each are asked for once.
    """
    landmarks, nearest = [0], np.full(n_nodes, np.inf)
    while True:
        nearest = np.minimum(nearest, distances_from(landmarks[-1]))
        nearest[landmarks] = -1.0
        if len(landmarks) == count:
            return np.array(landmarks)
        landmarks.append(len(landmarks) if count == n_nodes else int(nearest.argmax()))


def _connected(distances: Floats) -> Floats:
    """Return distances with a step more than the largest in the place of infinite ones."""
    finite = np.isfinite(distances)
    return np.where(finite, distances, distances[finite].max(initial=0.0) + 1.0)


def _dense_row(columns: npt.NDArray[Any], values: Floats, n_columns: int) -> Floats:
    row = np.zeros(n_columns)
    row[columns] = values
    return row
