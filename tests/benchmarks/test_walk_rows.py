import re
from pathlib import Path

import numpy as np
import pytest
import time_to_quality
from contenders.peak import N_CHAINS, N_STEPS, compile_chains, operations
from contenders.skipgram import text_edges
from harness.contender import Measurement
from harness.judge import MICRO, best_micro_f1, classification, mean_classification, mean_links
from harness.peers import named
from rows import all_rows, deepwalk, links, node2vec, skipgram, walks

import graphembed as ge
from graphembed.kernels.skipgram import window_pairs

REQUIREMENTS = Path(deepwalk.__file__).parents[1] / "requirements-peers.txt"
CONTENDERS = {
    "deepwalk": deepwalk.CONTENDERS,
    "node2vec": node2vec.CONTENDERS,
    "links": links.CONTENDERS,
    "trainers": skipgram.trainers(),
    **walks.ORDERS,
}


def test_the_rows_of_walks_are_found_and_name_their_peers():
    rows = all_rows()
    names = {
        "deepwalk-blogcatalog",
        "deepwalk-links",
        "node2vec-blogcatalog",
        "skipgram-tokens",
        "walks",
    }
    assert all(rows[name].peer_groups == ("walks",) for name in names)
    assert rows["deepwalk-memory"].peer_groups == ()


@pytest.mark.parametrize("name", CONTENDERS)
def test_contenders_are_told_apart_and_one_is_ours(name):
    contenders = CONTENDERS[name]
    assert len({each.name for each in contenders}) == len(contenders)
    assert sum(each.reference for each in contenders) == 1
    pinned = named(REQUIREMENTS, "walks").read_text()
    for each in contenders:
        if each.peer:
            assert all(re.search(f"^{name}==", pinned, re.M) for name in each.distributions)


def test_text_edges_name_each_edge_once():
    # 0-1, 1-1 (a loop), 1-3; node 2 has no edge.
    arrays = {"indptr": np.array([0, 1, 4, 4, 5]), "indices": np.array([1, 0, 1, 3, 1])}
    assert text_edges(arrays) == [("0", "1"), ("1", "1"), ("1", "3")]


@pytest.fixture(scope="module")
def stored():
    graph = ge.datasets.load("karate").graph
    return graph, ge.random_walks(graph, n_walks=30, walk_length=25, random_state=0)


def test_the_work_of_stored_walks_is_what_the_kernel_lists(stored):
    _, steps = stored
    steps = steps.copy()
    steps[::3, 7:] = -1  # walks that ended early
    tokens, pairs = skipgram.work(steps, window=4)
    room = np.empty((2, 8 * steps.size), dtype=np.int32)
    listed = window_pairs(steps, 0, 4, True, np.uint64(5), *room, 0)
    assert tokens == (steps >= 0).sum()
    assert pairs == pytest.approx(listed, rel=0.02)
    full = window_pairs(steps, 0, 1, True, np.uint64(5), *room, 0)
    assert skipgram.work(steps, window=1)[1] == full


@pytest.mark.parametrize("reproducible", [False, True])
def test_the_trainer_learns_from_stored_walks(stored, monkeypatch, reproducible):
    graph, steps = stored
    monkeypatch.setattr(skipgram, "WALK_LENGTH", steps.shape[1])
    arrays = {"walks": steps, "n_nodes": np.array(graph.n_nodes)}
    rows = skipgram.graphembed_trainer(arrays, threads=2, reproducible=reproducible).run()
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine, linked = rows @ rows.T, graph.adjacency.toarray() > 0
    assert cosine[linked].mean() > cosine[~linked].mean()


def test_chains_of_multiply_adds_are_all_computed():
    # x -> x / 2 + 1, three times: x / 8 + 1.75 in each lane of each chain.
    total = sum(start / 8 + 1.75 for start in range(N_CHAINS))
    for lanes in (8, 16):
        assert compile_chains(lanes)(np.float32(0.5), 3) == lanes * total
    assert operations(16, threads=2) == 4 * operations(8, threads=1) == 2 * 32 * N_CHAINS * N_STEPS


def test_training_is_put_beside_the_peak_and_gensim():
    second = operations(16, 1) / 1e9
    found = [
        Measurement("graphembed", warm_seconds=[2.0]),
        Measurement("gensim", warm_seconds=[1.0]),
        Measurement("limit: FMA, 512 bit", warm_seconds=[second], params={"lanes": 16}),
        Measurement("limit: FMA, 256 bit", warm_seconds=[second], params={"lanes": 8}),
        Measurement("broken", error="no"),
    ]
    pairs = 1e9 / (6 * 128 * 6)
    work = {"graphembed": (600, pairs), "gensim": (100, pairs)}
    skipgram.annotate(found, work, threads=1)
    ours, gensim, wide, narrow, broken = (measured.results for measured in found)
    assert ours == {"tokens/s": 300, "GFLOP/s": 0.5, "% of peak": 50.0, "times gensim": 3.0}
    assert gensim == {"tokens/s": 100, "GFLOP/s": 1.0, "% of peak": 100.0}
    assert (wide, narrow, broken) == ({"GFLOP/s": 1.0}, {"GFLOP/s": 0.5}, {})


def test_walks_are_compared_by_steps_a_second():
    found = [
        Measurement("graphembed", warm_seconds=[1.0], params={"n_walks": 10}),
        Measurement("peer", warm_seconds=[2.0], params={"n_walks": 1}),
        Measurement("broken", error="no", params={"n_walks": 1}),
    ]
    walks.annotate(found, n_nodes=10**6)
    assert found[0].results == {"M steps/s": 790.0}
    assert found[1].results == {"M steps/s": 39.5, "ours is times as fast": 20.0}
    assert found[2].results == {}


def test_several_seeds_are_judged_by_their_mean():
    labels = np.arange(60) % 3
    rng = np.random.default_rng(0)
    seeds = np.eye(3)[labels] + 0.7 * rng.standard_normal((2, 60, 3))
    one, two = (classification(rows, labels, 2) for rows in seeds)
    mean = mean_classification(seeds, labels, 2)
    assert mean_classification(seeds[0], labels, 2) == one
    np.testing.assert_allclose(mean[MICRO], np.mean([one[MICRO], two[MICRO]], axis=0), atol=0.01)
    assert mean["seeds"] == 2
    assert best_micro_f1(seeds[0], labels, 2) == one["micro-F1 there"][1]


def test_links_are_judged_by_auc():
    graph = ge.datasets.load("karate").graph
    split = ge.split_edges(graph, test_size=0.3, random_state=0)
    known = np.linalg.eigh(graph.adjacency.toarray())[1][:, -8:]  # held-out edges included
    found = mean_links(known, split)
    assert 0.6 < found["AUC"] <= 1
    assert mean_links(np.stack([known, known]), split) == {
        **found, "seeds": 2, "+- between seeds": 0.0,
    }  # fmt: skip


def test_the_picture_is_drawn(tmp_path):
    point = {"n_walks": 1, "seconds": 1.0, "micro_f1": 30.0}
    path = tmp_path / "picture.png"
    curves = {"ours": [point, {**point, "n_walks": 5, "seconds": 4.0}], "peer": [point]}
    time_to_quality.draw(curves, "DeepWalk", path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_picture_can_be_made_without_peers(tmp_path, monkeypatch):
    monkeypatch.setattr(time_to_quality, "curve", lambda *_: [])
    monkeypatch.setattr(ge.datasets, "load", lambda _: None)
    path = tmp_path / "results" / "picture.png"
    monkeypatch.setattr(time_to_quality, "draw", lambda curves, *_: path.write_text(str(curves)))
    assert time_to_quality.main(["--peer-walks", "-o", str(path)]) == 0
    assert path.read_text() == "{'graphembed': [], 'graphembed, reproducible': []}"
    assert '"curves"' in path.with_suffix(".json").read_text()
