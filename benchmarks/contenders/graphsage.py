"""GraphSAGE from a graph to what is judged, with the settings of every row.

Where a row names no setting, it is the estimator's default.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job
from harness.inputs import csr

from contenders.attributed import features_of, graphs_of, in_turn, scaled_features

# A tenth of the edges is held out before: this is 5 % of all.
LINKS = {"validation_fraction": 0.055}
# Chosen on the validation nodes of Cora, Citeseer and PubMed.
VECTORS = {
    "aggregator": "gcn",
    "n_layers": 1,
    "n_components": 512,
    "learning_rate": 0.003,
    "n_epochs": 25,
    "walk_length": 6,
    "validation_fraction": None,
}
# As its authors have it, but for the number of epochs, which its loss decides.
INFOMAX = {
    "objective": "dgi",
    "conv": "gcn",
    "n_layers": 1,
    "n_components": 512,
    "learning_rate": 0.001,
    "dropout": 0.0,
    "weight_decay": 0.0,
    "n_epochs": 300,
    "patience": 20,
}
LABELS = {
    "objective": "supervised",
    "conv": "gcn",
    "n_components": 256,
    "dropout": 0.8,
    "learning_rate": 0.01,
    "weight_decay": 5e-4,
    "n_epochs": 200,
}
NEW_GRAPHS = {
    "objective": "supervised",
    "n_components": 128,
    "dropout": 0.5,
    "scaling": "rows",
    "learning_rate": 0.01,
    "weight_decay": 5e-4,
    "n_epochs": 60,
}
HIDDEN, N_COMPONENTS = 128, 128  # of the encoder of the inference row
PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0)  # C of logistic regression on features alone

OPERATORS = ("hadamard", "average", "l1", "l2")
# StellarGraph's LogisticRegressionCV.
N_PENALTIES, FOLDS = 10, 10
SELECTION = 0.25  # of the pairs that the classifier is trained on

MODULES = ("torch", "graphembed.embedders.graphsage", "graphembed.message_passing.trainer")
DISTRIBUTIONS = ("graphembed-engine", "numpy", "scipy", "numba", "torch", "scikit-learn")


def graphsage_vectors(
    arrays: Mapping[str, Any], *, threads: int, n_runs: int, unit: bool = False, **params: Any
) -> Job:
    """Fit without labels; each run has a seed, and a graph if there are several.

    ``unit`` scales rows to length 1, so that a dot product is a cosine.
    """
    graphs = graphs_of(arrays)

    def work(number: int) -> Any:
        graph = graphs[number % len(graphs)]
        rows = graphsage(threads, number, params).fit_transform(graph)
        return unit_rows(rows) if unit else rows

    return in_turn(work, n_runs)


def graphsage_classes(
    arrays: Mapping[str, Any], *, threads: int, n_runs: int, **params: Any
) -> Job:
    """Fit with labels, stopped by those of validation nodes; hand back probabilities."""
    (graph,) = graphs_of(arrays)
    y, y_val = arrays["y"], arrays["y_val"]

    def work(number: int) -> Any:
        model = graphsage(threads, number, params).fit(graph, y, y_val=y_val)
        return model.predict_proba(graph)

    return in_turn(work, n_runs)


def graphsage_unseen(arrays: Mapping[str, Any], *, threads: int, n_runs: int, **params: Any) -> Job:
    """Fit part of a graph, and hand back vectors of the whole, or probabilities of classes.

    Graph 0 is the whole one; run k fits graph k + 1, with the labels ``y-k``.
    """
    whole, *parts = graphs_of(arrays)

    def work(number: int) -> Any:
        model = graphsage(threads, number, params)
        if model.objective == "supervised":
            return model.fit(parts[number], arrays[f"y-{number}"]).predict_proba(whole)
        return model.fit(parts[number]).transform(whole)

    return in_turn(work, n_runs)


def graphsage_transfer(
    arrays: Mapping[str, Any], *, threads: int, n_runs: int, n_fitted: int, **params: Any
) -> Job:
    """Fit the first graphs with their labels, and hand back scores of all nodes of the others."""
    graphs = graphs_of(arrays)
    labels = [arrays[f"y-{number}"] for number in range(n_fitted)]

    def work(number: int) -> Any:
        model = graphsage(threads, number, params).fit(graphs[:n_fitted], labels)
        return np.concatenate([model.predict_proba(graph)[:, 1] for graph in graphs[n_fitted:]])

    return in_turn(work, n_runs)


def features_transfer(
    arrays: Mapping[str, Any],
    *,
    threads: int,
    n_fitted: int,
    penalty: float | None = None,
) -> Job:
    """Do the same with logistic regression on the features, without any graph.

    Without a ``penalty`` it is chosen by cross-validation on the fitted graphs.
    """
    import scipy.sparse as sp
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from threadpoolctl import threadpool_limits

    n_graphs = int(arrays["n_graphs"])
    features = [features_of(arrays, number) for number in range(n_graphs)]
    rows, others = sp.vstack(features[:n_fitted]).tocsr(), sp.vstack(features[n_fitted:]).tocsr()
    labels = np.concatenate([arrays[f"y-{number}"] for number in range(n_fitted)])
    notes: dict[str, Any] = {}

    def run() -> Any:
        model: Any = LogisticRegression(max_iter=1000, C=penalty or 1.0)
        if penalty is None:
            model = GridSearchCV(model, {"C": list(PENALTIES)}, scoring="roc_auc", cv=5)
        with threadpool_limits(threads):
            model.fit(rows, labels)
        if penalty is None:
            notes["C"] = model.best_params_["C"]
        return model.predict_proba(others)[:, 1]

    return Job(run, lambda scores: scores[np.newaxis], notes)


def features_alone(arrays: Mapping[str, Any], *, threads: int) -> Job:  # noqa: ARG001
    """Hand back the features, rows summing to 1."""
    return Job(lambda: scaled_features(arrays), lambda rows: rows[np.newaxis])


def graphsage_pair_classifier(
    arrays: Mapping[str, Any], *, threads: int, n_runs: int, **params: Any
) -> Job:
    """Do what StellarGraph's comparison of link predictors does; hand back scores of pairs.

    Graph 2k is trained on, graph 2k + 1 has the pairs of the classifier as edges, too: its
    vectors are those of the same network, where StellarGraph trains a second one. Rows are scaled
    to length 1, as they are compared by cosines.
    """
    graphs = graphs_of(arrays)

    def work(number: int) -> Any:
        model = graphsage(threads, number, params).fit(graphs[2 * number])
        pairs, labels = arrays[f"pairs-{number}"], arrays[f"labels-{number}"]
        classifier, features = best_classifier(unit_rows(model.embedding_), pairs, labels)
        rows = unit_rows(model.transform(graphs[2 * number + 1]))
        return classifier.decision_function(features(rows, arrays[f"asked-{number}"]))

    return in_turn(work, n_runs)


def best_classifier(rows: Any, pairs: Any, labels: Any) -> tuple[Any, Callable[..., Any]]:
    """Return logistic regression on pairs, and what makes features of a pair.

    That is the operator which tells best the quarter of the pairs that is not trained on. Each fit
    is so small that BLAS takes 20 times as long with two threads as with one.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GridSearchCV, train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    from graphembed.compose.pairs import pair_features

    trained, selection = train_test_split(
        np.arange(len(pairs)), test_size=SELECTION, random_state=0, stratify=labels
    )
    found, penalties = {}, {"C": np.logspace(-4, 4, N_PENALTIES)}
    for operator in OPERATORS:
        features = pair_features(rows, pairs, operator)
        # The solver for many rows of few columns; the result is that of the default one.
        regression = LogisticRegression(solver="newton-cholesky", max_iter=5000)
        search = GridSearchCV(regression, penalties, scoring="roc_auc", cv=FOLDS)
        classifier = make_pipeline(StandardScaler(), search)
        with threadpool_limits(1):
            classifier.fit(features[trained], labels[trained])
        scores = classifier.decision_function(features[selection])
        found[operator] = roc_auc_score(labels[selection], scores), classifier
    best = max(found, key=lambda operator: found[operator][0])
    return found[best][1], lambda rows, pairs: pair_features(rows, pairs, best)


def layerwise(arrays: Mapping[str, Any], *, threads: int) -> Job:
    """Compute the vectors of all nodes, over all neighbours, by an encoder that is not trained."""
    import graphembed as ge
    from graphembed.message_passing.encoder import Encoder
    from graphembed.message_passing.inference import embed_layerwise

    graph = ge.Graph.from_scipy(csr(arrays), directed=False)
    features = arrays["features"]
    encoder = Encoder(features.shape[1], HIDDEN, N_COMPONENTS, n_jobs=threads).eval()
    return Job(lambda: embed_layerwise(encoder, features, graph, n_jobs=threads))


def graphsage(threads: int, seed: int, params: Mapping[str, Any]) -> Any:
    """Return the estimator."""
    import graphembed as ge

    return ge.GraphSAGE(n_jobs=threads, random_state=seed, **params)


def unit_rows(rows: Any) -> Any:
    """Return the rows scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def ours(name: str, function: Callable[..., Job], **params: Any) -> Contender:
    """Return a contender of ours."""
    reference = name == "graphembed"
    return Contender(name, function, MODULES, DISTRIBUTIONS, params, reference=reference)


def baseline(name: str, function: Callable[..., Job], **params: Any) -> Contender:
    """Return what has no graph, and no share in the work of the others."""
    imports, distributions = ("sklearn.linear_model",), ("scikit-learn", "numpy", "scipy")
    return Contender(name, function, imports, distributions, params, same_work=False)
