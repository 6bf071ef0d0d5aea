import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp
from contenders import attributed, graphsage, pyg
from harness.contender import Contender
from rows import (
    all_rows,
    graphsage_classes,
    graphsage_inference,
    graphsage_links,
    graphsage_unseen,
)
from sklearn.metrics import average_precision_score, roc_auc_score

import graphembed as ge
from graphembed.graph.transforms import subgraph

with warnings.catch_warnings():
    # torch_geometric itself uses what torch deprecates, once, when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch_geometric.nn
    import torch_geometric.transforms  # noqa: F401

N_NODES, N_FEATURES = 90, 30
CLASSES = np.arange(N_NODES) % 3
BRIEFLY = {"n_components": 8, "hidden": 16, "n_epochs": 5}
FILES = (graphsage_links, graphsage_classes, graphsage_unseen, graphsage_inference)
CONTENDERS = {
    "links": graphsage_links.link_contenders(2),
    "pairs": graphsage_links.pair_contenders(2),
    "vectors": graphsage_classes.vector_contenders(2),
    "labels": graphsage_classes.label_contenders(2),
    "unseen nodes": graphsage_unseen.node_contenders(2),
    "unseen graphs": graphsage_unseen.graph_contenders(2),
    "inference": graphsage_inference.CONTENDERS,
}


def planted(seed: int) -> ge.Graph:
    """Return three groups, whose nodes have edges and features with their own."""
    rng = np.random.default_rng(seed)
    same = CLASSES[:, None] == CLASSES
    ends = np.nonzero(np.triu(rng.random((N_NODES, N_NODES)) < np.where(same, 0.2, 0.01), 1))
    own = CLASSES[:, None] == np.arange(N_FEATURES) % 3
    words = (rng.random(own.shape) < np.where(own, 0.4, 0.1)).astype(np.float32)
    words[:, 0] = 1
    return ge.Graph.from_edges(*ends, nodes=range(N_NODES), features=sp.csr_array(words))


@pytest.fixture(scope="module")
def graph():
    return planted(0)


@pytest.fixture(scope="module")
def labelled(graph):
    thirds = np.arange(N_NODES) % 9 // 3
    masks = {name: thirds == place for place, name in enumerate(("train", "val", "test"))}
    y, y_val = (np.where(masks[name], CLASSES, -1) for name in ("train", "val"))
    return masks, attributed.graph_arrays([graph]) | {"y": y, "y_val": y_val}


def finished(job, n_calls=2):
    for _ in range(n_calls):
        result = job.run()
    return job.finish(result)


@dataclass
class Split:
    """As much of a split as is judged."""

    train: ge.Graph
    test_pairs: np.ndarray
    test_labels: np.ndarray


def test_the_rows_are_found_and_what_was_published_has_one():
    rows = all_rows()
    own = {row.name for file in FILES for row in file.rows()}
    assert own <= set(rows)
    assert len(own) == 4 + 6 + 2 + 1
    assert graphsage_links.PUBLISHED.keys() | graphsage_classes.PUBLISHED.keys() <= own
    assert all(not rows[name].peer_groups for name in own)


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_are_told_apart_and_one_is_ours(name):
    contenders = CONTENDERS[name]
    assert len({each.name for each in contenders}) == len(contenders)
    assert sum(each.reference for each in contenders) == 1
    # They name parameters that there are.
    known = ge.GraphSAGE().get_params().keys() | {"n_runs", "n_fitted", "unit"}
    assert all(
        each.params.keys() <= known
        for each in contenders
        if each.function.__name__.startswith("graphsage")
    )


def test_arrays_make_the_same_graphs_and_hold_shared_features_once(graph):
    split = ge.split_edges(graph, test_size=0.1, random_state=0)
    arrays = attributed.graph_arrays([graph, split.train, planted(1)])
    assert [name for name in arrays if name.startswith("x_data")] == ["x_data-0", "x_data-2"]
    for found, given in zip(
        attributed.graphs_of(arrays), (graph, split.train, planted(1)), strict=True
    ):
        np.testing.assert_array_equal(found.adjacency.toarray(), given.adjacency.toarray())
        np.testing.assert_array_equal(found.features.toarray(), given.features.toarray())
    np.testing.assert_allclose(attributed.scaled_features(arrays).sum(axis=1), 1, rtol=1e-6)


def test_edges_are_told_from_other_pairs(graph):
    splits = [ge.split_edges(graph, test_size=0.2, random_state=seed) for seed in range(2)]
    arrays = attributed.graph_arrays([split.train for split in splits])
    settings = {**graphsage.LINKS, **BRIEFLY, "n_epochs": 30}
    jobs = [
        graphsage.graphsage_vectors(arrays, threads=1, n_runs=2, unit=True, **settings),
        pyg.pyg_links(
            arrays, threads=1, n_runs=2, **{**pyg.LINKS, "n_epochs": 30, "n_components": 8}
        ),
    ]
    for job in jobs:
        embeddings = finished(job)
        assert embeddings.shape == (2, N_NODES, 8)
        found = graphsage_links.judged(splits, embeddings)
        assert found["AUC"] > 0.6
        assert found["seeds"] == 2
    np.testing.assert_allclose(np.linalg.norm(finished(jobs[0], 1), axis=2), 1, rtol=1e-5)


def test_dot_products_are_judged():
    pairs, labels = np.array([[0, 1], [0, 2]]), np.array([1, 0])
    rows = np.array([[1.0, 0.0], [1.0, 0.5], [-1.0, 0.0]])
    split = Split(ge.Graph.from_edges([0, 1], [1, 2]), pairs, labels)
    found = graphsage_links.judged([split, split], [rows, -rows])
    assert found == {"AUC": 1.0, "AUC +-": 0.0, "AP": 1.0, "AP +-": 0.0, "seeds": 2}
    wrong = graphsage_links.judged([split], [rows[[0, 2, 1]]])
    assert wrong["AUC"] == roc_auc_score(labels, [-1, 1]) == 0
    assert wrong["AP"] == average_precision_score(labels, [-1, 1])


def test_the_classifier_of_pairs_reads_vectors_of_the_larger_graph(graph, monkeypatch):
    monkeypatch.setattr(graphsage, "N_PENALTIES", 2)
    monkeypatch.setattr(graphsage, "FOLDS", 2)
    outer = ge.split_edges(graph, test_size=0.2, random_state=0)
    inner = ge.split_edges(outer.train, test_size=0.2, random_state=0)
    arrays = attributed.graph_arrays([inner.train, outer.train]) | {
        "pairs-0": graphsage_links.rows_of(graph, inner.test_pairs),
        "labels-0": inner.test_labels,
        "asked-0": graphsage_links.rows_of(graph, outer.test_pairs),
    }
    job = graphsage.graphsage_pair_classifier(
        arrays, threads=1, n_runs=1, **{**BRIEFLY, "n_epochs": 30}
    )
    (scores,) = finished(job, 1)
    assert roc_auc_score(outer.test_labels, scores) > 0.6


def test_vectors_and_features_are_classified(labelled):
    splits, arrays = labelled
    settings = {**graphsage.VECTORS, "n_components": 16}
    jobs = [
        graphsage.graphsage_vectors(arrays, threads=1, n_runs=2, **settings),
        graphsage.graphsage_vectors(arrays, threads=1, n_runs=2, **graphsage.INFOMAX | BRIEFLY),
        graphsage.features_alone(arrays, threads=1),
    ]
    for job, n_runs in zip(jobs, (2, 2, 1), strict=True):
        results = finished(job)
        assert len(results) == n_runs
        found = graphsage_classes.by_regression(results[-1], CLASSES, splits)
        assert found["accuracy"] > 50


def test_labels_are_learned(labelled):
    splits, arrays = labelled
    briefly = {"n_epochs": 20}
    jobs = [
        graphsage.graphsage_classes(
            arrays, threads=1, n_runs=2, **{**graphsage.LABELS, **briefly}, batching=batching
        )
        for batching in ("full", "sampled")
    ]
    jobs.append(pyg.pyg_classes(arrays, threads=1, n_runs=2, **{**pyg.CLASSES, **briefly}))
    for job in jobs:
        results = finished(job)
        assert results.shape == (2, N_NODES, 3)
        np.testing.assert_allclose(results.sum(axis=2), 1, rtol=1e-5)
        assert graphsage_classes.by_probability(results[0], CLASSES, splits)["accuracy"] > 60


def test_probabilities_are_judged_on_the_test_nodes(labelled):
    splits, _ = labelled
    scores = np.eye(3)[CLASSES]
    scores[splits["val"]] = scores[splits["val"]][:, [1, 2, 0]]
    found = graphsage_classes.by_probability(scores, CLASSES, splits)
    assert found == {"accuracy": 100, "of validation": 0}


@pytest.mark.parametrize("supervised", [True, False])
def test_nodes_are_hidden_from_fit(graph, supervised):
    known, seen, unseen = split = graphsage_unseen.split_nodes(CLASSES, 0)
    assert np.array_equal(np.sort(np.concatenate(split)), np.arange(N_NODES))
    assert len(unseen) == 18
    known, seen = np.concatenate([known, seen[:30]]), seen[30:]
    fitted = np.sort(np.concatenate([known, seen]))
    arrays = attributed.graph_arrays([graph, subgraph(graph, fitted)])
    arrays["y-0"] = np.where(np.isin(fitted, known), CLASSES[fitted], -1)
    settings = {**graphsage.LABELS, "n_epochs": 20} if supervised else {**BRIEFLY, "n_epochs": 20}
    job = graphsage.graphsage_unseen(arrays, threads=1, n_runs=1, **settings)
    (result,) = finished(job, 1)
    predict = graphsage_unseen.by_probabilities if supervised else graphsage_unseen.by_vectors
    found = graphsage_unseen.judged(
        predict(result, CLASSES, (known, seen, unseen)), CLASSES, (known, seen, unseen)
    )
    assert found["unseen nodes"] > 60
    assert found["gap"] == found["seen nodes"] - found["unseen nodes"]


def test_graphs_are_hidden_from_fit():
    graphs = [planted(seed) for seed in range(4)]
    labels = (CLASSES == 0).astype(np.int64)
    arrays = attributed.graph_arrays(graphs) | {"y-0": labels, "y-1": labels}
    settings = {**graphsage.NEW_GRAPHS, "n_epochs": 20}
    jobs = [
        graphsage.graphsage_transfer(arrays, threads=1, n_runs=2, n_fitted=2, **settings),
        graphsage.features_transfer(arrays, threads=1, n_fitted=2),
        graphsage.features_transfer(arrays, threads=1, n_fitted=2, penalty=0.1),
    ]
    assert jobs[1].run() is not None
    assert jobs[1].notes["C"] in graphsage.PENALTIES
    for job in jobs:
        found = graphsage_unseen.aucs(finished(job), {"es": labels, "fr": labels})
        assert found["es"] > 0.7
        assert found["fr"] > 0.7


def test_all_nodes_are_embedded_layer_by_layer(graph):
    matrix = graph.adjacency
    arrays = {name: getattr(matrix, name) for name in ("indptr", "indices", "data")}
    arrays["features"] = np.random.default_rng(0).standard_normal((N_NODES, 4), dtype=np.float32)
    job = graphsage.layerwise(arrays, threads=2)
    assert job.run().shape == (N_NODES, graphsage.N_COMPONENTS)


def test_published_figures_stand_beside_ours():
    ours, peer = (Contender(name, min, (), (), reference=name == "a") for name in "ab")
    assert "VGAE" in graphsage_links.published(ours, "sage-links-cora")["published"]
    assert graphsage_links.published(peer, "sage-links-cora") == {}
