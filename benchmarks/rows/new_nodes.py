"""Nodes that arrive later: placed by transform, and classified beside fitted ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job, Measurement, Result, Row, Settings
from harness.inputs import csr, save_arrays, save_graph
from harness.measure import compare

HIDDEN = 0.1  # share of the nodes


def graphembed_transform(arrays: Mapping[str, Any], *, threads: int, name: str) -> Job:
    """Fit without the hidden nodes, which is not timed, and place them, which is."""
    import graphembed as ge

    matrix, hidden, kept = csr(arrays), arrays["hidden"], arrays["kept"]
    model = getattr(ge, name)(random_state=0, n_jobs=threads).fit(matrix[kept][:, kept])
    edges = matrix[hidden][:, kept]

    def both(placed: Any) -> Any:
        rows = np.empty((len(kept) + len(hidden), placed.shape[1]), dtype=placed.dtype)
        rows[kept], rows[hidden] = model.embedding_, placed
        return rows

    return Job(lambda: model.transform(edges), both)


CONTENDERS = tuple(
    Contender(
        f"graphembed, {name}",
        graphembed_transform,
        ("graphembed.embedders",),
        ("graphembed-engine", "numpy", "numba"),
        {"name": name},
        reference=name == "DeepWalk",
    )
    for name in ("DeepWalk", "Node2Vec", "FastRP", "Spectral", "ProNE", "NetMF")
)


def run(settings: Settings) -> list[Measurement]:
    """Train a classifier on half of the fitted nodes; score the other half and the placed ones."""
    import graphembed as ge

    data = ge.datasets.load("blogcatalog")
    graph, labels = data.graph, np.asarray(data.labels.todense(), dtype=bool)
    order = np.random.default_rng(0).permutation(graph.n_nodes)
    hidden, kept = np.split(order, [round(HIDDEN * graph.n_nodes)])
    train, fitted = np.array_split(kept, 2)
    folder = settings.workspace / "new-nodes"
    inputs = save_graph(folder, graph) | save_arrays(folder, {"hidden": hidden, "kept": kept})

    def score(contender: Contender, rows: Any) -> dict[str, Result]:  # noqa: ARG001
        found = micro_f1(rows, labels, train, {"fitted nodes": fitted, "placed nodes": hidden})
        return {f"micro-F1 of {name}": round(100 * value, 2) for name, value in found.items()}

    return compare(CONTENDERS, inputs, settings, calls=4, rounds=1, cold=False, score=score)


def micro_f1(rows: Any, labels: Any, train: Any, groups: Mapping[str, Any]) -> dict[str, float]:
    """Return the micro-F1 of several groups of nodes, each node with its true number of labels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.multiclass import OneVsRestClassifier

    classifier = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    classifier.fit(rows[train], labels[train])
    found = {}
    for name, nodes in groups.items():
        ranked = np.argsort(-classifier.decision_function(rows[nodes]), axis=1)
        chosen = np.arange(labels.shape[1]) < labels[nodes].sum(axis=1)[:, np.newaxis]
        predicted = np.zeros_like(labels[nodes])
        np.put_along_axis(predicted, ranked, chosen, axis=1)
        found[name] = float(f1_score(labels[nodes], predicted, average="micro"))
    return found


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        "BlogCatalog without a tenth of its nodes: these placed by transform, and micro-F1 of "
        "placed and fitted nodes under one classifier"
    )
    return [Row("new-nodes", title, run)]
