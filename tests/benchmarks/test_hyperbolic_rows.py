import re
from pathlib import Path

import numpy as np
import pytest
from contenders import poincare
from contenders.lorentz_twin import euclidean_twin
from harness.contender import Contender, Measurement
from harness.peers import named
from rows import all_rows, hyperbolic_quality, hyperbolic_speed
from sklearn.metrics import roc_auc_score

import graphembed as ge
from graphembed.evaluation import hierarchy_reconstruction
from graphembed.geometry.lorentz import distances

REQUIREMENTS = Path(poincare.__file__).parents[1] / "requirements-peers.txt"
CONTENDERS = {
    "smoke": hyperbolic_quality.SMOKE,
    "mammals": hyperbolic_quality.MAMMALS,
    "nouns, 10": hyperbolic_quality.NOUNS_10,
    "nouns, 5": hyperbolic_quality.NOUNS_5,
    "grqc": hyperbolic_quality.GRQC,
    "cora": hyperbolic_quality.CORA,
    "diseases": hyperbolic_quality.DISEASES,
    "speed": hyperbolic_speed.contenders(**hyperbolic_speed.MAMMALS),
    "evaluators": hyperbolic_speed.EVALUATORS,
}


@pytest.fixture(scope="module")
def arrays():
    # The closure of a binary tree: node i below (i - 1) // 2 and all that is above.
    pairs = []
    for node in range(1, 31):
        above = node
        while above:
            above = (above - 1) // 2
            pairs.append((node, above))
    matrix = ge.Graph.from_edges(*zip(*pairs, strict=True), directed=True).adjacency
    return {name: getattr(matrix, name) for name in ("indptr", "indices", "data")}


def test_the_rows_are_found_and_name_their_peers():
    rows = all_rows()
    for row in (*hyperbolic_speed.rows(), *hyperbolic_quality.rows()):
        assert rows[row.name].title == row.title
        assert set(row.peer_groups) <= {"walks"}
    names = {row.name for row in hyperbolic_quality.rows()}
    assert names - hyperbolic_quality.PUBLISHED.keys() == {"hyperbolic-smoke"}


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_are_told_apart_and_one_is_ours(name):
    contenders = CONTENDERS[name]
    assert len({each.name for each in contenders}) == len(contenders)
    assert sum(each.reference for each in contenders) == 1
    pinned = named(REQUIREMENTS, "walks").read_text()
    for each in contenders:
        if each.peer:
            assert all(re.search(f"^{part}==", pinned, re.M) for part in each.distributions)


def test_the_last_seeds_are_handed_back_and_judged(arrays):
    params = {"n_components": 3, "n_negatives": 5, "n_epochs": 60, "learning_rate": 0.3}
    ours = poincare.ours("ours", **params)
    job = poincare.graphembed_embedder(arrays, threads=2, **ours.params)
    for _ in range(poincare.SEEDS + 1):
        job.run()
    rows = job.finish(None)
    assert rows.shape == (poincare.SEEDS, 31, 3)
    graph = poincare.hierarchy(arrays)
    expected = ge.PoincareEmbedding(random_state=1, **params).fit(graph).lorentz_
    np.testing.assert_array_equal(rows[0], expected)

    def report(embedding, geometry):
        assert geometry == "lorentz"
        return hierarchy_reconstruction(embedding, graph, geometry=geometry)

    found = poincare.mean_ranks(rows, ours, report)
    assert found["seeds"] == poincare.SEEDS
    assert found["MAP"] > 0.8
    assert found["mean rank"] < 2


def test_the_twin_learns_as_well(arrays):
    job = euclidean_twin(arrays, threads=2, reproducible=True, n_components=5, n_epochs=60)
    (rows,) = job.finish(job.run())
    report = hierarchy_reconstruction(rows, poincare.hierarchy(arrays), geometry="euclidean")
    assert report.mean_average_precision > 0.45
    assert job.notes["learning rate"] > 0


def test_the_rate_counts_relations_and_is_put_beside_gensim():
    own, peer = {"n_epochs": 4}, {"n_epochs": 1, "n_relations": 50}
    found = [
        Measurement("graphembed", params=own, warm_seconds=[2.0]),
        Measurement("gensim", params=peer, warm_seconds=[10.0]),
        Measurement("broken", params=own, error="no"),
    ]
    assert hyperbolic_speed.annotate(found, 100) == 5
    assert found[0].results == {"relations/s": 200, "times gensim": 40.0}
    assert found[1].results == {"relations/s": 5}
    assert hyperbolic_speed.annotate(found[:1], 100, 10.0) == 10
    assert found[0].results["times gensim"] == 20


@pytest.mark.parametrize("reproducible", [True, False])
def test_epochs_start_anew_in_each_call(arrays, reproducible):
    work = {"n_components": 3, "n_negatives": 4, "n_epochs": 5}
    job = hyperbolic_speed.graphembed_epochs(arrays, threads=2, reproducible=reproducible, **work)
    first, second = job.finish(job.run()), job.finish(job.run())
    assert first.shape == second.shape == (5,)
    assert np.array_equal(first, second) == reproducible


def test_sorting_finds_the_same_figures(arrays):
    rng = np.random.default_rng(0)
    given = {**arrays, "rows": rng.standard_normal((31, 3)), "sample": np.array([3, 7, 30])}
    counted, ordered = (
        job.finish(job.run())
        for job in (
            hyperbolic_speed.graphembed_ranks(given, threads=2),
            hyperbolic_speed.sorted_ranks(given, threads=1),
        )
    )
    np.testing.assert_allclose(counted, ordered)


def test_a_sample_is_scaled_up():
    found = [
        Measurement("ours", reference=True, warm_seconds=[1.0]),
        Measurement("sample", warm_seconds=[1.0]),
    ]
    hyperbolic_speed.scale_up(found, 0.01)
    assert [each.warm_seconds for each in found] == [[1.0], [100.0]]


def test_near_pairs_are_likely_edges():
    graph = ge.datasets.load("karate").graph
    split = ge.split_edges(graph, test_size=0.1, val_size=0.1, random_state=0)
    rows = np.random.default_rng(0).standard_normal((1, graph.n_nodes, 4))
    contender = Contender("ours", poincare.graphembed_embedder, (), ())
    found = hyperbolic_quality.near_pairs(split)(contender, rows)
    left, right = (rows[0][graph.node_index.rows(ids)] for ids in split.test_pairs.T)
    assert found["AUC"] == roc_auc_score(split.test_labels, -distances(left, right))
    flat = hyperbolic_quality.auc(rows[0], "euclidean", graph, split.test_pairs, split.test_labels)
    assert flat == roc_auc_score(split.test_labels, -np.linalg.norm(left - right, axis=1))


def test_splits_are_put_together():
    parts = [
        Measurement("ours", warm_seconds=[1.0], results={"AUC": 0.8, "learning rate": 0.3}),
        Measurement("ours", warm_seconds=[2.0], results={"AUC": 0.9, "learning rate": 0.3}),
    ]
    whole = hyperbolic_quality.together(parts)
    assert whole.warm_seconds == [1.0, 2.0]
    assert whole.results == {"AUC": 0.85, "AUC +-": 0.05, "learning rate": 0.3, "splits": 2}
    parts[1].error = "no"
    assert hyperbolic_quality.together(parts).error == "no"
