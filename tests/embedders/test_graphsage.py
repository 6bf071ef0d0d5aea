import hashlib
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import graphembed as ge
from graphembed.datasets.synthetic import stochastic_block_model
from graphembed.exceptions import DivergedError, StoreError
from graphembed.message_passing import trainer
from graphembed.message_passing.checkpoint import NAME, begun_seed
from graphembed.message_passing.features import FeatureEncoder
from graphembed.store.lock import lock_path
from graphembed.testing import graphs

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch_geometric.nn  # noqa: F401

OBJECTIVES = ("walk", "edge", "dgi", "supervised")
SMALL: dict[str, Any] = {
    "n_components": 16, "hidden": 16, "learning_rate": 0.02, "dropout": 0.2, "random_state": 0,
}  # fmt: skip


def groups(n: int = 300, *, seed: int = 0, directed: bool = False) -> tuple[ge.Graph, np.ndarray]:
    """Return three groups of nodes with noisy features of their group, and which it is."""
    p = np.full((3, 3), 0.01) + np.eye(3) * 0.14
    made = stochastic_block_model([n // 3] * 3, p, directed=directed, random_state=seed)
    labels = np.repeat(np.arange(3), n // 3)
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 8)) + 1.2 * np.eye(3, 8)[labels]
    return made.graph.with_features(features.astype(np.float32)), labels


def some(labels: np.ndarray, n: int = 30) -> np.ndarray:
    """Return labels of which all but some are unknown."""
    shown = np.full(len(labels), -1)
    chosen = np.random.default_rng(0).permutation(len(labels))[:n]
    shown[chosen] = labels[chosen]
    return shown


def noisy(labels: np.ndarray) -> np.ndarray:
    """Return labels of which some are wrong, so that nothing ever tells all of them."""
    rng = np.random.default_rng(1)
    return np.where(rng.random(len(labels)) < 0.2, rng.integers(0, 3, len(labels)), labels)


def best_of(scores: list[tuple[int, float]]) -> tuple[int, float]:
    """Return the best evaluation, of equal ones the last."""
    return max(scores, key=lambda pair: (pair[1], pair[0]))


def fitted(graph: Any, y: Any = None, **params: Any) -> ge.GraphSAGE:
    return ge.GraphSAGE(**{**SMALL, **params}).fit(graph, y)


@pytest.mark.parametrize("batching", ["full", "sampled"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_groups_are_found(objective: str, batching: str) -> None:
    graph, labels = groups()
    y = some(labels)
    n_epochs = 5 if batching == "sampled" and objective in ("walk", "edge") else 50
    model = fitted(graph, y, objective=objective, batching=batching, n_epochs=n_epochs)
    if objective == "supervised":
        accuracy = model.score(graph, labels)
    else:
        classifier = LogisticRegression().fit(model.embedding_[y >= 0], y[y >= 0])
        accuracy = classifier.score(model.embedding_, labels)
    assert accuracy > 0.9


@pytest.mark.parametrize("batching", ["full", "sampled"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_same_bits_at_any_thread_count(objective: str, batching: str) -> None:
    graph, labels = groups(900)
    sparse = sp.csr_array(graph.features * (np.abs(graph.features) > 0.7))
    graph = graph.with_features(sparse)
    options: dict[str, Any] = {
        "objective": objective, "batching": batching, "n_epochs": 2, "dropout": 0.3,
        "batch_size": 2048, "learning_rate": 0.003,
    }  # fmt: skip
    first, *others = (fitted(graph, labels, **options, n_jobs=n) for n in (1, 2, 3))
    for other in others:
        np.testing.assert_array_equal(first.embedding_, other.embedding_)
        assert first.loss_curve_ == other.loss_curve_


def test_same_bits_in_another_process() -> None:
    code = (
        "import graphembed as ge, hashlib;"
        "graph = ge.datasets.synthetic.rmat(9, 8, random_state=0);"
        "model = ge.GraphSAGE(8, hidden=8, n_epochs=3, random_state=5).fit(graph);"
        "print(hashlib.sha256(model.embedding_.tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    graph = ge.datasets.synthetic.rmat(9, 8, random_state=0)
    rows = ge.GraphSAGE(8, hidden=8, n_epochs=3, random_state=5).fit(graph).embedding_
    assert run.stdout.strip() == hashlib.sha256(rows.tobytes()).hexdigest()


def test_without_a_seed_every_fit_differs() -> None:
    graph, _ = groups(90)
    first, second = (fitted(graph, random_state=None, n_epochs=1) for _ in range(2))
    assert not np.array_equal(first.embedding_, second.embedding_)


@pytest.mark.parametrize("conv", ["sage", "gcn", "gat", "gin"])
@pytest.mark.parametrize("batching", ["full", "sampled"])
def test_convolutions(conv: str, batching: str) -> None:
    graph, labels = groups()
    model = fitted(
        graph, labels, objective="supervised", conv=conv, batching=batching, n_epochs=10,
        batch_size=150, dropout=0.2,
    )  # fmt: skip
    assert model.score(graph, labels) > 0.75
    np.testing.assert_array_equal(model.transform(graph), model.embedding_)


@pytest.mark.parametrize("aggregator", ["mean", "max", "gcn", "sum"])
@pytest.mark.parametrize("direction", ["both", "in", "out"])
def test_who_hears_whom(direction: str, aggregator: str) -> None:
    """A node's row depends on the neighbours of one hop that it hears, and on no others."""
    graph, _ = groups(60, directed=True)
    model = fitted(
        graph, n_layers=1, direction=direction, aggregator=aggregator, n_epochs=1, fanout=(5,)
    )
    node = 7
    changed = graph.features.copy()
    changed[node] += 1
    rows = model.transform(graph.with_features(changed))
    moved = np.flatnonzero(np.abs(rows - model.embedding_).max(axis=1) > 1e-6)
    dense = graph.to_scipy().toarray() > 0
    hearing = {"in": dense[node], "out": dense[:, node], "both": dense[node] | dense[:, node]}
    expected = {*np.flatnonzero(hearing[direction]).tolist(), node}
    assert set(moved.tolist()) <= expected
    if aggregator != "max":  # which need not notice
        assert set(moved.tolist()) == expected


def test_inductive_on_the_training_graph_and_on_unseen_ones() -> None:
    graph, labels = groups(seed=0)
    unseen, truth = groups(seed=1)
    model = fitted(graph, labels, objective="supervised", n_epochs=50)
    np.testing.assert_array_equal(model.transform(graph), model.embedding_)
    assert model.score(unseen, truth) > 0.9
    assert model.transform(unseen).shape == (300, 16)


def test_a_graph_without_features_has_structural_ones() -> None:
    """Hubs and leaves of stars are told apart, in graphs that were never seen."""

    def star(n_leaves: int) -> ge.Graph:
        leaves = np.arange(1, n_leaves + 1)
        return ge.Graph.from_edges(np.zeros(n_leaves, dtype=int), leaves)

    model = fitted([star(5), star(9), star(7)], objective="edge", n_epochs=2)
    rows = model.transform(star(6))
    np.testing.assert_allclose(rows[2:], np.tile(rows[1], (5, 1)), atol=1e-6)
    assert np.abs(rows[0] - rows[1]).max() > 0.01


def test_several_graphs_are_trained_on_side_by_side() -> None:
    (first, labels), (second, others) = groups(150, seed=0), groups(90, seed=1)
    model = fitted([first, second], [labels, others], objective="supervised", n_epochs=30)
    assert model.embedding_.shape == (240, 16)
    np.testing.assert_allclose(model.transform(first), model.embedding_[:150], atol=1e-5)
    np.testing.assert_allclose(model.transform(second), model.embedding_[150:], atol=1e-5)
    assert model.score(second, others) > 0.9
    partly = fitted([first, second], [labels, None], objective="supervised", n_epochs=5)
    assert partly.classes_.tolist() == [0, 1, 2]
    assert fitted([first, second], n_epochs=1).embedding_.shape == (240, 16)


def test_labels_of_any_kind_some_of_them_missing() -> None:
    graph, labels = groups()
    names = np.array(["red", "green", "blue"], dtype=object)[labels]
    names[50:] = np.where(np.arange(250) % 5 == 0, names[50:], None)
    model = fitted(graph, names, objective="supervised", n_epochs=30)
    assert model.classes_.tolist() == ["blue", "green", "red"]
    assert model.predict(graph)[:3].tolist() == ["red"] * 3
    probabilities = model.predict_proba(graph)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(
        model.classes_[probabilities.argmax(axis=1)], model.predict(graph)
    )
    assert model.score(graph, names) > 0.9


def test_any_number_of_labels_each() -> None:
    graph, labels = groups()
    matrix = np.column_stack([labels == 0, labels >= 1, labels == 2]).astype(float)
    shown = matrix.copy()
    shown[::3] = np.nan
    model = fitted(graph, shown, objective="supervised", n_epochs=40)
    assert model.predict(graph).shape == (300, 3)
    probabilities = model.predict_proba(graph)
    np.testing.assert_array_equal(probabilities > 0.5, model.predict(graph) == 1)
    assert model.score(graph, matrix) > 0.9


@pytest.mark.parametrize("batching", ["full", "sampled"])
def test_labels_to_validate_with_are_not_trained_on(batching: str) -> None:
    graph, labels = groups(90)
    y, other = some(labels), np.where(some(labels) < 0, labels, -1)
    options: dict[str, Any] = {
        **SMALL, "objective": "supervised", "batching": batching, "n_epochs": 4, "patience": None,
        "batch_size": 8, "fanout": (-1, -1),
    }  # fmt: skip
    first, second = (
        ge.GraphSAGE(**options).fit(graph, y, y_val=y_val)
        for y_val in (other, np.where(other < 0, -1, (other + 1) % 3))
    )
    assert first.loss_curve_ == second.loss_curve_
    assert [score for _, score in first.scores_] != [score for _, score in second.scores_]
    for model, y_val in ((first, other), (second, np.where(other < 0, -1, (other + 1) % 3))):
        best = best_of(model.scores_)
        assert model.n_iter_ == best[0]
        assert model.score(graph, y_val) == pytest.approx(best[1]), "of the weights kept"


def test_labels_to_validate_with_decide_when_to_stop() -> None:
    graph, labels = groups(300)
    labels = noisy(labels)
    y, other = some(labels), np.where(some(labels) < 0, labels, -1)
    options = {**SMALL, "objective": "supervised", "n_epochs": 200, "patience": 4}
    model = ge.GraphSAGE(**options).fit(graph, y, y_val=other)
    best = best_of(model.scores_)
    assert model.n_iter_ == best[0]
    risen = next(epoch for epoch, score in model.scores_ if score == best[1])
    assert len(model.loss_curve_) == len(model.scores_) == risen + 4 < 200
    blind = ge.GraphSAGE(**{**options, "n_epochs": 9}).fit(graph, y)
    assert not blind.scores_, "30 labelled nodes are too few to hold some out"
    assert len(blind.loss_curve_) == blind.n_iter_ == 9
    np.testing.assert_array_equal(
        ge.GraphSAGE(**options).fit_transform(graph, y, y_val=other), model.embedding_
    )


def test_labels_to_validate_with_are_of_any_form() -> None:
    (first, labels), (second, others) = groups(90, seed=0), groups(60, seed=1)
    options = {**SMALL, "objective": "supervised", "n_epochs": 2}
    model = ge.GraphSAGE(**options).fit([first, second], [labels, None], y_val=[None, others])
    for epoch, score in model.scores_:
        if epoch == model.n_iter_:
            assert model.score(second, others) == pytest.approx(score)
    named = list(enumerate(np.array(["a", "b", "c"])[labels].tolist()))
    by_id = ge.GraphSAGE(**options).fit(first, dict(named[::2]), y_val=dict(named[1::2]))
    assert len(by_id.scores_) == 2
    matrix = np.eye(3)[labels]
    matrix[:60], shown = np.nan, np.where(np.arange(90)[:, None] < 60, np.eye(3)[labels], np.nan)
    several = ge.GraphSAGE(**options).fit(first, shown, y_val=matrix)
    assert several.score(first, matrix) == pytest.approx(dict(several.scores_)[several.n_iter_])


def test_labels_to_validate_with_that_are_of_no_use() -> None:
    graph, labels = groups(60)
    y = np.where(np.arange(60) % 3 > 0, labels, -1)
    model = ge.GraphSAGE(**SMALL, objective="supervised", n_epochs=1)
    with pytest.raises(ValueError, match="40 nodes have labels in y and in y_val"):
        model.fit(graph, y, y_val=labels)
    unknown = "y_val holds the class 9, which is not among the 3 classes in y: 0, 1, 2"
    with pytest.raises(ValueError, match=unknown):
        model.fit(graph, y, y_val=np.where(y < 0, 9, -1))
    with pytest.raises(ValueError, match="y_val holds no label"):
        model.fit(graph, y, y_val=np.full(60, -1))
    with pytest.raises(ValueError, match="one label for each node, and y_val has any number"):
        model.fit(graph, y, y_val=np.where(y[:, None] < 0, np.eye(3)[labels], np.nan))
    with pytest.raises(ValueError, match=r"y_val must hold .* each of the 60 nodes"):
        model.fit(graph, y, y_val=labels[:5])


def test_classes_need_a_layer_of_their_own() -> None:
    graph, labels = groups(60)
    with pytest.raises(ValueError, match="needs n_layers of at least 2"):
        fitted(graph, labels, objective="supervised", n_layers=1)
    model = fitted(graph, labels, objective="supervised", n_layers=2, n_components=5, n_epochs=1)
    assert model.embedding_.shape == (60, 5)
    assert fitted(graph, n_layers=1, n_components=5, n_epochs=1).embedding_.shape == (60, 5)


@pytest.mark.parametrize("batching", ["full", "sampled"])
@pytest.mark.parametrize("objective", ["walk", "edge"])
def test_what_is_asked_and_heard_along_is_chosen(objective: str, batching: str) -> None:
    graph, _ = groups(90)
    options: dict[str, Any] = {"objective": objective, "batching": batching, "n_epochs": 2}
    plain = fitted(graph, **options).loss_curve_
    assert fitted(graph, **options, exclude_targets=False).loss_curve_ != plain
    asked = fitted(graph, **options, target_fraction=0.9).loss_curve_
    assert (asked == plain) == (batching == "sampled"), "of a sample all pairs are asked"


def test_small_graphs_are_trained_on_whole() -> None:
    graph, _ = groups(90)
    rows = [
        fitted(graph, batching=batching, n_epochs=2).embedding_ for batching in ("auto", "full")
    ]
    np.testing.assert_array_equal(*rows)


def test_only_the_supervised_one_predicts() -> None:
    graph, labels = groups(90)
    model = fitted(graph, n_epochs=1)
    for name in ("predict", "predict_proba", "score"):
        assert not hasattr(model, name)
        assert hasattr(clone(model).set_params(objective="supervised"), name)
    with pytest.raises(ValueError, match="needs y"):
        fitted(graph, objective="supervised")
    with pytest.raises(ValueError, match="only one class"):
        fitted(graph, np.zeros(90, dtype=int), objective="supervised")
    model = fitted(graph, labels, objective="supervised", n_epochs=1)
    with pytest.raises(ValueError, match="classes seen in fit"):
        model.score(graph, labels + 7)


def test_a_block_places_new_nodes_beside_fitted_ones() -> None:
    graph, labels = groups()
    model = fitted(graph, labels, objective="supervised", n_epochs=30)
    block = sp.csr_array(np.stack([labels == label for label in range(3)]).astype(np.float32))
    assert model.predict(block).tolist() == [0, 1, 2]
    known = graph.to_scipy()[[5, 250]]
    both = model.transform(sp.csr_array(sp.vstack([block, known])))
    np.testing.assert_array_equal(both[3:], model.embedding_[[5, 250]])
    np.testing.assert_allclose(both[:3], model.transform(block), atol=1e-5)


def test_a_new_node_has_the_row_that_a_graph_gives_it_alone() -> None:
    """With one hop nobody's row but its own depends on whether it is there."""
    graph, _ = groups(90)
    model = fitted(graph, n_layers=1, n_epochs=2, fanout=(5,))
    ends = np.array([3, 40, 77])
    block = np.zeros((1, 90), dtype=np.float32)
    block[0, ends] = 1
    grown = ge.Graph.from_edges(
        [*graph.edges()[:, 0], 90, 90, 90], [*graph.edges()[:, 1], *ends],
        nodes=range(91), features=np.vstack([graph.features, graph.features[ends].mean(axis=0)]),
    )  # fmt: skip
    np.testing.assert_allclose(model.transform(block)[0], model.transform(grown)[90], atol=1e-5)


def test_directed_blocks() -> None:
    graph, _ = groups(60, directed=True)
    for direction in ("both", "in", "out"):
        model = fitted(graph, direction=direction, n_epochs=1)
        rows = model.transform(np.ones((2, 60)))
        np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)
        assert np.isfinite(rows).all()


def test_to_torch_gives_the_embedding() -> None:
    import torch

    graph, _ = groups(150)
    for conv in ("sage", "gcn", "gat", "gin"):
        model = fitted(graph, conv=conv, n_epochs=2)
        data = graph.to_torch_geometric()
        features = torch.from_numpy(model.encoded_features(graph))
        with torch.no_grad():
            rows = model.to_torch().eval()(features, data.edge_index)
        np.testing.assert_allclose(rows.numpy(), model.embedding_, atol=1e-4)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_saved_weights_are_safetensors_and_nothing_is_lost(objective: str, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    graph, labels = groups(90)
    model = fitted(
        graph,
        labels,
        objective=objective,
        n_epochs=2,
        callbacks=lambda _: None,
        workdir=tmp_path / "run",
    )
    ge.save(model, tmp_path / "model")
    (path,) = (tmp_path / "model").glob("*.safetensors")
    weights = load_file(path)
    assert set(weights) == set(model.weights_)
    loaded = ge.load(tmp_path / "model")
    for X in (graph, np.ones((1, 90))):
        np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    assert loaded.loss_curve_ == model.loss_curve_
    if objective == "supervised":
        np.testing.assert_array_equal(loaded.predict(graph), model.predict(graph))


def test_set_output_and_names() -> None:
    graph, _ = groups(90)
    model = ge.GraphSAGE(n_components=3, hidden=4, n_epochs=1, random_state=0)
    frame = model.set_output(transform="pandas").fit(graph).transform(graph)
    assert list(frame.columns) == ["graphsage0", "graphsage1", "graphsage2"]


def test_callbacks_hear_of_every_epoch() -> None:
    graph, _ = groups(900)
    heard: list[Any] = []
    model = fitted(graph, callbacks=heard.append, n_epochs=10)
    assert [end.epoch for end in heard] == list(range(1, 11))
    assert [end.loss for end in heard] == model.loss_curve_
    assert [(end.epoch, end.score) for end in heard if end.score is not None] == model.scores_
    assert [epoch for epoch, _ in model.scores_] == [5, 10]
    with pytest.raises(ValueError, match="callbacks"):
        fitted(graph, callbacks=[3], n_epochs=1)


def test_the_best_weights_are_kept_and_training_stops() -> None:
    graph, labels = groups(900)
    model = fitted(
        graph, noisy(labels), objective="supervised", validation_fraction=0.3, patience=3,
        n_epochs=200,
    )  # fmt: skip
    best = best_of(model.scores_)
    assert model.n_iter_ == best[0]
    risen = next(epoch for epoch, score in model.scores_ if score == best[1])
    assert len(model.loss_curve_) == risen + 3 < 200


def test_an_interrupt_leaves_a_usable_model() -> None:
    graph, _ = groups(90)

    def interrupt(end: Any) -> None:
        if end.epoch == 3:
            raise KeyboardInterrupt

    model = ge.GraphSAGE(**SMALL, callbacks=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(graph)
    assert len(model.loss_curve_) == 3
    expected = fitted(graph, n_epochs=3)
    np.testing.assert_array_equal(model.embedding_, expected.embedding_)
    np.testing.assert_array_equal(model.transform(graph), expected.embedding_)


SCRIPT = """
import os, signal, sys
import graphembed as ge
from graphembed.message_passing import trainer

trainer.CHECKPOINT_EVERY = 0
graph = ge.datasets.synthetic.rmat(9, 8, random_state=0)

def kill(end):
    if end.epoch == 7:
        os.kill(os.getpid(), signal.SIGKILL)

ge.GraphSAGE(
    8, hidden=8, n_epochs=12, dropout=0.2, random_state=3, workdir=sys.argv[1], callbacks=kill
).fit(graph)
"""
LIKE_SCRIPT: dict[str, Any] = {
    "n_components": 8, "hidden": 8, "n_epochs": 12, "dropout": 0.2, "random_state": 3,
}  # fmt: skip


def test_killed_and_resumed(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], check=False)
    assert run.returncode == -signal.SIGKILL
    graph = ge.datasets.synthetic.rmat(9, 8, random_state=0)
    whole = ge.GraphSAGE(**LIKE_SCRIPT).fit(graph)
    with pytest.raises(StoreError, match="resume=True"):
        ge.GraphSAGE(**LIKE_SCRIPT, workdir=tmp_path).fit(graph)
    with pytest.raises(StoreError, match="another one: learning_rate differ"):
        ge.GraphSAGE(**LIKE_SCRIPT, learning_rate=1.0, workdir=tmp_path, resume=True).fit(graph)
    epochs: list[int] = []
    resumed = ge.GraphSAGE(
        **LIKE_SCRIPT, workdir=tmp_path, resume=True,
        callbacks=lambda end: epochs.append(end.epoch),
    ).fit(graph)  # fmt: skip
    assert epochs[0] == 7
    np.testing.assert_array_equal(resumed.embedding_, whole.embedding_)
    assert resumed.loss_curve_ == whole.loss_curve_
    assert resumed.scores_ == whole.scores_
    assert [path.name for path in tmp_path.iterdir()] == [lock_path(tmp_path / NAME).name]


HOLDER = """
import sys
import graphembed as ge

def wait(end):
    print("training", flush=True)
    sys.stdin.read()

graph = ge.datasets.synthetic.rmat(9, 8, random_state=0)
ge.GraphSAGE(8, hidden=8, n_epochs=1, workdir=sys.argv[1], callbacks=wait).fit(graph)
"""


@pytest.mark.parametrize("resume", [False, True])
def test_two_processes_do_not_share_a_workdir(resume: bool, tmp_path: Path) -> None:
    """Neither before there is a checkpoint nor later: the lock is held for the whole fit."""
    graph = ge.datasets.synthetic.rmat(9, 8, random_state=0)
    second = ge.GraphSAGE(**LIKE_SCRIPT, workdir=tmp_path, resume=resume)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "training\n"
        with pytest.raises(StoreError, match="being written by another process"):
            second.fit(graph)
        first.communicate()
    assert first.returncode == 0
    second.fit(graph)  # the lock went with its process


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("random_state", [0, None])
def test_samples_go_on_after_an_error(
    random_state: int | None, objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", 0)
    graph, labels = groups(90)
    options = {"objective": objective, "batching": "sampled", "n_epochs": 4, "dropout": 0.2}
    options |= {"random_state": random_state, "workdir": tmp_path}

    def fail(end: Any) -> None:
        if end.epoch == 3:
            raise OSError("the log is full")

    with pytest.raises(OSError, match="the log"):
        fitted(graph, labels, **options, callbacks=fail)
    seed = begun_seed(tmp_path)
    resumed = fitted(graph, labels, **options, resume=True)
    assert len(resumed.loss_curve_) == 4
    if random_state is None:
        assert seed is not None
        return
    whole = fitted(graph, labels, **{**options, "workdir": None})
    np.testing.assert_array_equal(resumed.embedding_, whole.embedding_)


def test_collapsed_vectors_are_told_of() -> None:
    ring = ge.Graph.from_edges(range(300), [*range(1, 300), 0])
    with pytest.warns(UserWarning, match="collapsed"):
        fitted(ring, n_epochs=1)


def test_parameters_that_do_not_fit() -> None:
    graph, _ = groups(90)
    with pytest.raises(ValueError, match="'objective' parameter of GraphSAGE"):
        fitted(graph, objective="guess")
    with pytest.raises(ValueError, match="features"):
        fitted(ge.datasets.load("karate").graph, features="graph")
    model = fitted(graph, n_epochs=1)
    with pytest.raises(ValueError, match="8"):
        model.transform(graph.with_features(np.ones((90, 3), dtype=np.float32)))


def test_learned_features_are_of_the_whole_graph_at_any_order_of_nodes() -> None:
    graph, _ = groups(90)
    model = fitted(graph, n_epochs=3)
    order = np.random.default_rng(0).permutation(90)
    pairs = graph.edges()
    turned = ge.Graph.from_edges(
        pairs[:, 0], pairs[:, 1], nodes=order, features=graph.features[order]
    )
    np.testing.assert_allclose(model.transform(turned), model.embedding_[order], atol=1e-5)


def test_two_cliques_without_features_are_all_alike() -> None:
    """What structural features cannot tell, no network can: it is no look-up of nodes."""
    model = fitted(graphs.two_cliques(), n_epochs=2)
    np.testing.assert_allclose(model.embedding_[1], model.embedding_[13], atol=1e-5)


@pytest.mark.parametrize("batching", ["full", "sampled"])
def test_fanouts_are_those_of_the_sampler(batching: str, tmp_path: Path) -> None:
    graph, _ = groups(90)
    options: dict[str, Any] = {"batching": batching, "n_epochs": 1}
    for odd in ((2.9, 3.7), ("a", 3), (0, 3), ()):
        with pytest.raises(ValueError, match="fanout"):
            fitted(graph, fanout=odd, **options)
    with pytest.raises(ValueError, match="2 numbers for 3 layers"):
        fitted(graph, fanout=(5, 5), n_layers=3, **options)
    longer = fitted(graph, n_layers=3, **options)
    same = fitted(graph, n_layers=3, fanout=[25, 10, 10], **options)
    np.testing.assert_array_equal(longer.embedding_, same.embedding_)
    array = fitted(graph, fanout=np.array([4, 3]), **options)
    np.testing.assert_array_equal(
        array.embedding_, fitted(graph, fanout=(4, 3, 2), **options).embedding_
    )
    assert clone(array).fanout.tolist() == [4, 3]
    ge.save(array, tmp_path / "model")
    assert list(ge.load(tmp_path / "model").fanout) == [4, 3]


def test_what_was_fitted_counts_not_what_was_set_since() -> None:
    graph, labels = groups(90)
    model = fitted(graph, labels, objective="supervised", n_epochs=2)
    expected = model.predict(graph)
    model.set_params(objective="walk")
    np.testing.assert_array_equal(model.predict(graph), expected)
    model.fit(graph)
    assert not hasattr(model, "classes_")
    model.set_params(objective="supervised")
    for name in ("predict", "predict_proba", "score"):
        with pytest.raises(AttributeError) as caught:
            getattr(model, name)
        assert "was fitted with objective='walk'" in str(caught.value.__cause__)
    assert model.to_torch() is not None


def test_errors_come_before_features_are_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = groups(90)

    def computed(*_: Any) -> None:
        raise AssertionError("too late")

    (tmp_path / NAME).touch()
    monkeypatch.setattr(FeatureEncoder, "fit_transform", computed)
    for options, message in (
        ({"device": "gpu"}, "device must be .* got 'gpu'"),
        ({"device": "meta"}, "device must be"),
        ({"fanout": (0, 1)}, "fanout must be"),
        ({"fanout": (3,)}, "1 numbers for 2 layers"),
        ({"callbacks": [3]}, "callbacks must be"),
        ({"workdir": tmp_path}, "resume=True"),
    ):
        with pytest.raises((ValueError, StoreError), match=message):
            fitted(graph, **options)


def test_what_is_no_graph_is_told_of() -> None:
    graph, _ = groups(90)
    model = fitted(graph, n_epochs=1)
    with pytest.raises(ValueError, match=r"one graph here; got a list of 2 .* one graph at a time"):
        model.transform([graph, graph])
    with pytest.raises(ValueError, match="got an empty list"):
        model.fit([])
    path = nx.path_graph(3)
    with pytest.raises(ValueError, match=r"list with a Graph .networkx.*Graph.from_networkx"):
        model.fit([path, path])
    with pytest.raises(ValueError, match=r"Graph.from_networkx"):
        model.fit([graph, path])
    with pytest.raises(ValueError, match="encoded_features expects a Graph; got ndarray"):
        model.encoded_features(np.eye(90))


def test_huge_weights_are_shares_or_told_of() -> None:
    ring = ge.Graph.from_edges(
        range(60), [*range(1, 60), 0], np.full(60, 3e38, dtype=np.float32),
        features=np.random.default_rng(0).standard_normal((60, 4)),
    )  # fmt: skip
    for conv in ("gcn", "sage"):
        assert np.isfinite(fitted(ring, conv=conv, n_epochs=2).embedding_).all()
    loud = ge.Graph.from_edges(*ring.edges().T, np.full(60, 1e20), features=ring.features)
    with pytest.raises(DivergedError, match="or the weights of edges"):
        fitted(loud, n_layers=1, aggregator="sum", similarity="dot", n_epochs=2)
