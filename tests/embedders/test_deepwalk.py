import hashlib
import os
import subprocess
import sys

import numpy as np

import graphembed as ge
from graphembed.datasets.synthetic import stochastic_block_model
from graphembed.testing import graphs

SMALL = {
    "n_components": 16, "n_walks": 5, "walk_length": 20, "window": 3, "learning_rate": 0.05,
}  # fmt: skip


def digest(rows: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()


def blocks(n: int = 1200) -> ge.Graph:
    p = np.full((3, 3), 0.001) + np.eye(3) * 0.025
    return stochastic_block_model([n // 3] * 3, p, random_state=0).graph


def test_same_bits_at_any_thread_count() -> None:
    """1,200 nodes: enough for rounds of tiles that train side by side."""
    graph = blocks()
    found = {
        digest(ge.DeepWalk(**SMALL, random_state=1, n_jobs=n_jobs).fit_transform(graph))
        for n_jobs in (1, 2, 3, 4)
    }
    assert len(found) == 1


def test_same_bits_in_another_process() -> None:
    code = (
        "import graphembed as ge, hashlib;"
        "graph = ge.datasets.synthetic.rmat(9, 8, random_state=0);"
        "model = ge.DeepWalk(16, n_walks=3, walk_length=20, window=3, random_state=5).fit(graph);"
        "print(hashlib.sha256(model.embedding_.tobytes()).hexdigest())"
    )
    found = set()
    for hash_seed, threads in [("0", "1"), ("1", "2")]:
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": threads},
        )  # fmt: skip
        found.add(run.stdout)
    assert len(found) == 1


def test_lock_free_training_learns_as_much() -> None:
    graph = blocks()
    for random_state in (None, 0):
        vectors = ge.DeepWalk(**SMALL, random_state=random_state).fit(graph).vectors_
        near = vectors.neighbors(graph.nodes, k=5).ids
        assert np.mean(near // 400 == (graph.nodes // 400)[:, None]) > 0.9


def test_loss_falls() -> None:
    model = ge.DeepWalk(**SMALL, n_epochs=4, random_state=0).fit(blocks())
    assert len(model.loss_curve_) == 20  # one for each walk from every node
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


def test_both_tables() -> None:
    graph = graphs.two_cliques()
    model = ge.DeepWalk(n_components=10, random_state=0).fit(graph)
    assert model.embedding_.shape == model.context_embedding_.shape == (24, 10)
    scores = model.embedding_ @ model.context_embedding_.T
    inside = scores[:12, :12][~np.eye(12, dtype=bool)]
    assert inside.mean() > scores[:12, 12:].mean() + 1


def test_isolated_nodes_keep_their_start() -> None:
    graph = graphs.with_isolated_node()
    model = ge.DeepWalk(n_components=8, random_state=0).fit(graph)
    assert np.abs(model.embedding_[3]).max() <= 0.5 / 8
    assert not model.context_embedding_[3].any()


def test_weights_decide_where_walks_go() -> None:
    """A node tied to both cliques belongs where its heavy edges lead."""
    pairs = [(a, b) for side in (range(8), range(8, 16)) for a in side for b in side if a < b]
    sources, targets = (list(ends) for ends in zip(*pairs, strict=True))
    weights = [1.0] * len(pairs) + [10.0] * 8 + [0.1] * 8
    graph = ge.Graph.from_edges(sources + [16] * 16, targets + list(range(16)), weights)
    vectors = ge.DeepWalk(n_components=16, n_walks=30, window=3, random_state=0).fit(graph).vectors_
    heavy = vectors.score_edges([(16, i) for i in range(8)]).mean()
    assert heavy > vectors.score_edges([(16, i) for i in range(8, 16)]).mean()


def test_directed_dead_ends() -> None:
    graph = ge.Graph.from_edges([0, 1, 2], [1, 2, 3], directed=True)
    model = ge.DeepWalk(n_components=8, random_state=0).fit(graph)
    assert np.isfinite(model.embedding_).all()
    assert model.visits_.tolist() == [1, 2, 3, 3]


def test_memory_does_not_grow_with_walks() -> None:
    code = """
import resource, sys
import graphembed as ge
graph = ge.datasets.synthetic.rmat(11, 8, random_state=0)
ge.DeepWalk(16, n_walks=1, walk_length=5, random_state=0).fit(graph)
def peak():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
before = peak()
ge.DeepWalk(16, n_walks=int(sys.argv[1]), walk_length=40, random_state=0).fit(graph)
print(peak() - before)
"""
    grown = []
    for n_walks in ("10", "100"):
        command = [sys.executable, "-c", code, n_walks]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        grown.append(float(run.stdout))
    assert max(grown) < 100  # MB
    assert grown[1] - grown[0] < 30
