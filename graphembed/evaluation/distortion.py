"""How well distances of an embedding are distances in the graph."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.engine import run_blocks
from graphembed.evaluation.answer_ranks import Answers, Places, answer_ranks, placed_nodes
from graphembed.evaluation.report import Report
from graphembed.graph.graph import Graph
from graphembed.kernels import hyperbolic_ranking as kernel
from graphembed.kernels.hops import hop_counts
from graphembed.random_state import RandomStateLike, check_random_state

METRICS = ("poincare", "lorentz", "euclidean")
PRECOMPUTED = "precomputed"
SOURCE_BLOCK = 64

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DistortionReport(Report):
    """How much an embedding stretches distances.

    Attributes
    ----------
    average : float
        Mean relative error of distances, over all pairs; 0 if all are right.
    worst : float
        The largest factor that a distance grows by over the smallest, at least 1; infinite if
        different nodes have one place.
    mean_average_precision : float or None
        Of neighbours among all nodes, the nearest first; None if distances were given instead of a
        graph.
    scale : float
        Length of an edge in the embedding.
    n_pairs : int
        Number of pairs of nodes, of those that a path connects.
    n_nodes : int
        Number of nodes they were measured from.
    geometry : str
        What was measured.
    """

    task = "distortion"

    average: float
    worst: float
    mean_average_precision: float | None
    scale: float
    n_pairs: int
    n_nodes: int
    geometry: str

    def _records(self) -> list[dict[str, Any]]:
        """Return one row, with the MAP under its short name."""
        row = super()._records()[0]
        return [{"map" if name == "mean_average_precision" else name: v for name, v in row.items()}]


def distortion(
    embedding: Any,
    graph: Any,
    *,
    scale: str | float = "best",
    geometry: str | None = None,
    n_sources: int | None = None,
    random_state: RandomStateLike = 0,
    n_jobs: int | None = -1,
) -> DistortionReport:
    r"""Compare distances in an embedding with those in the graph.

    With :math:`d_G` the number of edges on a shortest path and :math:`s` the scale,

    .. math::

        D_{avg} = \operatorname{mean}_{u \ne v} \frac{|d(u, v) / s - d_G(u, v)|}{d_G(u, v)}, \qquad
        D_{worst} = \frac{\max_{u \ne v} d(u, v) / d_G(u, v)}{\min_{u \ne v} d(u, v) / d_G(u, v)}

    The MAP is that of :func:`hierarchy_reconstruction` on the undirected graph: how far the
    neighbours of a node are its nearest nodes.

    Parameters
    ----------
    embedding : fitted embedder, Vectors, or array-like of shape (n_nodes, n_components)
        Vectors of all nodes of the graph, by id; an array has them in row order. With
        ``geometry="precomputed"``, a matrix of the distances in the embedding.
    graph : Graph or array-like of shape (n_nodes, n_nodes)
        Edges count both ways, each as 1 whatever its weight; pairs that no path connects are left
        out. Or a symmetric matrix of the distances to be had, infinite for pairs to leave out.
    scale : "best" or float, default="best"
        Length of an edge in the embedding; "best" makes the average the smallest.
    geometry : {"poincare", "lorentz", "euclidean", "precomputed"}, default=None
        ``None`` is the embedding's own; an array has none.
    n_sources : int, default=None
        Number of nodes, drawn at random, to measure from; ``None`` takes all. All nodes are
        measured to.
    random_state : None, int, SeedSequence, Generator or RandomState, default=0
        Decides which nodes are drawn.
    n_jobs : int or None, default=-1
        Number of threads. The report does not depend on it.

    Returns
    -------
    DistortionReport

    Raises
    ------
    UnknownNodeError
        If a node of the graph has no vector.
    ValueError
        If the geometry is no metric, the numbers of rows differ, a value is not finite, ``scale``
        or ``n_sources`` is out of range, or no path connects any pair.

    Notes
    -----
    Memory: 16 bytes for each pair, 280 MB for 5,925 nodes; ``n_sources`` bounds it.

    References
    ----------
    Sala, De Sa, Gu and Ré (2018), Representation Tradeoffs for Hyperbolic Embeddings, ICML.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.evaluation import distortion
    >>> path = ge.Graph.from_edges([0, 1], [1, 2])
    >>> print(distortion([[0.0], [2.0], [4.0]], path, geometry="euclidean"))
    average  worst   map     scale   n_pairs  n_nodes  geometry
    0.0000   1.0000  1.0000  2.0000  3        3        euclidean
    """
    if scale != "best" and not (isinstance(scale, Real) and 0 < float(scale) < np.inf):
        raise ValueError(f"scale must be 'best' or a positive number; got {scale!r}.")
    if geometry == PRECOMPUTED:
        measured: Places | Floats = _square(embedding)
        wanted = _wanted(graph, len(measured))
    else:
        nodes = graph.node_index if isinstance(graph, Graph) else None
        X, geometry = placed_nodes(embedding, nodes, geometry)
        if geometry not in METRICS:
            raise ValueError(
                f"The geometry {geometry!r} has no distances (those that do: "
                f"{', '.join(METRICS)}); name one with geometry=."
            )
        wanted = _wanted(graph, len(X))
        measured = Places.of(X, geometry)
    rows = _sources(_n_nodes(measured), n_sources, random_state)
    ratios = _ratios(measured, wanted, rows, n_jobs)
    if not len(ratios):
        raise ValueError("No path connects any two nodes; there are no distances to compare.")
    ratios.sort()
    length = _best_scale(ratios) if scale == "best" else float(scale)
    return DistortionReport(
        float(np.abs(ratios / length - 1).mean()),
        float(ratios[-1] / ratios[0]) if ratios[0] > 0 else float("inf"),
        _mean_average_precision(measured, wanted, rows, n_jobs),
        length,
        len(ratios),
        len(rows),
        geometry,
    )


def _square(matrix: Any) -> Floats:
    distances = np.asarray(matrix, dtype=np.float64)
    if distances.ndim != 2 or len(distances) != distances.shape[1] or not (distances >= 0).all():
        raise ValueError(
            "With geometry='precomputed', the embedding is a square matrix of distances, none of "
            f"them negative; got the shape {distances.shape}."
        )
    return distances


def _wanted(graph: Any, n_nodes: int) -> Graph | Floats:
    """Return the undirected graph, or the checked matrix of distances."""
    if isinstance(graph, Graph):
        if graph.n_nodes != n_nodes:
            raise ValueError(
                f"The embedding has {n_nodes} rows, but the graph has {graph.n_nodes} nodes."
            )
        plain = graph.without_relations()
        return plain.to_undirected() if plain.directed else plain
    wanted = np.asarray(graph, dtype=np.float64)
    if wanted.shape != (n_nodes, n_nodes):
        raise ValueError(
            f"Distances must be a Graph or a square matrix with a row for each of the {n_nodes} "
            f"vectors; got the shape {wanted.shape}."
        )
    off = ~np.eye(n_nodes, dtype=bool)
    if not (wanted[off] > 0).all() or not np.allclose(wanted, wanted.T):
        raise ValueError("Distances must be symmetric, and positive between different nodes.")
    return wanted


def _n_nodes(measured: Places | Floats) -> int:
    return len(measured.rows if isinstance(measured, Places) else measured)


def _sources(n_nodes: int, n_sources: Any, random_state: RandomStateLike) -> npt.NDArray[np.int64]:
    if n_sources is None:
        return np.arange(n_nodes)
    if not isinstance(n_sources, Integral) or n_sources < 1:
        raise ValueError(f"n_sources must be None or an int of at least 1; got {n_sources!r}.")
    drawn = check_random_state(random_state).permutation(n_nodes)[: int(n_sources)]
    return np.sort(drawn)


def _ratios(
    measured: Places | Floats,
    wanted: Graph | Floats,
    rows: npt.NDArray[np.int64],
    n_jobs: int | None,
) -> Floats:
    """Return distance in the embedding by distance in the graph, for each pair once."""
    n_nodes = _n_nodes(measured)
    everything = len(rows) == n_nodes

    def measure(start: int, stop: int) -> Floats:
        keys = np.empty(n_nodes)
        hops, queue = np.empty((2, n_nodes), dtype=np.int32)
        targets: npt.NDArray[Any]
        found = []
        for u in rows[start:stop]:
            if isinstance(wanted, Graph):
                size = hop_counts(wanted.indptr, wanted.indices, u, hops, queue)
                targets, truth = queue[1:size], hops[queue[1:size]].astype(np.float64)
            else:
                targets = np.flatnonzero(np.isfinite(wanted[u]))
                targets = targets[targets != u]
                truth = wanted[u, targets]
            if everything:
                ahead = targets > u
                targets, truth = targets[ahead], truth[ahead]
            if isinstance(measured, Places):
                own = (measured.rows, measured.norms, measured.reach, measured.kind)
                kernel.keys_from(*own, u, keys)
                found.append(_distances(keys[targets], measured.kind) / truth)
            else:
                found.append(measured[u, targets] / truth)
        return np.concatenate(found)

    blocks = [
        (start, min(start + SOURCE_BLOCK, len(rows))) for start in range(0, len(rows), SOURCE_BLOCK)
    ]
    return np.concatenate([np.empty(0), *run_blocks(measure, blocks, n_jobs=n_jobs)])


def _distances(keys: Floats, kind: int) -> Floats:
    distances: Floats
    if kind == kernel.EUCLIDEAN:
        distances = np.sqrt(keys)
    else:
        distances = np.log1p(keys + np.sqrt(keys * (keys + 2)))
    return distances


def _best_scale(ratios: Floats) -> float:
    r"""Return the scale that minimises the mean of :math:`|r_i / s - 1|`; ratios ascend.

    It is a weighted median: the slope by 1/s is the sum of the ratios above s minus that of those
    below.
    """
    below = np.cumsum(ratios)
    if below[-1] == 0:
        return 1.0
    return float(ratios[np.searchsorted(below, below[-1] / 2)])


def _mean_average_precision(
    measured: Places | Floats,
    wanted: Graph | Floats,
    rows: npt.NDArray[np.int64],
    n_jobs: int | None,
) -> float | None:
    """Return the MAP of neighbours; None without a graph, or without neighbours."""
    if not isinstance(wanted, Graph):
        return None
    neighbors = Answers.of(wanted)
    rows = rows[np.diff(neighbors.indptr)[rows] > 0]
    if not len(rows):
        return None
    if isinstance(measured, Places):
        _, precision = answer_ranks(measured, neighbors, rows, n_jobs=n_jobs)
        return float(precision.mean())
    values = []
    for u in rows:
        own = np.sort(measured[u, neighbors.indices[neighbors.indptr[u] : neighbors.indptr[u + 1]]])
        everyone = np.sort(np.delete(measured[u], u))
        right, near = (np.searchsorted(one, own, side="right") for one in (own, everyone))
        values.append((right / near).mean())
    return float(np.mean(values))
