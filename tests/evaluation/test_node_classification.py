import json

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.naive_bayes import GaussianNB

from graphembed import FastRP, Graph, Vectors
from graphembed.evaluation import classify_nodes


def blobs(n_nodes=120, n_classes=4, n_components=8, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n_nodes)
    centres = rng.standard_normal((n_classes, n_components))
    points = centres[labels] + noise * rng.standard_normal((n_nodes, n_components))
    return points.astype(np.float32), labels


def indicator(n_nodes=150, n_classes=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_nodes, 6))
    Y = X @ rng.standard_normal((6, n_classes)) + rng.standard_normal((n_nodes, n_classes)) > 1
    return X, Y


def by_the_book(X, Y, train_size, random_state):
    """The protocol, one node and one class at a time."""
    order = np.random.default_rng(random_state).permutation(len(X))
    n_train = round(train_size * len(X))
    train, test = order[:n_train], order[n_train:]
    scores = np.full((len(test), Y.shape[1]), -np.inf)
    for column in range(Y.shape[1]):
        if Y[train, column].any():
            model = LogisticRegression(tol=1e-8).fit(X[train], Y[train, column])
            scores[:, column] = model.decision_function(X[test])
    predicted = np.zeros((len(test), Y.shape[1]), dtype=bool)
    for row, node in enumerate(test):
        for column in sorted(range(Y.shape[1]), key=lambda j: -scores[row, j])[: Y[node].sum()]:
            predicted[row, column] = True
    kinds = ("micro", "macro")
    return [f1_score(Y[test], predicted, average=kind, zero_division=0) for kind in kinds]


@pytest.mark.parametrize("seed", range(3))
def test_multi_label_scores_follow_the_protocol(seed):
    X, Y = indicator(seed=seed)
    X, Y = X[Y.any(axis=1)], Y[Y.any(axis=1)]
    report = classify_nodes(X, Y, train_sizes=[0.3], n_shuffles=1, random_state=seed)
    expected = by_the_book(X, Y, 0.3, seed)
    assert [report.micro_f1[0, 0], report.macro_f1[0, 0]] == pytest.approx(expected, abs=0.01)


def test_one_label_per_node_is_a_one_hot_indicator():
    X, labels = blobs()
    single = classify_nodes(X, labels, train_sizes=[0.2, 0.7])
    multi = classify_nodes(X, np.eye(4)[labels], train_sizes=[0.2, 0.7])
    assert_array_equal(single.micro_f1, multi.micro_f1)
    assert_array_equal(single.macro_f1, multi.macro_f1)
    assert single.micro_f1.shape == (2, 5)
    assert single.micro_f1.mean() > 0.6
    assert single.micro_f1[1].mean() > single.micro_f1[0].mean()


@pytest.mark.parametrize("convert", [sp.csr_array, sp.csr_matrix, sp.coo_array, np.int64, list])
def test_kinds_of_indicator_agree(convert):
    X, Y = indicator()
    expected = classify_nodes(X, Y, train_sizes=[0.5])
    assert_array_equal(classify_nodes(X, convert(Y), train_sizes=[0.5]).micro_f1, expected.micro_f1)


def test_unlabelled_nodes_and_unused_classes_are_left_out():
    X, labels = blobs()
    some = np.where(np.arange(len(X)) % 3 == 0, -1, labels)
    report = classify_nodes(X, some, train_sizes=[0.5])
    only = classify_nodes(X[some >= 0], 10 * labels[some >= 0], train_sizes=[0.5])
    wide = np.zeros((len(X), 9))
    wide[np.flatnonzero(some >= 0), 2 * some[some >= 0]] = 1
    assert_array_equal(report.micro_f1, only.micro_f1)
    assert_array_equal(report.macro_f1, only.macro_f1)
    assert_array_equal(report.macro_f1, classify_nodes(X, wide, train_sizes=[0.5]).macro_f1)
    assert (report.n_nodes, report.n_classes) == (80, 4)


def test_accepts_vectors_and_fitted_embedders():
    graph = Graph.from_edges(np.arange(60), (np.arange(60) + 1) % 60)
    model = FastRP(n_components=8, random_state=0).fit(graph)
    labels = np.arange(60) // 20
    expected = classify_nodes(model.embedding_, labels, train_sizes=[0.5]).micro_f1
    for embedding in (model, model.vectors_, Vectors(graph.nodes, model.embedding_)):
        assert_array_equal(classify_nodes(embedding, labels, train_sizes=[0.5]).micro_f1, expected)


def test_scores_do_not_depend_on_threads_or_on_other_sizes():
    X, Y = indicator()
    options = {"train_sizes": [0.1, 0.5, 20], "n_shuffles": 3, "random_state": 5}
    one, two = (classify_nodes(X, Y, n_jobs=n_jobs, **options) for n_jobs in (1, 2))
    assert_array_equal(one.micro_f1, two.micro_f1)
    assert_array_equal(one.macro_f1, two.macro_f1)
    alone = classify_nodes(X, Y, train_sizes=[0.5], n_shuffles=3, random_state=5)
    assert_array_equal(alone.micro_f1[0], one.micro_f1[1])


def test_normalize_makes_lengths_of_rows_irrelevant():
    X, labels = blobs()
    X[0] = 0
    stretched = X * np.random.default_rng(1).uniform(0.1, 10, (len(X), 1))
    one, two = (
        classify_nodes(Z, labels, train_sizes=[0.5], normalize=True) for Z in (X, stretched)
    )
    assert_array_equal(one.micro_f1, two.micro_f1)


@pytest.mark.parametrize("classifier", [LogisticRegression(tol=1e-8), GaussianNB()])
def test_any_classifier_can_be_used(classifier):
    X, labels = blobs()
    given = classify_nodes(X, labels, train_sizes=[0.5], classifier=classifier)
    default = classify_nodes(X, labels, train_sizes=[0.5])
    assert given.micro_f1 == pytest.approx(default.micro_f1, abs=0.15)
    assert not hasattr(classifier, "classes_")


@pytest.mark.parametrize("classifier", [None, LogisticRegression()])
def test_a_class_that_training_nodes_lack_or_all_have_is_no_obstacle(classifier):
    X, Y = indicator(n_nodes=12, n_classes=3)
    Y[:, 0], Y[:, 2] = True, False
    Y[4, 2] = True
    report = classify_nodes(X, Y, train_sizes=[1, 11], n_shuffles=12, classifier=classifier)
    assert np.isfinite(report.micro_f1).all()
    assert report.micro_f1.min() > 0


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0] * 10, {}, "at least two classes; the 10 labelled nodes have 1"),
        ([-1] * 10, {}, "the 0 labelled nodes have 0"),
        ([0] * 9, {}, "labels has 9 rows, but the embedding has 10"),
        ([0.0, 1.0] * 5, {}, "must be ints"),
        (["a", "b"] * 5, {}, "numpy.unique"),
        ([0, 1] * 5, {"train_sizes": [0.01]}, "0.01 leaves 0 of 10"),
        ([0, 1] * 5, {"train_sizes": [10]}, "10 leaves 10 of 10"),
        ([0, 1] * 5, {"train_sizes": [0.5], "n_shuffles": 0}, "n_shuffles"),
    ],
)
def test_unusable_input_is_named(labels, options, message):
    with pytest.raises(ValueError, match=message):
        classify_nodes(np.ones((10, 2)), labels, **options)


@pytest.mark.parametrize("embedding", [np.full((10, 2), np.nan), np.ones(10)])
def test_unusable_embeddings_are_named(embedding):
    with pytest.raises(ValueError, match="embedding"):
        classify_nodes(embedding, [0, 1] * 5)


def test_report_as_text_and_as_json():
    X, labels = blobs()
    report = classify_nodes(X, labels, train_sizes=[0.1, 0.5])
    first, _, last = str(report).splitlines()
    assert first.split() == ["train", "micro-F1", "macro-F1"]
    mean, std = report.micro_f1[1].mean(), report.micro_f1[1].std()
    assert last.split()[:4] == ["0.5", f"{mean:.4f}", "±", f"{std:.4f}"]
    data = json.loads(json.dumps(report.to_dict()))
    assert data["micro_f1_mean"][1] == pytest.approx(mean)
    assert np.array(data["macro_f1"]).shape == (2, 5)


def test_one_training_size_and_none():
    labels = np.repeat([0, 1], 10)
    report = classify_nodes(np.eye(2)[labels], labels, train_sizes=0.5)
    assert report.train_sizes.tolist() == [0.5]
    with pytest.raises(ValueError, match="train_sizes is empty"):
        classify_nodes(np.eye(2)[labels], labels, train_sizes=[])
