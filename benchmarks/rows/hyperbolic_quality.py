"""Hyperbolic embeddings from graph to figures, beside their Euclidean twin, gensim and papers.

Low dimension is where hyperbolic space has an advantage, so the twin runs in more dimensions too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from contenders.lorentz_twin import twin
from contenders.poincare import (
    GEOMETRIES,
    PEERS,
    SEEDS,
    gensim,
    mean_ranks,
    ours,
    spread,
)
from harness.contender import Contender, Measurement, Result, Row, Settings
from harness.inputs import save_graph
from harness.measure import Score, compare

PEER_EPOCHS = 100  # of gensim on the mammals: minutes
TEST_SIZE, VAL_SIZE = 0.1, 0.05  # of the edges of Cora
CORA_COMPONENTS = 16

Run = Callable[[Settings], list[Measurement]]

# Mean rank / MAP elsewhere, by row; not measured here.
PUBLISHED = {
    "hyperbolic-mammals": "Nickel & Kiela 1.26 / .927",
    "hyperbolic-nouns-10": "Nickel & Kiela 4.02 / .851, users of their code - / .676, of it "
    "with Euclidean distance, 200 components and 1,400 epochs 1.19 / .95; gensim 62.8 / .63",
    "hyperbolic-nouns-5": "Nickel & Kiela 4.9 / .823; gensim 154 / .40",
    "hyperbolic-nouns-links": "Nickel & Kiela 4.3 / .852; gensim 52.5 / .37",
    "hyperbolic-grqc": "Nickel & Kiela MAP .990, Euclidean .522",
    "hyperbolic-diseases": "h-MDS with 100 components: MAP .949, distortion .111",
    "hyperbolic-cora": "HGCN's authors: shallow hyperbolic .860, Euclidean .864",
}

MAMMALS = (
    ours("graphembed", n_components=5, reference=True),
    ours("graphembed, lock-free", n_components=5, reproducible=False),
    twin("Euclidean twin", n_components=5),
    twin("Euclidean twin, 50 components", n_components=50),
    gensim(f"gensim, {PEER_EPOCHS} epochs", n_components=5, n_negatives=10, n_epochs=PEER_EPOCHS),
)
BRIEFLY = {"n_components": 5, "n_negatives": 10, "n_epochs": 10}
SMOKE = (
    ours("graphembed", reference=True, **BRIEFLY),
    twin("Euclidean twin", **BRIEFLY),
    gensim("gensim, 1 epoch", **{**BRIEFLY, "n_epochs": 1}),
)
NOUNS_10 = (
    ours("graphembed", n_components=10, reference=True, once=True),
    ours("graphembed, lock-free", n_components=10, reproducible=False, once=True),
    twin("Euclidean twin", n_components=10, once=True),
)
NOUNS_5 = (
    ours("graphembed", n_components=5, reference=True, once=True),
    twin("Euclidean twin", n_components=5, once=True),
)
LINKS = NOUNS_10[:1] + NOUNS_10[2:3]
GRQC = (
    ours("graphembed", n_components=10, reference=True),
    twin("Euclidean twin", n_components=10),
)
DISEASES = (
    ours("graphembed, distortion loss", n_components=10, loss="distortion", reference=True),
    ours("graphembed, softmax loss", n_components=10),
    twin("Euclidean twin, distortion loss", n_components=10, loss="distortion"),
)
LOW_RATE = 0.03  # predicts better than what the probe takes, which looks at training alone
CORA = tuple(
    make(f"{name}, {loss} loss{note}", n_components=CORA_COMPONENTS, loss=loss, **more)
    for name, make in (("graphembed", ours), ("Euclidean twin", twin))
    for loss in ("softmax", "triplet")
    for note, more in (("", {}), (f", rate {LOW_RATE}", {"learning_rate": LOW_RATE}))
)
CORA = (replace(CORA[0], reference=True), *CORA[1:])


def reconstructed(row: str, dataset: str, contenders: Sequence[Contender]) -> Run:
    """Return what embeds a data set and ranks the ancestors, or neighbours, of all its nodes."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge
        from graphembed.evaluation import hierarchy_reconstruction

        graph = ge.datasets.load(dataset).graph

        def score(contender: Contender, embeddings: Any) -> dict[str, Result]:
            def report(embedding: Any, geometry: str) -> Any:
                return hierarchy_reconstruction(embedding, graph, geometry=geometry)

            return mean_ranks(embeddings, contender, report)

        return measured(row, graph, contenders, settings, score)

    return run


def linked(row: str, dataset: str, contenders: Sequence[Contender]) -> Run:
    """Return what embeds a hierarchy without some of its pairs, and ranks those."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge
        from graphembed.evaluation import hierarchy_link_prediction, split_hierarchy

        split = split_hierarchy(ge.datasets.load(dataset).graph, test_size=0.1, random_state=0)

        def score(contender: Contender, embeddings: Any) -> dict[str, Result]:
            def report(embedding: Any, geometry: str) -> Any:
                return hierarchy_link_prediction(
                    embedding, split.test_pairs, split.train, geometry=geometry
                )

            return mean_ranks(embeddings, contender, report)

        return measured(row, split.train, contenders, settings, score)

    return run


def distorted(row: str, dataset: str, contenders: Sequence[Contender]) -> Run:
    """Return what embeds a graph and compares distances with those in the graph."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge
        from graphembed.evaluation import distortion

        graph = ge.datasets.load(dataset).graph

        def score(contender: Contender, embeddings: Any) -> dict[str, Result]:
            geometry = GEOMETRIES[contender.function.__name__]
            found = [distortion(each, graph, geometry=geometry) for each in embeddings]
            return spread(
                {
                    "MAP": [each.mean_average_precision for each in found],
                    "distortion": [each.average for each in found],
                }
            )

        return measured(row, graph, contenders, settings, score)

    return run


def predicted(row: str, dataset: str, contenders: Sequence[Contender]) -> Run:
    """Return what embeds a graph without some of its edges, and scores them by nearness.

    Done for several splits, which may isolate nodes, as in what was published. The validation part
    tells which contender to take.
    """

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        graph = ge.datasets.load(dataset).graph
        parts = []
        for shuffle in range(settings.n_shuffles):
            split = ge.split_edges(
                graph,
                test_size=TEST_SIZE,
                val_size=VAL_SIZE,
                keep_connected=False,
                random_state=shuffle,
            )
            parts.append(
                measured(row, split.train, contenders, settings, near_pairs(split), calls=2)
            )
        return [together(each) for each in zip(*parts, strict=True)]

    return run


def near_pairs(split: Any) -> Score:
    """Return a score by how well nearness tells held-out edges from other pairs."""

    def score(contender: Contender, embeddings: Any) -> dict[str, Result]:
        geometry = GEOMETRIES[contender.function.__name__]
        rows = embeddings[-1]
        return {
            "AUC": auc(rows, geometry, split.train, split.test_pairs, split.test_labels),
            "AUC of validation": auc(
                rows, geometry, split.train, split.val_pairs, split.val_labels
            ),
        }

    return score


def auc(rows: Any, geometry: str, graph: Any, pairs: Any, labels: Any) -> float:
    """Return the area under the ROC curve of pairs by minus their distance."""
    from sklearn.metrics import roc_auc_score

    from graphembed.geometry.lorentz import distances

    ends = graph.node_index.rows(np.asarray(pairs).ravel()).reshape(-1, 2).T
    left, right = (rows[end] for end in ends)
    if geometry == "euclidean":
        apart = np.linalg.norm(left - right, axis=1)
    else:
        apart = distances(left, right)
    return float(roc_auc_score(labels, -apart))


def together(parts: Sequence[Measurement]) -> Measurement:
    """Return the first of the measurements of one contender, with the AUC of all."""
    first = parts[0]
    failed = [part.error for part in parts if part.error is not None]
    if failed:
        first.error = failed[0]
        return first
    names = [name for name in first.results if name.startswith("AUC")]
    figures = {name: [float(part.results[name]) for part in parts] for name in names}
    first.warm_seconds = [second for part in parts for second in part.warm_seconds]
    first.results |= {**spread(figures), "splits": len(parts)}
    first.results.pop("seeds")
    return first


def measured(
    row: str,
    graph: Any,
    contenders: Sequence[Contender],
    settings: Settings,
    score: Score,
    calls: int = 1 + SEEDS,
) -> list[Measurement]:
    """Train on a graph; each call but the first, which is not timed, has a seed that counts."""
    inputs = save_graph(settings.workspace / row, graph)
    found = compare(contenders, inputs, settings, calls=calls, rounds=1, cold=False, score=score)
    for each in found:
        if each.reference and row in PUBLISHED:
            each.results["published"] = PUBLISHED[row]
    return found


def rows() -> list[Row]:
    """Return the rows of this file."""
    judged = "mean rank and MAP of reconstruction"
    kinds: Mapping[str, tuple[str, Any, str, Sequence[Contender]]] = {
        "hyperbolic-smoke": (
            "whether all contenders of hyperbolic-mammals run: ten epochs, gensim one",
            reconstructed,
            "wordnet_mammals",
            SMOKE,
        ),
        "hyperbolic-mammals": (
            f"WordNet's mammals, 5 components, {SEEDS} seeds: {judged}",
            reconstructed,
            "wordnet_mammals",
            MAMMALS,
        ),
        "hyperbolic-nouns-10": (
            f"WordNet's nouns, 10 components: {judged}, all nodes",
            reconstructed,
            "wordnet_nouns",
            NOUNS_10,
        ),
        "hyperbolic-nouns-5": (
            f"WordNet's nouns, 5 components: {judged}, all nodes",
            reconstructed,
            "wordnet_nouns",
            NOUNS_5,
        ),
        "hyperbolic-nouns-links": (
            "WordNet's nouns, 10 components: mean rank and MAP of 74,308 pairs between inner "
            "nodes that were held out",
            linked,
            "wordnet_nouns",
            LINKS,
        ),
        "hyperbolic-grqc": (
            f"collaborations of physicists, undirected, 10 components: {judged}, {SEEDS} seeds",
            reconstructed,
            "sala_grqc",
            GRQC,
        ),
        "hyperbolic-diseases": (
            f"diseases, undirected, 10 components, {SEEDS} seeds: MAP and average distortion",
            distorted,
            "sala_diseases",
            DISEASES,
        ),
        "hyperbolic-cora": (
            f"Cora without features, {CORA_COMPONENTS} components, 85/5/10 % of the edges: AUC of "
            "minus the distance",
            predicted,
            "cora",
            CORA,
        ),
    }
    return [
        Row(
            name,
            title,
            measure(name, dataset, contenders),
            PEERS if any(each.peer for each in contenders) else (),
        )
        for name, (title, measure, dataset, contenders) in kinds.items()
    ]
