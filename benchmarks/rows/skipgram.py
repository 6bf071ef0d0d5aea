"""Skip-gram training alone, on stored walks: tokens a second, and the share of the peak rate."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contenders.peak import limits, operations
from contenders.skipgram import (
    N_COMPONENTS,
    N_NEGATIVES,
    N_WALKS,
    WALK_LENGTH,
    WINDOW,
    word2vec,
)
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

from rows.deepwalk import PEERS

PEER_WALKS = 2  # from each node: a rate needs no more
LEARNING_RATE = 0.025


class StoredWalks:
    """Stands in for the sampler of walks: hands out walks that were made before."""

    def __init__(self, walks: Any) -> None:
        self.walks = walks

    def generate(self, _seed: int, _epoch: int, first: int, last: int, **_: Any) -> Any:
        """Return walks ``first`` to ``last - 1``."""
        return self.walks[first:last]


def graphembed_trainer(arrays: Mapping[str, Any], *, threads: int, reproducible: bool) -> Job:
    """Ours: the trainer of DeepWalk; counting visits and listing pairs is part of it."""
    from graphembed.training.skipgram import SkipGram

    walks = arrays["walks"]
    n_nodes = int(arrays["n_nodes"])

    def run() -> Any:
        model = SkipGram(
            sampler=StoredWalks(walks), n_nodes=n_nodes, n_components=N_COMPONENTS, seed=0,
            window=WINDOW, n_negatives=N_NEGATIVES, walk_length=WALK_LENGTH,
            learning_rate=LEARNING_RATE, shrink_windows=True, reproducible=reproducible,
            n_jobs=threads,
        )  # fmt: skip
        model.initialise()
        model.train(np.full(n_nodes, len(walks) // n_nodes), 1, [])
        return model.inputs

    return Job(run)


def gensim_trainer(arrays: Mapping[str, Any], *, threads: int, from_file: bool) -> Job:
    """gensim: lists of text in memory, or a text file that its threads read on their own."""
    n_nodes = int(arrays["n_nodes"])
    walks = [list(map(str, walk)) for walk in arrays["walks"][: PEER_WALKS * n_nodes].tolist()]
    model = word2vec(threads)
    model.build_vocab(walks)
    if not from_file:
        return Job(lambda: model.train(walks, total_examples=len(walks), epochs=1), _nothing)
    path = Path("walks.txt")  # the process has a folder of its own
    path.write_text("".join(" ".join(walk) + "\n" for walk in walks), encoding="utf-8")
    n_words = sum(map(len, walks))
    return Job(lambda: model.train(corpus_file=str(path), total_words=n_words, epochs=1), _nothing)


def _nothing(_: Any) -> Any:
    return np.zeros(0)


def trainers() -> tuple[Contender, ...]:
    """Return ours in both modes and gensim in both of its."""
    own = Contender(
        "graphembed",
        graphembed_trainer,
        ("graphembed.training.skipgram",),
        ("graphembed-engine", "numpy", "numba"),
        {"reproducible": False},
        reference=True,
    )
    gensim = Contender(
        "gensim",
        gensim_trainer,
        ("gensim.models",),
        ("gensim", "numpy"),
        {"from_file": False},
        peer=True,
        peer_group="walks",
        once=True,
    )
    return (
        own,
        replace(
            own, name="graphembed, reproducible", params={"reproducible": True}, reference=False
        ),
        gensim,
        replace(gensim, name="gensim, corpus_file", params={"from_file": True}),
    )


def run(settings: Settings) -> list[Measurement]:
    """Train with one thread and with all."""
    import graphembed as ge

    graph = ge.datasets.load("blogcatalog").graph
    walks = ge.random_walks(graph, n_walks=N_WALKS, walk_length=WALK_LENGTH, random_state=0)
    arrays = {"walks": walks, "n_nodes": np.array(graph.n_nodes)}
    inputs = save_arrays(settings.workspace / "skipgram", arrays)
    own = work(walks)
    peers = work(walks[: PEER_WALKS * graph.n_nodes])
    found = []
    for threads in sorted({1, settings.threads}):
        chosen = replace(settings, threads=threads)
        part = compare(trainers() + limits(), inputs, chosen, calls=2, rounds=2, cold=False)
        done = {m.contender: own if m.contender.startswith("graphembed") else peers for m in part}
        annotate(part, done, threads)
        for measured in part:
            measured.contender += f", {threads} thread{'s' if threads > 1 else ''}"
            # Walks differ in number: rates are compared, not times.
            measured.reference = measured.same_work = False
        found += part
    return found


def work(walks: Any, window: int = WINDOW) -> tuple[int, float]:
    """Return the tokens of some walks, and the pairs that shrinking windows give on average.

    A window's size is drawn from 1 .. window; a walk of n nodes has n - k couples of nodes that
    stand k apart, and each counts twice.
    """
    lengths = (walks >= 0).sum(axis=1)
    apart = np.arange(1, window + 1)
    reached = (window + 1 - apart) / window  # chance that a window has this size or more
    couples = np.maximum(lengths[:, np.newaxis] - apart, 0)
    return int(lengths.sum()), float(2 * (couples.sum(axis=0) * reached).sum())


def annotate(found: list[Measurement], done: Mapping[str, tuple[int, float]], threads: int) -> None:
    """Add rates: tokens, arithmetic, its share of the machine's peak, and ours over gensim's.

    A pair costs a dot product and two updates, 6 operations a column, with its output and with
    each negative.
    """
    seconds = {m.contender: median(m.warm_seconds) for m in found if m.warm_seconds}
    peak = 0.0
    for measured in found:
        name = measured.contender
        if name.startswith("limit") and name in seconds:
            rate = operations(measured.params["lanes"], threads) / seconds[name]
            measured.results["GFLOP/s"] = round(rate / 1e9, 1)
            peak = max(peak, rate)
    tokens = {
        name: done[name][0] / time for name, time in seconds.items() if not name.startswith("limit")
    }
    for measured in found:
        name = measured.contender
        if name not in tokens:
            continue
        rate = done[name][1] * (1 + N_NEGATIVES) * 6 * N_COMPONENTS / seconds[name]
        measured.results["tokens/s"] = round(tokens[name])
        measured.results["GFLOP/s"] = round(rate / 1e9, 1)
        if peak:
            measured.results["% of peak"] = round(100 * rate / peak, 1)
        if name.startswith("graphembed") and "gensim" in tokens:
            measured.results["times gensim"] = round(tokens[name] / tokens["gensim"], 2)


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        "BlogCatalog, skip-gram with 128 components, window 10, 5 negatives on stored walks, with "
        "one thread and with all: tokens a second, share of the machine's peak rate"
    )
    return [Row("skipgram-tokens", title, run, PEERS)]
