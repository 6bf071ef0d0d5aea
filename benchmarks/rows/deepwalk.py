"""DeepWalk end to end: time, quality, memory."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from contenders.skipgram import (
    N_COMPONENTS,
    SEEDS,
    both_modes,
    ensmallen,
    fastnode2vec,
    gensim,
    graphembed_embedder,
)
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import csr, n_bytes, save_graph
from harness.judge import mean_classification
from harness.measure import MeasurementError, compare, run_once

PEERS = ("walks",)
MEMORY_WALKS = (10, 100)
SMALL = 2000  # nodes of the graph that warms up
CONTENDERS = (
    *both_modes("DeepWalk"),
    gensim("PecanPy FirstOrderUnweighted + gensim", "FirstOrderUnweighted"),
    fastnode2vec("fastnode2vec"),
    ensmallen("ensmallen, its defaults"),
    ensmallen(
        "ensmallen, 100 negatives, exact walks",
        number_of_negative_samples=100,
        max_neighbours=None,
        learning_rate=0.025,
    ),
)


def classified(name: str, contenders: tuple[Contender, ...]) -> Any:
    """Return the ``run`` of a row that embeds a labelled data set and classifies its nodes."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        dataset = ge.datasets.load(name)
        inputs = save_graph(settings.workspace / name, dataset.graph)

        def score(contender: Contender, embedding: Any) -> dict[str, Result]:  # noqa: ARG001
            return mean_classification(embedding, dataset.labels, settings.n_shuffles)

        # One call that is not counted, then one for each seed.
        found = compare(contenders, inputs, settings, calls=1 + SEEDS, rounds=1, score=score)
        for measured in found:
            if measured.cold_seconds is not None and measured.warm_seconds:
                more = measured.cold_seconds - median(measured.warm_seconds)
                measured.results["compilation s"] = round(max(0.0, more), 2)
        return found

    return run


def graphembed_memory(arrays: Mapping[str, Any], *, threads: int, **params: Any) -> Job:
    """Ours, warmed up on a small graph: compiled code is not what is measured."""
    small = csr(arrays)[:SMALL, :SMALL]
    part = {"indptr": small.indptr, "indices": small.indices, "data": small.data}
    graphembed_embedder(part, threads=threads, **{**params, "n_walks": 1}).run()
    del small, part
    return graphembed_embedder(arrays, threads=threads, **params)


def run_memory(settings: Settings) -> list[Measurement]:
    """Fit with few and with many walks; memory must not follow their number."""
    import graphembed as ge

    graph = ge.datasets.load("blogcatalog").graph
    inputs = save_graph(settings.workspace / "deepwalk-memory", graph)
    tables = 2 * graph.n_nodes * N_COMPONENTS * 4
    cache = Path(tempfile.mkdtemp(prefix="numba-", dir=settings.workspace))
    found = []
    for mode in both_modes("DeepWalk"):
        measured_one = replace(mode, function=graphembed_memory)
        # The compiler needs more memory than the work: it runs in processes of its own.
        once = replace(measured_one, params={**mode.params, "n_walks": 1})
        try_once(once, inputs, settings, cache)
        for n_walks in MEMORY_WALKS:
            many = replace(
                measured_one,
                name=f"{mode.name}, {n_walks} walks a node",
                params={**mode.params, "n_walks": n_walks},
            )
            found.append(try_once(many, inputs, settings, cache))
    for measured in found:
        if measured.peak_rss_bytes is not None and measured.rss_before_bytes is not None:
            more = measured.peak_rss_bytes - measured.rss_before_bytes - tables
            measured.results = {
                "graph MB": round(n_bytes(inputs) / 1e6, 1),
                "both tables MB": round(tables / 1e6, 1),
                "above graph and tables MB": round(more / 1e6, 1),
            }
    return found


def try_once(
    contender: Contender, inputs: Mapping[str, Path], settings: Settings, cache: Path
) -> Measurement:
    """Return the figures of one call in one process, or why there are none."""
    measured = Measurement(contender.name, params=dict(contender.params))
    try:
        once = run_once(contender, inputs, settings, calls=1, numba_cache=cache)
    except MeasurementError as error:
        measured.error = str(error)
        return measured
    measured.versions, measured.warm_seconds = once["versions"], once["seconds"]
    measured.rss_before_bytes = once["rss_before_bytes"]
    measured.peak_rss_bytes = once["peak_rss_bytes"]
    measured.results = once["notes"]
    return measured


def rows() -> list[Row]:
    """Return the rows of this file."""
    return [
        Row(
            "deepwalk-blogcatalog",
            "BlogCatalog, 10,312 nodes, 128 components, 10 walks x 80, window 10, 5 negatives: "
            "DeepWalk from graph to vectors, and node classification",
            classified("blogcatalog", CONTENDERS),
            PEERS,
        ),
        Row(
            "deepwalk-memory",
            "BlogCatalog, DeepWalk with 10 and 100 walks a node: memory above graph and tables",
            run_memory,
        ),
    ]
