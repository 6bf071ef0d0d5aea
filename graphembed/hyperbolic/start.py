"""Where hyperbolic training starts, and how its learning rate is found."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from graphembed.graph.builders import from_rows
from graphembed.graph.graph import Graph
from graphembed.hyperbolic.trainer import Coordinates, HyperbolicSettings, HyperbolicTrainer
from graphembed.training.tiles import derive_key

INITS = ("auto", "uniform", "tree", "partition")
WIDTH = 1e-3  # of the uniform start
TREE_RADIUS = 6.0
NODES_PER_PART = 32  # of the partition that init="partition" embeds first
RATES = (0.04, 0.15, 0.6)  # that a probe compares
PROBE_SHARE, PROBE_EDGES = 0.05, 20_000  # of the edges, and how many at least
PROBE_EPOCHS = 10

# What the seed is folded with, so that no two uses of it share a stream.
START, PARTS, PROBE = 11, 12, 13


def initial_coordinates(
    graph: Graph,
    n_components: int,
    init: Any,
    key: int,
    settings: HyperbolicSettings | None = None,
    n_jobs: int | None = -1,
) -> Coordinates:
    """Return spatial Lorentz coordinates to start from.

    Parameters
    ----------
    graph : Graph
    n_components : int
    init : {"auto", "uniform", "tree", "partition"} or array-like of shape (n_nodes, n_components)
        ``"auto"`` is ``"tree"`` for a directed graph without cycles, and for the distortion loss;
        ``"uniform"`` otherwise: the tree of a network is a start that training does not get out of.
        ``"uniform"`` draws points close to the origin; ``"tree"`` lays out a spanning tree, as
        :class:`~graphembed.TreeEmbedding` does, within a radius of 6 (on a line, which has no room
        for one, it is ``"uniform"``); ``"partition"`` trains the graph of the parts of a
        partition, and starts nodes at their parts. An array holds spatial coordinates.
    key : int
        64-bit key of all randomness.
    settings : HyperbolicSettings, optional
        How training will go on, and how the parts are trained.
    n_jobs : int or None, default=-1

    Returns
    -------
    ndarray of shape (n_nodes, n_components), float64

    Raises
    ------
    ValueError
        If ``init`` is none of these.
    """
    shape = (graph.n_nodes, n_components)
    rng = np.random.default_rng([key, START])
    noise = rng.uniform(-WIDTH, WIDTH, shape)
    if not isinstance(init, str):
        start = np.array(init, dtype=np.float64)
        if start.shape != shape or not np.isfinite(start).all():
            raise ValueError(
                f"init must be one of {', '.join(INITS)} or finite numbers of shape {shape}; got "
                f"an array of shape {start.shape}."
            )
        return start
    if init == "auto":
        distances = settings is not None and settings.loss == "distortion"
        init = "tree" if distances or _is_hierarchy(graph) else "uniform"
    if init == "uniform":
        return noise
    if init == "tree":
        return _from_tree(graph, n_components) + noise
    if init == "partition":
        return _from_partition(graph, n_components, key, settings, n_jobs) + noise
    raise ValueError(f"Unknown init {init!r} (known: {', '.join(INITS)}, or an array).")


def _is_hierarchy(graph: Graph) -> bool:
    """Return whether edges lead to other nodes only, and never back."""
    if not graph.directed:
        return False
    n_groups, _ = connected_components(graph.adjacency, directed=True, connection="strong")
    return bool(n_groups == graph.n_nodes)


def _from_tree(graph: Graph, n_components: int) -> Coordinates:
    """Lay out a spanning tree; on a line there is no room for one."""
    from graphembed.hyperbolic.tree_layout import tree_coordinates

    if n_components < 2 or not graph.n_nodes:
        return np.zeros((graph.n_nodes, n_components))
    return tree_coordinates(graph, n_components, max_radius=TREE_RADIUS)


def _from_partition(
    graph: Graph,
    n_components: int,
    key: int,
    settings: HyperbolicSettings | None,
    n_jobs: int | None,
) -> Coordinates:
    """Train the quotient graph of a partition; each node starts at its part."""
    from graphembed.graph.transforms import partition, quotient_graph

    seed = int(derive_key(key, PARTS))
    labels = partition(graph, max(1, graph.n_nodes // NODES_PER_PART))
    parts = quotient_graph(graph, labels)
    start = initial_coordinates(parts, n_components, "uniform", seed)
    trainer = HyperbolicTrainer(
        settings or HyperbolicSettings(), parts, start, seed=seed, n_jobs=n_jobs
    )
    trainer.train()
    return trainer.coordinates[labels]


def probe_learning_rate(
    settings: HyperbolicSettings,
    graph: Graph,
    start: Coordinates,
    *,
    seed: int | None,
    n_jobs: int | None = -1,
) -> float:
    """Return the rate of three whose loss is lowest after ten epochs on 5 % of the edges.

    Parameters
    ----------
    settings : HyperbolicSettings
        Its own learning rate is not used.
    graph : Graph
    start : ndarray of shape (n_nodes, d), float64
    seed : int or None
        The same rate for the same int, at every ``n_jobs``.
    n_jobs : int or None, default=-1
    """
    key = int(derive_key(0 if seed is None else seed, PROBE))
    some = _some_edges(graph, np.random.default_rng(key))
    n_epochs = min(PROBE_EPOCHS, settings.n_epochs)
    short = replace(settings, n_epochs=n_epochs, burn_in=min(settings.burn_in, n_epochs // 3))

    def last_loss(rate: float) -> float:
        trainer = HyperbolicTrainer(
            replace(short, learning_rate=rate), some, start, seed=key, n_jobs=n_jobs
        )
        return trainer.train()[-1]

    return min(RATES, key=last_loss)


def _some_edges(graph: Graph, rng: np.random.Generator) -> Graph:
    """Return the graph with a sample of its edges."""
    n_edges = graph.n_edges
    size = max(min(n_edges, PROBE_EDGES), int(PROBE_SHARE * n_edges))
    if size == n_edges:
        return graph
    plain = graph.without_relations()
    chosen = np.sort(rng.choice(plain.n_edges, size, replace=False))
    sources, targets = plain.edges()[chosen].T
    weights = plain.edge_weights()[chosen] if plain.weighted else None
    return from_rows(
        sources, targets, weights=weights, nodes=graph.node_index, directed=graph.directed
    )
