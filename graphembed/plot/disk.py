"""The Poincaré disk: a hierarchy in two hyperbolic dimensions, on paper."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.geometry import from_ball, radius, to_ball
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.plot.geodesics import geodesics, moved_to_origin
from graphembed.plot.labels import write_labels
from graphembed.vectors import Vectors

SIZE = 7.0  # inches
EDGES = (True, False, "all")
FARTHEST = 1e60
LARGEST, SMALLEST = 130.0, 7.0  # areas of points, in square points

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Nodes:
    """What a model knows of its nodes: their ids, places, and edges."""

    index: NodeIndex
    X: Floats
    edges: npt.NDArray[Any]


def poincare_disk(
    model: Any,
    graph: Graph | None = None,
    *,
    labels: Any = 25,
    edges: bool | str = True,
    center: Any = None,
    color: Any = None,
    cmap: str = "viridis",
    title: str | None = None,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
) -> Any:
    r"""Draw a hyperbolic embedding of two dimensions in the unit disk.

    The circle is infinitely far away, and room grows towards it as a tree does. Edges are
    geodesics: arcs that meet the circle at right angles. Points are larger the more edges end at
    them, and coloured by their distance from the origin, which is the depth in a hierarchy.

    Parameters
    ----------
    model : fitted embedder, Vectors, or array-like of shape (n_nodes, 2)
        Of a hyperbolic embedder or Vectors of geometry "poincare" or "lorentz"; an array holds
        points of the disk, in the order of the graph's nodes.
    graph : Graph, default=None
        Its edges are drawn. ``None``: those of the tree that the model made, if it made one.
    labels : int, array-like of ids or mapping of ids to str, default=25
        Nodes to name: as many as this, the important ones first (at which most edges end, then
        those nearest to the origin); or these, with their ids or other words. Names that would
        stand on others are left out.
    edges : bool or "all", default=True
        ``True`` leaves out edges that two others make up for, such as those of a closure to the
        parents' parents; "all" draws them, too.
    center : id, default=None
        Node to move to the middle. Distances stay as they are.
    color : array-like of shape (n_nodes,) or color, default=None
        Instead of the distance from the origin: numbers or colours, in the order of the nodes.
    cmap : str, default="viridis"
        Colours for numbers, from low to high.
    title : str, default=None
    path : path-like, default=None
        File to save the picture to.
    ax : matplotlib.axes.Axes, default=None
        Where to draw; ``None`` makes a figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    GraphError
        If the embedding has not two dimensions, is not hyperbolic, or is not of this graph.
    UnknownNodeError
        If ``labels`` or ``center`` names an unknown node.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.plot import poincare_disk
    >>> tree = ge.Graph.from_edges(["cat", "dog"], ["animal", "animal"], directed=True)
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> axes = poincare_disk([[0.0, 0.0], [0.6, 0.1], [-0.5, 0.3]], tree, ax=axes)
    >>> sorted(text.get_text() for text in axes.texts)
    ['animal', 'cat', 'dog']
    """
    if not any(edges is known or edges == known for known in EDGES):
        raise ValueError(f"edges must be True, False or 'all'; got {edges!r}.")
    nodes = _nodes_of(model, graph)
    X = nodes.X
    if center is not None:
        X = moved_to_origin(X, X[nodes.index.rows(center)[0]])
    ends = np.bincount(nodes.edges[:, 1], minlength=len(X))
    named = _names(labels, nodes.index, ends, X)

    from graphembed.plot.figures import new_axes, save

    if ax is None:
        ax = new_axes((SIZE, SIZE), own_window=path is None)
    _draw_circle(ax)
    shown = nodes.edges if edges == "all" else direct_edges(nodes.edges, len(X))
    if edges and len(shown):
        _draw_edges(ax, X, shown)
    points = to_ball(X)
    _draw_points(ax, points, ends, radius(X) if color is None else color, cmap)
    if title is not None:
        ax.set_title(title, loc="left", fontsize="medium")
    write_labels(ax, points[list(named)], list(named.values()))
    save(ax, path)
    return ax


def direct_edges(pairs: npt.NDArray[Any], n_nodes: int) -> npt.NDArray[np.int64]:
    """Return the edges that no two others make up for; self-loops are left out.

    Of the closure of a tree, or of any hierarchy, those to the direct parents stay. Where edges
    run both ways, nothing is left out.

    Parameters
    ----------
    pairs : ndarray of shape (n_edges, 2)
        Row numbers.
    n_nodes : int

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.plot.disk import direct_edges
    >>> direct_edges(np.array([[2, 1], [1, 0], [2, 0]]), 3).tolist()
    [[1, 0], [2, 1]]
    """
    import scipy.sparse as sp

    pairs = pairs[pairs[:, 0] != pairs[:, 1]].astype(np.int64)
    links = sp.csr_array((np.ones(len(pairs)), tuple(pairs.T)), shape=(n_nodes, n_nodes))
    links.sum_duplicates()
    links.data[:] = 1
    if links.multiply(links.T).nnz == 0:
        detours = links.multiply(links @ links)
        links = links - links.multiply(detours > 0)
        links.eliminate_zeros()
    direct: npt.NDArray[np.int64] = np.column_stack(links.nonzero()).astype(np.int64)
    return direct


def _nodes_of(model: Any, graph: Graph | None) -> _Nodes:
    index = getattr(model, "node_index_", None)
    if hasattr(model, "lorentz_"):
        X = np.asarray(model.lorentz_, dtype=np.float64)
        # Farther out than anyone sees, but squares would overflow.
        X = X * np.minimum(1, FARTHEST / np.abs(X).max(axis=1, initial=1, keepdims=True))
    else:
        vectors = getattr(model, "vectors_", model)
        index = getattr(vectors, "node_index", None)
        X = _lorentz(vectors)
    if X.ndim != 2 or X.shape[1] != 2:
        raise GraphError(
            f"The disk has two dimensions; the shape of the embedding is {X.shape}. Fit it with "
            "n_components=2."
        )
    if index is None:
        index = NodeIndex.range(len(X)) if graph is None else graph.node_index
    if graph is None:
        parents = np.asarray(getattr(model, "parents_", []), dtype=np.int64)
        rows = np.flatnonzero(parents >= 0)
        return _Nodes(index, X, np.column_stack([rows, parents[rows]]))
    if len(X) != len(index):
        raise GraphError(f"The embedding has {len(X)} rows, but the graph has {len(index)} nodes.")
    edges: npt.NDArray[Any] = graph.without_relations().edges()
    if index != graph.node_index:
        edges = index.rows(graph.nodes)[edges]
    return _Nodes(index, X, edges)


def _lorentz(vectors: Any) -> Floats:
    """Return spatial Lorentz coordinates of vectors or of points of the disk."""
    known = isinstance(vectors, Vectors)
    if known and vectors.geometry not in ("poincare", "lorentz"):
        raise GraphError(
            f"Only hyperbolic vectors lie in the disk; these are {vectors.geometry!r}. Fit a "
            "PoincareEmbedding or a TreeEmbedding with n_components=2."
        )
    X = np.asarray(vectors.matrix if known else vectors, dtype=np.float64)
    return X if X.ndim != 2 or (known and vectors.geometry == "lorentz") else from_ball(X)


def _names(labels: Any, index: NodeIndex, ends: npt.NDArray[Any], X: Floats) -> dict[int, str]:
    """Return what to write at which rows, the important first."""
    if isinstance(labels, Mapping):
        ids, words = list(labels), list(labels.values())
    elif labels is None or isinstance(labels, int | np.integer):
        order = np.lexsort([radius(X), -ends])
        ids = index.take(order[: 0 if labels is None else int(labels)]).tolist()
        words = ids
    else:
        ids = words = np.asarray(labels).tolist()
    rows = index.rows(ids).tolist() if ids else []
    return dict(zip(rows, map(str, words), strict=True))


def _draw_circle(ax: Any) -> None:
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, facecolor="0.985", edgecolor="0.6", linewidth=1, zorder=0))
    ax.set(xlim=(-1.03, 1.03), ylim=(-1.03, 1.03), aspect="equal")
    ax.axis("off")


def _draw_points(ax: Any, points: Floats, ends: npt.NDArray[Any], color: Any, cmap: str) -> None:
    # Numbers of ends span orders of magnitude: areas by their logarithm.
    weight = np.log1p(ends) / max(np.log1p(ends.max(initial=0)), 1.0)
    order = np.argsort(weight, kind="stable")  # the large ones on top
    if not isinstance(color, str) and len(color) == len(points):
        color = np.asarray(color)[order]
    ax.scatter(
        *points[order].T, s=(SMALLEST + (LARGEST - SMALLEST) * weight**2)[order], c=color,
        cmap=None if isinstance(color, str) else cmap, edgecolors="white", linewidths=0.4, zorder=2,
    )  # fmt: skip


def _draw_edges(ax: Any, X: Floats, pairs: npt.NDArray[Any]) -> None:
    from matplotlib.collections import LineCollection

    arcs = geodesics(X[pairs[:, 0]], X[pairs[:, 1]])
    # Many edges are drawn finer, or they would cover each other.
    width = float(np.clip(12 / np.sqrt(len(pairs)), 0.35, 1.2))
    ax.add_collection(LineCollection(list(arcs), colors="0.62", linewidths=width, zorder=1))
