"""Poincaré embeddings of hierarchies and graphs, ours and gensim's, and their judge.

Read by the peers' interpreter too: libraries are imported inside the functions.
"""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Result
from harness.inputs import csr

PEERS = ("walks",)  # gensim lives there
DISTRIBUTIONS = ("graphembed-engine", "numpy", "scipy", "numba")
SEEDS = 5  # embeddings that are handed back
FEW = 100  # nodes of the tree that the compiler is warmed up with

# What the rows of a contender's result are; the judge measures distances accordingly.
GEOMETRIES = {
    "graphembed_embedder": "lorentz",
    "euclidean_twin": "euclidean",
    "gensim_poincare": "poincare",
}


def graphembed_embedder(
    arrays: Mapping[str, Any], *, threads: int, name: str, reproducible: bool, **params: Any
) -> Job:
    """Ours: every call has another seed, or none; the last embeddings are handed back."""
    import graphembed as ge

    kind, graph = getattr(ge, name), hierarchy(arrays)
    kind(**{**params, "n_epochs": 2, "n_jobs": threads}).fit(small_tree())

    def embed(seed: int | None) -> Any:
        model = kind(n_jobs=threads, random_state=seed, **params).fit(graph)
        return model.lorentz_, model.learning_rate_

    return seeded(embed, reproducible=reproducible)


def seeded(embed: Callable[[int | None], Any], *, reproducible: bool) -> Job:
    """Return the job of embedding with another seed in each call, or without.

    ``embed(seed)`` returns coordinates and a learning rate.
    """
    seeds, found = count(), []
    notes: dict[str, Result] = {}

    def run() -> Any:
        rows, rate = embed(next(seeds) if reproducible else None)
        found.append(rows)
        del found[:-SEEDS]
        notes["learning rate"] = float(rate)
        return rows

    return Job(run, lambda _: np.stack(found), notes)


def gensim_poincare(
    arrays: Mapping[str, Any],
    *,
    threads: int,  # noqa: ARG001  (it has one)
    n_components: int,
    n_negatives: int,
    n_epochs: int,
    n_relations: int = 0,
    **params: Any,
) -> Job:
    """Train gensim's PoincareModel; its defaults where no parameter says otherwise.

    ``n_relations`` makes an epoch of that many relations only, drawn once; negatives still come
    from all nodes.
    """
    from gensim.models.poincare import PoincareModel

    n_nodes = len(arrays["indptr"]) - 1
    model = PoincareModel(relations(arrays), size=n_components, negative=n_negatives, **params)
    if n_relations:
        rng = np.random.default_rng(0)
        drawn = rng.choice(len(model.all_relations), n_relations, replace=False)
        model.all_relations = [model.all_relations[row] for row in drawn]

    def run() -> Any:
        model.train(epochs=n_epochs, print_every=10**9)
        return model

    def placed(_: Any) -> Any:
        rows = np.zeros((1, n_nodes, n_components))
        rows[0, list(map(int, model.kv.index_to_key))] = model.kv.vectors
        return rows

    return Job(run, placed)


def hierarchy(arrays: Mapping[str, Any]) -> Any:
    """Return the Graph of an adjacency matrix: undirected if it is symmetric."""
    import graphembed as ge

    return ge.Graph.from_scipy(csr(arrays))


def small_tree() -> Any:
    """Return a binary tree: what is compiled on it serves for any graph."""
    import graphembed as ge

    children = np.arange(1, FEW)
    return ge.Graph.from_edges(children, (children - 1) // 2, directed=True)


def relations(arrays: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of a node and its ancestor as text, which gensim wants.

    Examples
    --------
    >>> import numpy as np
    >>> relations({"indptr": np.array([0, 0, 2]), "indices": np.array([0, 1])})
    [('1', '0'), ('1', '1')]
    """
    n_nodes = len(arrays["indptr"]) - 1
    sources = np.repeat(np.arange(n_nodes), np.diff(arrays["indptr"]))
    return list(zip(map(str, sources), map(str, arrays["indices"]), strict=True))


def ours(
    name: str,
    embedder: str = "PoincareEmbedding",
    *,
    reproducible: bool = True,
    reference: bool = False,
    once: bool = False,
    **params: Any,
) -> Contender:
    """Return a contender of ours; ``params`` are the estimator's where not its defaults."""
    module = f"graphembed.embedders.{embedder.removesuffix('Embedding').lower()}"
    return Contender(
        name,
        graphembed_embedder,
        ("scipy.sparse", "numba", module, "graphembed.graph.builders"),
        DISTRIBUTIONS,
        {"name": embedder, "reproducible": reproducible, **params},
        reference=reference,
        once=once,
    )


def gensim(name: str, **params: Any) -> Contender:
    """Return gensim's contender, which takes minutes."""
    return Contender(
        name,
        gensim_poincare,
        ("gensim.models.poincare",),
        ("gensim", "numpy"),
        params,
        peer=True,
        peer_group=PEERS[0],
        once=True,
        same_work=False,
    )


def mean_ranks(embeddings: Any, contender: Contender, report: Any) -> dict[str, Result]:
    """Return the mean rank and MAP of several embeddings, and their standard deviation.

    Parameters
    ----------
    embeddings : ndarray of shape (n_seeds, n_nodes, n_components)
    contender : Contender
        Whose they are: says the geometry.
    report : callable
        ``report(embedding, geometry) -> HierarchyReport``.
    """
    geometry = GEOMETRIES[contender.function.__name__]
    found = [report(embedding, geometry) for embedding in embeddings]
    figures = {
        "mean rank": [each.mean_rank for each in found],
        "MAP": [each.mean_average_precision for each in found],
    }
    return spread(figures)


def spread(figures: Mapping[str, list[float]]) -> dict[str, Result]:
    """Return means, with the standard deviation where there are several values.

    Examples
    --------
    >>> spread({"MAP": [0.9, 1.0]})
    {'MAP': 0.95, 'MAP +-': 0.05, 'seeds': 2}
    """
    n_seeds = max(map(len, figures.values()))
    shown: dict[str, Result] = {}
    for name, values in figures.items():
        shown[name] = round(float(np.mean(values)), 4)
        if n_seeds > 1:
            shown[f"{name} +-"] = round(float(np.std(values)), 4)
    return {**shown, "seeds": n_seeds}
