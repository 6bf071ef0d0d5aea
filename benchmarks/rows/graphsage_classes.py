"""Classes of nodes on the splits of Planetoid, by GraphSAGE with and without labels."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from contenders import graphsage, pyg
from contenders.attributed import graph_arrays
from contenders.poincare import spread
from harness.contender import Contender, Measurement, Result, Row, Settings
from harness.inputs import save_arrays
from harness.measure import compare

N_RUNS = {"cora": 10, "citeseer": 10, "pubmed": 3}  # seeds
PENALTIES = (0.1, 1.0, 10.0, 100.0)  # C, chosen on the validation nodes

# Elsewhere; not measured here.
PUBLISHED = {
    "sage-planetoid-cora": "DGI 82.3, DeepWalk and features 70.7, features 47.9",
    "sage-planetoid-citeseer": "DGI 71.8, DeepWalk and features 51.4, features 49.3",
    "sage-planetoid-pubmed": "DGI 76.8, DeepWalk and features 74.3, features 69.1",
    "sage-labels-cora": "DGL's GraphSAGE 83.3",
    "sage-labels-citeseer": "DGL's GraphSAGE 71.1",
    "sage-labels-pubmed": "DGL's GraphSAGE 78.3",
}

Run = Callable[[Settings], list[Measurement]]
Judge = Callable[[Any, Any, Mapping[str, Any]], dict[str, float]]


def measured(
    row: str, dataset: str, contenders: Callable[[int], tuple[Contender, ...]], judge: Judge
) -> Run:
    """Return what runs contenders with some seeds and judges each result on the public split."""

    def run(settings: Settings) -> list[Measurement]:
        import graphembed as ge

        data, n_runs = ge.datasets.load(dataset), N_RUNS[dataset]
        labels = {
            name: np.where(data.splits[split], data.labels, -1)
            for name, split in (("y", "train"), ("y_val", "val"))
        }
        inputs = save_arrays(settings.workspace / row, graph_arrays([data.graph]) | labels)

        def score(contender: Contender, results: Any) -> dict[str, Result]:
            found = [judge(result, data.labels, data.splits) for result in results]
            figures = spread({name: [each[name] for each in found] for name in found[0]})
            return figures | ({"published": PUBLISHED[row]} if contender.reference else {})

        return compare(
            contenders(n_runs), inputs, settings,
            calls=max(2, n_runs), rounds=1, cold=False, score=score,
        )  # fmt: skip

    return run


def vector_contenders(n_runs: int) -> tuple[Contender, ...]:
    """Return who makes vectors without labels."""
    work = graphsage.graphsage_vectors
    return (
        graphsage.ours("graphembed", work, n_runs=n_runs, **graphsage.VECTORS),
        graphsage.ours("graphembed, defaults", work, n_runs=n_runs),
        graphsage.ours("graphembed, objective='dgi'", work, n_runs=n_runs, **graphsage.INFOMAX),
        graphsage.baseline("features alone", graphsage.features_alone),
    )


def label_contenders(n_runs: int) -> tuple[Contender, ...]:
    """Return who learns labels."""
    work, settings = graphsage.graphsage_classes, {"n_runs": n_runs, **graphsage.LABELS}
    return (
        graphsage.ours("graphembed", work, **settings, batching="full"),
        graphsage.ours("graphembed, sampled", work, **settings, batching="sampled"),
        graphsage.ours("graphembed, dropout 0.5", work, **{**settings, "dropout": 0.5}),
        graphsage.ours("graphembed, conv='sage'", work, **{**settings, "conv": "sage"}),
        pyg.pyg("torch_geometric SAGEConv, 1 seed", pyg.pyg_classes, n_runs=1, **pyg.CLASSES),
    )


def by_regression(rows: Any, labels: Any, splits: Mapping[str, Any]) -> dict[str, float]:
    """Return the accuracy in percent of logistic regression on vectors."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    train, val, test = (splits[name] for name in ("train", "val", "test"))
    with threadpool_limits(1):  # small fits, which more threads slow down
        models = [
            LogisticRegression(C=penalty, max_iter=2000).fit(rows[train], labels[train])
            for penalty in PENALTIES
        ]
    best = max(models, key=lambda model: model.score(rows[val], labels[val]))
    return {
        "accuracy": 100 * best.score(rows[test], labels[test]),
        "of validation": 100 * best.score(rows[val], labels[val]),
    }


def by_probability(scores: Any, labels: Any, splits: Mapping[str, Any]) -> dict[str, float]:
    """Return the accuracy in percent of the most probable class."""
    right = scores.argmax(axis=1) == labels
    return {
        "accuracy": 100 * float(right[splits["test"]].mean()),
        "of validation": 100 * float(right[splits["val"]].mean()),
    }


def rows() -> list[Row]:
    """Return the rows of this file."""
    kinds = {
        "sage-planetoid": (
            "frozen vectors, which saw no label, and logistic regression",
            vector_contenders,
            by_regression,
        ),
        "sage-labels": (
            "labels of 20 nodes a class; the epoch is the best on the validation nodes",
            label_contenders,
            by_probability,
        ),
    }
    return [
        Row(
            f"{kind}-{dataset}",
            f"{dataset}, Planetoid's split, {n} seeds, {work}: accuracy on the test nodes in %",
            measured(f"{kind}-{dataset}", dataset, contenders, judge),
        )
        for kind, (work, contenders, judge) in kinds.items()
        for dataset, n in N_RUNS.items()
    ]
