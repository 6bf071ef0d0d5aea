"""Random walks alone: steps a second."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from contenders.skipgram import WALK_LENGTH, pecanpy_graph, text_edges
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import csr, save_graph
from harness.measure import compare

from rows.deepwalk import PEERS
from rows.node2vec import IN_OUT, RETURN

FIRST, SECOND = {"p": 1.0, "q": 1.0}, {"p": RETURN, "q": IN_OUT}


def graphembed_walks(
    arrays: Mapping[str, Any], *, threads: int, n_walks: int, p: float, q: float
) -> Job:
    """Ours, what prepares the walks of second order included."""
    import graphembed as ge

    graph = ge.Graph.from_scipy(csr(arrays))
    return Job(
        lambda: ge.random_walks(
            graph, n_walks=n_walks, walk_length=WALK_LENGTH, p=p, q=q, random_state=0,
            n_jobs=threads,
        )
    )  # fmt: skip


def pecanpy_kernel(
    arrays: Mapping[str, Any],
    *,
    threads: int,  # noqa: ARG001
    mode: str,
    n_walks: int,
    p: float,
    q: float,
) -> Job:
    """PecanPy's compiled loop alone; its numba threads come from NUMBA_NUM_THREADS."""
    from numba_progress import ProgressBar

    graph = pecanpy_graph(arrays, mode, p, q)
    # Closures over the graph: compiled anew for every call of simulate_walks, here once.
    move_forward, has_neighbors = graph.get_move_forward(), graph.get_has_nbrs()
    starts = np.tile(np.arange(graph.num_nodes, dtype=np.uint32), n_walks)
    np.random.default_rng(0).shuffle(starts)

    def walk(nodes: Any) -> Any:
        with ProgressBar(total=len(nodes), disable=True) as bar:
            return graph._random_walks(
                len(nodes), WALK_LENGTH - 1, 0, nodes, has_neighbors, move_forward, bar
            )

    walk(starts[:1])
    return Job(lambda: walk(starts), lambda found: found[:, :WALK_LENGTH])


def pecanpy_simulate(
    arrays: Mapping[str, Any],
    *,
    threads: int,  # noqa: ARG001
    mode: str,
    n_walks: int,
    p: float,
    q: float,
) -> Job:
    """PecanPy's own call: compilation, and a list of text for every walk."""
    graph = pecanpy_graph(arrays, mode, p, q)
    return Job(
        lambda: graph.simulate_walks(num_walks=n_walks, walk_length=WALK_LENGTH - 1),
        lambda walks: np.array(walks[:1000], dtype=np.int64),
    )


def fastnode2vec_walks(
    arrays: Mapping[str, Any], *, threads: int, n_walks: int, p: float, q: float
) -> Job:
    """One Python call a walk, as in fastnode2vec's training; the compiled part frees the lock."""
    from fastnode2vec import Graph

    graph = Graph(text_edges(arrays), directed=False, weighted=False, verbose=False)
    graph.generate_random_walk(WALK_LENGTH, p, q, 0)
    parts = np.array_split(np.tile(np.arange(len(graph.node_names)), n_walks), threads)

    def walk(nodes: Any) -> list[list[str]]:
        return [graph.generate_random_walk(WALK_LENGTH, p, q, node) for node in nodes]

    def run() -> list[list[str]]:
        with ThreadPoolExecutor(threads) as pool:
            return [each for found in pool.map(walk, parts) for each in found]

    return Job(run, lambda walks: np.array(walks[:1000], dtype=np.int64))


def contenders(order: Mapping[str, float], mode: str, n_walks: int) -> tuple[Contender, ...]:
    """Return the contenders for walks of one order.

    Parameters
    ----------
    order : mapping
        p and q.
    mode : str
        PecanPy's class for them.
    n_walks : int
        Walks from each node for PecanPy and fastnode2vec: a rate needs no more.
    """
    own = Contender(
        "graphembed",
        graphembed_walks,
        ("scipy.sparse", "graphembed.training.walks", "graphembed.graph.builders"),
        ("graphembed-engine", "numpy", "numba"),
        {"n_walks": 10, **order},
        reference=True,
    )
    pecanpy = Contender(
        f"PecanPy {mode}, compiled loop",
        pecanpy_kernel,
        ("pecanpy.pecanpy",),
        ("pecanpy", "numba", "numpy"),
        {"mode": mode, "n_walks": n_walks, **order},
        peer=True,
        peer_group="walks",
    )
    return (
        own,
        pecanpy,
        Contender(
            "fastnode2vec",
            fastnode2vec_walks,
            ("fastnode2vec",),
            ("fastnode2vec", "numba", "numpy"),
            {"n_walks": 1, **order},
            peer=True,
            peer_group="walks",
        ),
    )


def whole_call(entries: tuple[Contender, ...]) -> tuple[Contender, ...]:
    """Return PecanPy's own call besides: compilation and lists of text are part of it."""
    loop = next(each for each in entries if each.function is pecanpy_kernel)
    name = f"PecanPy {loop.params['mode']}, simulate_walks"
    return (*entries, replace(loop, name=name, function=pecanpy_simulate, once=True))


ORDERS = {
    "first order": whole_call(contenders(FIRST, "FirstOrderUnweighted", n_walks=10)),
    "second order": contenders(SECOND, "SparseOTF", n_walks=1),
}


def run(settings: Settings) -> list[Measurement]:
    """Walk with one thread and with all."""
    import graphembed as ge

    graph = ge.datasets.load("blogcatalog").graph
    inputs = save_graph(settings.workspace / "walks", graph)
    found = []
    for order, entries in ORDERS.items():
        for threads in sorted({1, settings.threads}):
            chosen = replace(settings, threads=threads)
            part = compare(entries, inputs, chosen, calls=4, rounds=1, cold=False)
            annotate(part, graph.n_nodes)
            for measured in part:
                measured.contender += f", {order}, {threads} thread{'s' if threads > 1 else ''}"
                # Walks differ in number: rates are compared, not times.
                measured.reference = measured.same_work = False
            found += part
    return found


def annotate(found: list[Measurement], n_nodes: int) -> None:
    """Add the rate of each measurement, and how many times that of each peer ours is."""
    rates = {
        m.contender: m.params["n_walks"] * n_nodes * (WALK_LENGTH - 1) / median(m.warm_seconds)
        for m in found
        if m.warm_seconds
    }
    for measured in found:
        if measured.contender in rates:
            rate = rates[measured.contender]
            measured.results["M steps/s"] = round(rate / 1e6, 3)
            ours = rates.get("graphembed")
            if ours is not None and measured.contender != "graphembed":
                measured.results["ours is times as fast"] = round(ours / rate, 2)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        f"BlogCatalog, walks of {WALK_LENGTH} nodes from every node, of first order and of second "
        f"(p={RETURN}, q={IN_OUT}), with one thread and with all: steps a second"
    )
    return [Row("walks", title, run, PEERS)]
