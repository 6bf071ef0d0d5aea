"""Embeddings without training, and the judge of all distances in them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Result
from harness.inputs import csr

DISTRIBUTIONS = ("graphembed-engine", "numpy", "scipy")


def graphembed_points(
    arrays: Mapping[str, Any], *, threads: int, name: str, module: str, **params: Any
) -> Job:
    """Ours; what is handed back is the matrix of all distances."""
    from importlib import import_module

    import graphembed as ge
    from graphembed.geometry import distance_matrix

    kind = getattr(import_module(module), name)
    if "n_jobs" in kind().get_params():
        params = {**params, "n_jobs": threads, "random_state": 0}
    graph = ge.Graph.from_scipy(csr(arrays))
    notes: dict[str, Result] = {}

    def run() -> Any:
        model = kind(**params).fit(graph)
        notes["scale"] = float(model.scale_)
        if hasattr(model, "required_bits_"):
            notes["bits"] = model.required_bits_
        return model

    def distances(model: Any) -> Any:
        found = model.distances() if hasattr(model, "distances") else None
        return distance_matrix(model.lorentz_) if found is None else found

    return Job(run, distances, notes)


def classical_mds(arrays: Mapping[str, Any], *, threads: int, n_components: int) -> Job:  # noqa: ARG001
    """Scale distances into Euclidean space: the same work without curvature."""
    from scipy.linalg import eigh
    from scipy.sparse.csgraph import shortest_path
    from scipy.spatial.distance import cdist

    matrix = csr(arrays)

    def run() -> Any:
        squares = shortest_path(matrix, directed=False, unweighted=True) ** 2
        means = squares.mean(axis=0)
        products = (means[:, None] + means - squares - means.mean()) / 2
        n = len(products)
        values, vectors = eigh(products, subset_by_index=[n - n_components, n - 1])
        return vectors * np.sqrt(np.maximum(values, 0.0))

    return Job(run, lambda points: cdist(points, points))


def ours(
    name: str, embedder: str, module: str, *, reference: bool = False, **params: Any
) -> Contender:
    """Return a contender of ours; ``params`` are the estimator's where not its defaults."""
    module = f"graphembed.embedders.{module}"
    return Contender(
        name,
        graphembed_points,
        ("scipy.sparse", module, "graphembed.graph.builders"),
        DISTRIBUTIONS,
        {"name": embedder, "module": module, **params},
        reference=reference,
    )


def judged(distances: Any, graph: Any) -> dict[str, Result]:
    """Return the MAP of neighbours and the mean relative error of distances in an embedding.

    Parameters
    ----------
    distances : ndarray of shape (n_nodes, n_nodes)
    graph : Graph
        Undirected and connected.

    Examples
    --------
    >>> import graphembed as ge
    >>> path = ge.Graph.from_edges([0, 1], [1, 2])
    >>> judged(np.array([[0.0, 2.0, 4.0], [2.0, 0.0, 2.0], [4.0, 2.0, 0.0]]), path)
    {'MAP': 1.0, 'distortion': 0.0}
    """
    from scipy.sparse.csgraph import shortest_path
    from sklearn.metrics import average_precision_score

    hops = shortest_path(graph.adjacency, directed=False, unweighted=True)
    others = ~np.eye(len(hops), dtype=bool)
    precisions = [
        average_precision_score(hops[u][others[u]] == 1, -distances[u][others[u]])
        for u in range(len(hops))
    ]
    ratios = np.sort(distances[others] / hops[others])
    # The scale of the least mean error is a median of the ratios, weighted by themselves.
    sums = np.cumsum(ratios)
    scale = ratios[np.searchsorted(sums, sums[-1] / 2)]
    return {
        "MAP": round(float(np.mean(precisions)), 4),
        "distortion": round(float(np.abs(ratios / scale - 1).mean()), 4),
    }
