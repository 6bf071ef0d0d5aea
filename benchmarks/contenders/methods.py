"""Every embedder of an untyped graph with its defaults, the peers' likewise, and heuristics.

Read by the peers' interpreter too: libraries are imported inside the functions.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job
from harness.inputs import csr
from rows.fastrp import fastrp, pycleora

from contenders.skipgram import N_COMPONENTS, ensmallen, gensim

OURS = ("graphembed-engine", "numpy", "scipy", "numba")
RING = 32  # nodes of the graph that warms up
# Its defaults are DeepWalk; these are what the row `node2vec-blogcatalog` has.
NODE2VEC = {"p": 0.25, "q": 4.0}
# Their coordinates are nothing for a linear classifier: they are judged by links alone.
HYPERBOLIC = {"PoincareEmbedding": "poincare", "LorentzEmbedding": "lorentz"}
HEURISTICS = ("PreferentialAttachment", "AdamicAdar", "PersonalizedPageRank")


def graphembed_embedder(
    arrays: Mapping[str, Any], *, threads: int, name: str, **params: Any
) -> Job:
    """Ours, from Graph to vectors; a small graph is embedded before, so that nothing compiles.

    Handed back are the vectors, and behind them context vectors if every node has as long ones.
    """
    from sklearn.base import clone

    import graphembed as ge

    embedder = getattr(ge, name)(n_jobs=threads, random_state=0, **params)
    ring = np.arange(RING)
    clone(embedder).fit(ge.Graph.from_edges(ring, np.roll(ring, 1)))
    graph = ge.Graph.from_scipy(csr(arrays))

    def vectors(fitted: Any) -> Any:
        contexts = getattr(fitted, "context_embedding_", None)
        if contexts is None or contexts.shape != fitted.embedding_.shape:
            return fitted.embedding_
        return np.stack([fitted.embedding_, contexts])

    return Job(lambda: clone(embedder).fit(graph), vectors)


def graphembed_heuristic(arrays: Mapping[str, Any], *, threads: int, name: str) -> Job:
    """One of our heuristics; handed back are the scores of the pairs that are asked about."""
    import graphembed as ge

    heuristic = getattr(ge.heuristics, name)(n_jobs=threads)
    graph, pairs = ge.Graph.from_scipy(csr(arrays)), arrays["pairs"]
    heuristic.fit(graph).score_edges(pairs[:2])
    return Job(lambda: heuristic.fit(graph).score_edges(pairs))


def sknetwork_embedder(arrays: Mapping[str, Any], *, threads: int, name: str, **params: Any) -> Job:  # noqa: ARG001
    """scikit-network: a class of ``sknetwork.embedding``; ARPACK has the threads of BLAS."""
    from sknetwork import embedding

    adjacency = csr(arrays, matrix=True)
    return Job(lambda: getattr(embedding, name)(**params).fit_transform(adjacency))


def ours(name: str, **params: Any) -> Contender:
    """Return one of our embedders, with its defaults but for ``params``."""
    imports = ("scipy.sparse", "graphembed.graph.builders")
    return Contender(name, graphembed_embedder, imports, OURS, {"name": name, **params})


def heuristic(name: str) -> Contender:
    """Return one of our heuristics, with its defaults."""
    imports = ("scipy.sparse", "graphembed.graph.builders")
    return Contender(name, graphembed_heuristic, imports, OURS, {"name": name})


def sknetwork(name: str, **params: Any) -> Contender:
    """Return an embedder of scikit-network."""
    return Contender(
        f"scikit-network {name}",
        sknetwork_embedder,
        ("scipy.sparse", "sknetwork.embedding"),
        ("scikit-network", "numpy", "scipy"),
        {"name": name, **params},
        peer=True,
    )


def embedders() -> tuple[Contender, ...]:
    """Return all embedders, ours first; 128 columns, hyperbolic ones as many as they come with."""
    import graphembed as ge

    known = ("Spectral", "ProNE", "NetMF", "FastRP", "DeepWalk", "Node2Vec", "LINE", "GraphSAGE")
    settings = {"Node2Vec": NODE2VEC}
    return (
        *(
            ours(name, n_components=N_COMPONENTS, **settings.get(name, {}))
            for name in known
            if hasattr(ge, name)
        ),
        *(ours(name) for name in HYPERBOLIC),
        sknetwork("Spectral", n_components=N_COMPONENTS),
        sknetwork("GSVD", n_components=N_COMPONENTS),
        sknetwork("LouvainEmbedding", random_state=0, isolated_nodes="keep"),
        fastrp("fastrp", dim=N_COMPONENTS),
        pycleora("pycleora", feature_dim=N_COMPONENTS, num_iterations=40, whiten=True),
        gensim("PecanPy + gensim", "FirstOrderUnweighted"),
        ensmallen("ensmallen DeepWalk"),
    )


def heuristics() -> tuple[Contender, ...]:
    """Return heuristics for links: degrees, neighbourhoods, walks."""
    return tuple(heuristic(name) for name in HEURISTICS)
