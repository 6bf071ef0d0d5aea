"""What GraphSAGE says of nodes and graphs that it did not see."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from contenders import graphsage
from contenders.attributed import graph_arrays
from contenders.poincare import spread
from harness.contender import Contender, Measurement, Result, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

N_SPLITS = 5
UNSEEN = 0.2  # share of the nodes
LABELLED = 0.05  # share of the other nodes
FOLDS = 5  # by which the penalty of logistic regression is chosen
PENALTIES = (0.1, 1.0, 10.0, 100.0)
PUBLISHED = "StellarGraph: seen nodes 81.5, unseen 82.4"

FITTED, UNSEEN_GRAPHS = ("de", "en"), ("es", "fr", "pt")
N_SEEDS = 5


def hide_nodes(settings: Settings) -> list[Measurement]:
    """Fit PubMed without a fifth of its nodes, and classify all."""
    import graphembed as ge
    from graphembed.graph.transforms import subgraph

    data = ge.datasets.load("pubmed")
    splits = [split_nodes(data.labels, seed) for seed in range(N_SPLITS)]
    graphs, arrays = [data.graph], {}
    for number, (known, seen, _) in enumerate(splits):
        fitted = np.sort(np.concatenate([known, seen]))
        graphs.append(subgraph(data.graph, fitted))
        arrays[f"y-{number}"] = np.where(np.isin(fitted, known), data.labels[fitted], -1)
    name = "sage-unseen-pubmed"
    inputs = save_arrays(settings.workspace / name, graph_arrays(graphs) | arrays)

    def score(contender: Contender, results: Any) -> dict[str, Result]:
        supervised = contender.params.get("objective") == "supervised"
        predict = by_probabilities if supervised else by_vectors
        found = [
            judged(predict(rows, data.labels, split), data.labels, split)
            for rows, split in zip(results, splits, strict=True)
        ]
        figures = spread({key: [each[key] for each in found] for key in found[0]})
        return figures | ({"published": PUBLISHED} if contender.reference else {})

    return compare(
        node_contenders(N_SPLITS), inputs, settings,
        calls=N_SPLITS, rounds=1, cold=False, score=score,
    )  # fmt: skip


def node_contenders(n_runs: int) -> tuple[Contender, ...]:
    """Return who learns labels, and who makes vectors without them."""
    # 260 labels a class want less dropout than 20 do, by a quarter of them held out.
    work, labels = graphsage.graphsage_unseen, {**graphsage.LABELS, "dropout": 0.5}
    return (
        graphsage.ours("graphembed", work, n_runs=n_runs, **labels),
        graphsage.ours("graphembed, sampled", work, n_runs=n_runs, **labels, batching="sampled"),
        graphsage.ours("graphembed, vectors", work, n_runs=n_runs, **graphsage.VECTORS),
        graphsage.ours("graphembed, vectors, defaults", work, n_runs=n_runs),
    )


def split_nodes(labels: Any, seed: int) -> tuple[Any, Any, Any]:
    """Return rows of nodes: seen and labelled, seen, not seen; each class in proportion."""
    from sklearn.model_selection import train_test_split

    rest, unseen = train_test_split(
        np.arange(len(labels)), test_size=UNSEEN, random_state=seed, stratify=labels
    )
    known, seen = train_test_split(
        rest, train_size=LABELLED, random_state=seed, stratify=labels[rest]
    )
    return known, seen, unseen


def by_probabilities(scores: Any, labels: Any, split: Sequence[Any]) -> Any:  # noqa: ARG001
    """Return the most probable class of each node."""
    return scores.argmax(axis=1)


def by_vectors(rows: Any, labels: Any, split: Sequence[Any]) -> Any:
    """Return the class of each node by logistic regression on vectors of labelled ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from threadpoolctl import threadpool_limits

    model = GridSearchCV(LogisticRegression(max_iter=2000), {"C": list(PENALTIES)}, cv=FOLDS)
    with threadpool_limits(1):  # small fits, which more threads slow down
        return model.fit(rows[split[0]], labels[split[0]]).predict(rows)


def judged(predicted: Any, labels: Any, split: Sequence[Any]) -> dict[str, float]:
    """Return accuracies in percent, and how much better seen nodes are off."""
    _, seen, unseen = (100 * float((predicted[part] == labels[part]).mean()) for part in split)
    return {"unseen nodes": unseen, "seen nodes": seen, "gap": seen - unseen}


def transfer(settings: Settings) -> list[Measurement]:
    """Fit Twitch's users of two languages, and tell those of three others apart."""
    import graphembed as ge

    sets = [ge.datasets.load(f"musae_twitch_{name}") for name in (*FITTED, *UNSEEN_GRAPHS)]
    labels = {f"y-{number}": sets[number].labels for number in range(len(FITTED))}
    arrays = graph_arrays([each.graph for each in sets]) | labels
    inputs = save_arrays(settings.workspace / "sage-transfer", arrays)
    truths = {
        name: each.labels for name, each in zip(UNSEEN_GRAPHS, sets[len(FITTED) :], strict=True)
    }

    def score(contender: Contender, results: Any) -> dict[str, Result]:  # noqa: ARG001
        return aucs(results, truths)

    return compare(
        graph_contenders(N_SEEDS), inputs, settings,
        calls=N_SEEDS, rounds=1, cold=False, score=score,
    )  # fmt: skip


def graph_contenders(n_runs: int) -> tuple[Contender, ...]:
    """Return ours, and logistic regression without a graph at several penalties."""
    alone, fitted = graphsage.features_transfer, {"n_fitted": len(FITTED)}
    name = "features alone"
    return (
        graphsage.ours(
            "graphembed", graphsage.graphsage_transfer, n_runs=n_runs, **fitted,
            **graphsage.NEW_GRAPHS,
        ),
        graphsage.baseline(f"{name}, C by cross-validation", alone, **fitted),
        *(
            graphsage.baseline(f"{name}, C={penalty}", alone, **fitted, penalty=penalty)
            for penalty in graphsage.PENALTIES
        ),
    )  # fmt: skip


def aucs(results: Any, truths: dict[str, Any]) -> dict[str, Result]:
    """Return the AUC on each graph, of scores of all their nodes in a row."""
    from sklearn.metrics import roc_auc_score

    ends = np.cumsum([len(truth) for truth in truths.values()])[:-1]
    found: dict[str, list[float]] = {name: [] for name in truths}
    for scores in results:
        for (name, truth), part in zip(truths.items(), np.split(scores, ends), strict=True):
            found[name].append(roc_auc_score(truth, part))
    return spread(found)


def rows() -> list[Row]:
    """Return the rows of this file."""
    runs: dict[str, tuple[str, Callable[[Settings], list[Measurement]]]] = {
        "sage-unseen-pubmed": (
            f"PubMed, {UNSEEN:.0%} of the nodes not seen in fit, {LABELLED:.0%} of the others "
            f"labelled, {N_SPLITS} splits: accuracy in % on nodes without labels",
            hide_nodes,
        ),
        "sage-transfer": (
            f"Twitch, fitted on the graphs of {' and '.join(FITTED)}: AUC of the label in the "
            f"graphs of {', '.join(UNSEEN_GRAPHS)}",
            transfer,
        ),
    }
    return [Row(name, title, run) for name, (title, run) in runs.items()]
