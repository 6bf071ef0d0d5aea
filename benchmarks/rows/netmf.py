"""NetMF: quality, time and memory on labelled graphs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from contenders.classified import classified
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import csr

from rows.prone import OURS, SETS
from rows.spectral import N_COMPONENTS, sknetwork

MEMORY_MB = 300  # above what the process had when its input was ready


def graphembed_netmf(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:
    """Ours, given a Graph."""
    import graphembed as ge
    from graphembed.embedders.netmf import NetMF

    graph = ge.Graph.from_scipy(csr(arrays))
    return Job(lambda: NetMF(n_jobs=threads, random_state=0, **params).fit_transform(graph))


def dense_netmf(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:  # noqa: ARG001
    """Run the paper's way to the same matrix: ARPACK, all of n x n in memory, ARPACK again."""
    adjacency = csr(arrays).astype(np.float64)
    return Job(lambda: _dense_netmf(adjacency, **params))


def _dense_netmf(adjacency: Any, n_components: int, rank: int, window: int) -> Any:
    import scipy.sparse as sp
    from scipy.sparse.linalg import eigsh, svds

    degrees = np.asarray(adjacency.sum(axis=1)).ravel()
    scale = np.where(degrees > 0, degrees, np.inf) ** -0.5
    values, vectors = eigsh(
        sp.diags_array(scale) @ adjacency @ sp.diags_array(scale), rank, which="LA"
    )
    means = np.maximum(0, (values[:, None] ** np.arange(1, window + 1)).mean(axis=1))
    factors = scale[:, None] * vectors * np.sqrt(means * degrees.sum())
    matrix = (factors @ factors.T).astype(np.float32)
    np.log(np.maximum(matrix, 1, out=matrix), out=matrix)
    U, s, _ = svds(matrix, n_components)
    return U * np.sqrt(s)


def ours(name: str, *, reference: bool = False, **params: Any) -> Contender:
    """Return our contender."""
    imports = ("scipy.sparse", "graphembed.embedders.netmf", "graphembed.graph.builders")
    params = {"n_components": N_COMPONENTS, **params}
    return Contender(name, graphembed_netmf, imports, OURS, params, reference=reference)


def dense(name: str) -> Contender:
    """Return the contender that follows the paper, on scipy."""
    imports = ("scipy.sparse.linalg",)
    params = {"n_components": N_COMPONENTS, "rank": 256, "window": 10}
    return Contender(name, dense_netmf, imports, ("scipy", "numpy"), params, once=True)


def measured_memory(name: str, contenders: tuple[Contender, ...]) -> Any:
    """Return the ``run`` of a row that classifies nodes, and says what memory each took."""
    run_classified = classified(name, contenders)

    def run(settings: Settings) -> list[Measurement]:
        found: list[Measurement] = run_classified(settings)
        for measured in found:
            if measured.peak_rss_bytes is not None and measured.rss_before_bytes is not None:
                more = (measured.peak_rss_bytes - measured.rss_before_bytes) / 1e6
                measured.results["MB above its input"] = round(more)
                measured.results[f"within {MEMORY_MB} MB"] = more <= MEMORY_MB
        return found

    return run


def rows() -> list[Row]:
    """Return the rows of this file."""
    small = (
        ours("graphembed", reference=True),
        ours("graphembed, rank 160", rank=160),
        ours("graphembed, 1 power iteration", n_iter=1),
        dense("scipy, as in the paper, n x n in memory"),
        sknetwork("scikit-network Spectral", n_components=N_COMPONENTS),
    )
    large = (
        ours("graphembed", reference=True),
        sknetwork("scikit-network Spectral", n_components=N_COMPONENTS),
    )
    return [
        Row(
            f"netmf-{short}",
            f"{title}, 128 components: NetMF, node classification, and memory",
            measured_memory(name, large if short == "dblp" else small),
            ("",),
        )
        for short, (name, title) in SETS.items()
    ]
