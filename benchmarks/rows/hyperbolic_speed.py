"""Hyperbolic training alone, its relations a second, and the exact evaluation of all nodes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from contenders.poincare import DISTRIBUTIONS, PEERS, gensim, hierarchy, relations
from harness.contender import Contender, Job, Measurement, Row, Settings
from harness.inputs import csr, save_arrays, save_graph
from harness.measure import compare

BATCH = {"burn_in": 0}  # an epoch of gensim's burn-in costs what any other does
SAMPLE = 200  # nodes of evaluators that sort all distances of each
MODULES = ("scipy.sparse", "numba", "graphembed.hyperbolic.trainer")


def graphembed_epochs(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    reproducible: bool,
    n_components: int,
    n_negatives: int,
    n_epochs: int,
    manifold: str = "lorentz",
) -> Job:
    """Ours, from coordinates near the origin, without burn-in and without a probe."""
    from graphembed.hyperbolic.trainer import HyperbolicSettings, HyperbolicTrainer

    graph = hierarchy(arrays)
    rng = np.random.default_rng(0)
    start = rng.uniform(-1e-3, 1e-3, (graph.n_nodes, n_components))
    settings = HyperbolicSettings(
        manifold=manifold, n_negatives=n_negatives, n_epochs=n_epochs, burn_in=0
    )
    seed = 0 if reproducible else None
    return Job(
        lambda: HyperbolicTrainer(settings, graph, start, seed=seed, n_jobs=threads).train(),
        np.array,
    )


def contenders(
    *, n_components: int, n_negatives: int, n_epochs: int, peer_epochs: int, n_relations: int = 0
) -> tuple[Contender, ...]:
    """Return ours in both modes, its Euclidean twin, and gensim.

    ``n_relations`` cuts gensim's epochs short; see :func:`contenders.poincare.gensim_poincare`.
    """
    work = {"n_components": n_components, "n_negatives": n_negatives}
    own = Contender(
        "graphembed",
        graphembed_epochs,
        MODULES,
        DISTRIBUTIONS,
        {"reproducible": False, "n_epochs": n_epochs, **work},
        reference=True,
    )
    reproducible = {**own.params, "reproducible": True}
    euclidean = {**own.params, "manifold": "euclidean"}
    return (
        own,
        replace(own, name="graphembed, reproducible", params=reproducible, reference=False),
        replace(own, name="graphembed, Euclidean", params=euclidean, reference=False),
        gensim("gensim", n_epochs=peer_epochs, n_relations=n_relations, **work, **BATCH),
    )


def timed(dataset: str, work: Mapping[str, int]) -> Any:
    """Return what measures epochs on a data set, with one thread and with all."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        graph = ge.datasets.load(dataset).graph
        inputs = save_graph(settings.workspace / f"hyperbolic-{dataset}", graph)
        found = []
        peer = 0.0
        for threads in sorted({1, settings.threads}):
            chosen = [each for each in contenders(**work) if threads == 1 or not each.peer]
            part = compare(
                chosen, inputs, replace(settings, threads=threads), calls=3, rounds=2, cold=False
            )
            peer = annotate(part, graph.n_edges, peer)
            for measured in part:
                measured.contender += f", {threads} thread{'s' if threads > 1 else ''}"
                # Epochs differ in number: rates are compared, not times.
                measured.reference = measured.same_work = False
            found += part
        return found

    return run


def annotate(found: list[Measurement], n_relations: int, peer: float = 0.0) -> float:
    """Add relations a second, and ours over gensim's rate, which is returned.

    ``peer`` is that rate where gensim is not among those found: it has one thread.
    """
    rates = {}
    for measured in found:
        if measured.warm_seconds:
            params = measured.params
            each = params.get("n_relations") or n_relations
            rates[measured.contender] = each * params["n_epochs"] / median(measured.warm_seconds)
    peer = rates.get("gensim", peer)
    for measured in found:
        rate = rates.get(measured.contender)
        if rate is not None:
            measured.results["relations/s"] = round(rate)
            if peer and measured.contender != "gensim":
                measured.results["times gensim"] = round(rate / peer, 1)
    return peer


def graphembed_ranks(arrays: Mapping[str, Any], *, threads: int) -> Job:
    """Ours, of all nodes: distances are counted, not sorted."""
    from graphembed.evaluation import hierarchy_reconstruction

    graph, rows = hierarchy(arrays), arrays["rows"]

    def run() -> Any:
        return hierarchy_reconstruction(rows, graph, geometry="lorentz", n_jobs=threads)

    def figures(report: Any) -> Any:
        ends = np.concatenate([[0], np.cumsum(np.diff(arrays["indptr"])[report.nodes])])
        sampled = np.searchsorted(report.nodes, arrays["sample"])
        ranks = np.concatenate([report.ranks[ends[i] : ends[i + 1]] for i in sampled])
        return np.array([ranks.mean(), report.average_precision[sampled].mean()])

    return Job(run, figures)


def sorted_ranks(arrays: Mapping[str, Any], *, threads: int) -> Job:  # noqa: ARG001
    """All distances of each node of the sample, sorted, and scikit-learn's average precision.

    What the reference code of the Poincaré paper does for each node.
    """
    from sklearn.metrics import average_precision_score

    matrix, rows = csr(arrays), arrays["rows"]
    times = np.sqrt(1 + np.einsum("ij,ij->i", rows, rows))

    def run() -> Any:
        ranks, precisions = [], []
        for node in arrays["sample"]:
            distances = np.arccosh(np.maximum(1, times * times[node] - rows @ rows[node]))
            distances[node] = np.inf
            positive = np.zeros(len(rows), dtype=bool)
            positive[matrix.indices[matrix.indptr[node] : matrix.indptr[node + 1]]] = True
            order = np.argsort(distances)
            found = np.flatnonzero(positive[order])
            ranks += (found - np.arange(len(found)) + 1).tolist()
            precisions.append(average_precision_score(positive, -distances.clip(max=1e300)))
        return np.array([np.mean(ranks), np.mean(precisions)])

    return Job(run)


def gensim_ranks(arrays: Mapping[str, Any], *, threads: int) -> Job:  # noqa: ARG001
    """Run gensim's ReconstructionEvaluation; it counts the node itself among the others."""
    from gensim.models.poincare import PoincareKeyedVectors, ReconstructionEvaluation

    rows, chosen = arrays["rows"], set(arrays["sample"].tolist())
    vectors = PoincareKeyedVectors(rows.shape[1], 0)
    ball = rows / (1 + np.sqrt(1 + np.einsum("ij,ij->i", rows, rows)))[:, np.newaxis]
    vectors.add_vectors([str(row) for row in range(len(rows))], ball)
    pairs = [pair for pair in relations(arrays) if int(pair[0]) in chosen]
    path = Path("relations.tsv")  # the process has a folder of its own
    path.write_text("".join(f"{u}\t{v}\n" for u, v in pairs), encoding="utf-8")
    judge = ReconstructionEvaluation(str(path), vectors)
    return Job(lambda: np.array(judge.evaluate_mean_rank_and_map()))


EVALUATORS = (
    Contender(
        "graphembed, all nodes",
        graphembed_ranks,
        ("scipy.sparse", "numba", "graphembed.evaluation"),
        DISTRIBUTIONS,
        reference=True,
    ),
    Contender(
        "sort, scikit-learn",
        sorted_ranks,
        ("scipy.sparse", "sklearn.metrics"),
        ("scikit-learn", "numpy"),
        once=True,
    ),
    Contender(
        "gensim",
        gensim_ranks,
        ("gensim.models.poincare",),
        ("gensim", "numpy"),
        peer=True,
        peer_group=PEERS[0],
        once=True,
    ),
)


def evaluated(dataset: str, n_components: int) -> Any:
    """Return what ranks the nodes of a data set, placed by a moment of training."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        graph = ge.datasets.load(dataset).graph
        model = ge.LorentzEmbedding(
            n_components, n_negatives=10, n_epochs=5, burn_in=0, learning_rate=0.3, random_state=0
        )
        rows = model.fit(graph).lorentz_
        inner = np.flatnonzero(np.diff(graph.indptr))
        rng = np.random.default_rng(0)
        sample = np.sort(rng.choice(inner, min(SAMPLE, len(inner)), replace=False))
        folder = settings.workspace / f"hyperbolic-ranks-{dataset}"
        inputs = {
            **save_graph(folder, graph),
            **save_arrays(folder, {"rows": rows, "sample": sample}),
        }

        def score(_: Contender, figures: Any) -> dict[str, Any]:
            names = "mean rank of the sample", "MAP of the sample"
            return dict(zip(names, (round(float(each), 6) for each in figures), strict=True))

        found = compare(EVALUATORS, inputs, settings, calls=2, rounds=2, cold=False, score=score)
        scale_up(found, len(sample) / len(inner))
        return found

    return run


def scale_up(found: list[Measurement], share: float) -> None:
    """Turn the times of those who ranked a sample into times of all nodes."""
    for measured in found:
        if not measured.reference:
            measured.warm_seconds = [each / share for each in measured.warm_seconds]
            measured.results["scaled up from"] = f"{100 * share:.2g} % of the nodes"


MAMMALS = {"n_components": 5, "n_negatives": 10, "n_epochs": 50, "peer_epochs": 3}
# With 50 negatives gensim does one relation a second: it draws all anew until none are alike.
NOUNS = {
    "n_components": 10, "n_negatives": 10, "n_epochs": 2, "peer_epochs": 1, "n_relations": 20_000,
}  # fmt: skip


def rows() -> list[Row]:
    """Return the rows of this file."""
    return [
        Row(
            "hyperbolic-speed",
            "WordNet's mammals, 1,180 nodes, 6,540 relations, 5 components, 10 negatives: "
            "relations a second, with one thread and with all; gensim has one",
            timed("wordnet_mammals", MAMMALS),
            PEERS,
        ),
        Row(
            "hyperbolic-speed-nouns",
            "WordNet's nouns, 82,115 nodes, 743,086 relations, 10 components, 10 negatives: the "
            "same; gensim on 20,000 of the relations",
            timed("wordnet_nouns", NOUNS),
            PEERS,
        ),
        Row(
            "hyperbolic-ranking",
            "mean rank and MAP of all 82,115 nouns, 10 components; those who sort are scaled up "
            f"from {SAMPLE} nodes",
            evaluated("wordnet_nouns", 10),
            PEERS,
        ),
    ]
