import subprocess
import sys

import numpy as np
import pytest

import graphembed as ge
from graphembed.datasets.synthetic import stochastic_block_model
from graphembed.testing import graphs
from graphembed.training import walk_embedder
from graphembed.training.walk_embedder import WalkEmbedder

SMALL = {
    "n_components": 16, "n_walks": 5, "walk_length": 20, "window": 3, "learning_rate": 0.05,
}  # fmt: skip


def blocks(n: int = 1200) -> ge.Graph:
    p = np.full((3, 3), 0.001) + np.eye(3) * 0.025
    return stochastic_block_model([n // 3] * 3, p, random_state=0).graph


def test_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        WalkEmbedder()


def test_walks_per_node() -> None:
    graph = graphs.two_cliques()
    counts = np.zeros(graph.n_nodes, dtype=int)
    counts[:12] = 10
    model = ge.DeepWalk(n_components=8, walks_per_node=counts, random_state=0).fit(graph)
    assert model.visits_.sum() == 12 * 80
    core = ge.DeepWalk(n_components=8, walks_per_node="core", random_state=0).fit(graph)
    assert len(core.loss_curve_) == 10
    single = ge.DeepWalk(n_components=8, walks_per_node=2, random_state=0).fit(graph)
    assert len(single.loss_curve_) == 2


@pytest.mark.parametrize("bad", [[1, 2], [-1] * 24, [0.5] * 24])
def test_bad_walks_per_node(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="walks_per_node"):
        ge.DeepWalk(walks_per_node=bad).fit(graphs.two_cliques())


def test_warm_start_and_partition() -> None:
    graph = blocks()
    start = ge.DeepWalk(**SMALL, random_state=0).fit(graph)
    warm = ge.DeepWalk(**SMALL, init=start.embedding_, random_state=1).fit(graph)
    assert warm.loss_curve_[0] < start.loss_curve_[0]
    parts = ge.DeepWalk(**SMALL, init="partition", random_state=0).fit(graph)
    near = parts.vectors_.neighbors(graph.nodes, k=5).ids
    assert np.mean(near // 400 == (graph.nodes // 400)[:, None]) > 0.9
    with pytest.raises(ValueError, match=r"init.*shape \(1200, 16\)"):
        ge.DeepWalk(**SMALL, init=np.zeros((3, 16))).fit(graph)


def test_partial_fit_goes_on() -> None:
    graph = blocks()
    model = ge.DeepWalk(**SMALL, random_state=0).partial_fit(graph)
    before, loss = model.embedding_.copy(), model.loss_curve_[-1]
    model.partial_fit(graph)
    assert len(model.loss_curve_) == 10
    assert model.loss_curve_[-1] < loss
    assert not np.array_equal(model.embedding_, before)


def test_partial_fit_with_a_grown_graph() -> None:
    graph = graphs.two_cliques()
    model = ge.DeepWalk(n_components=16, random_state=0).fit(graph)
    pairs = graph.nodes[graph.edges()].tolist() + [("new", f"a{i}") for i in range(12)]
    sources, targets = (list(ends) for ends in zip(*pairs, strict=True))
    model.partial_fit(ge.Graph.from_edges(sources, targets))
    assert model.nodes_.tolist() == [*graph.nodes, "new"]
    assert model.embedding_.shape == (25, 16)
    vectors = model.vectors_
    near = vectors.neighbors(["new"], k=8).ids[0]
    assert all(node.startswith("a") for node in near)


def test_new_nodes_do_not_depend_on_their_company() -> None:
    matrix = graphs.two_cliques().to_scipy().toarray()
    model = ge.DeepWalk(n_components=16, random_state=0).fit(matrix)
    block = np.zeros((3, 24))
    block[0, :5] = 1
    block[1, 12:] = 2
    rows = model.transform(block)
    np.testing.assert_array_equal(model.transform(block[[1]]), rows[[1]])
    np.testing.assert_array_equal(model.transform(block[::-1]), rows[::-1])
    assert not rows[2].any()


def test_interrupt_leaves_usable_vectors() -> None:
    code = """
import os, signal, threading
import numpy as np
import graphembed as ge
graph = ge.datasets.synthetic.rmat(12, 8, random_state=0)
ge.DeepWalk(16, n_walks=1, walk_length=5, random_state=0).fit(graph)  # compile first
model = ge.DeepWalk(64, n_walks=2000, random_state=0)
threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.fit(graph)
except KeyboardInterrupt:
    assert model.embedding_.shape == (4096, 64)
    assert np.isfinite(model.embedding_).all()
    assert model.vectors_.neighbors([0], k=3).ids.shape == (1, 3)
    print("usable")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "usable\n"


def test_torch_device_learns_the_same_groups() -> None:
    """The torch twin, on the processor: device="cpu" of torch is "cpu:0"."""
    graph = graphs.two_cliques()
    settings = {
        "n_components": 16, "n_walks": 5, "walk_length": 10, "window": 2, "learning_rate": 0.1,
        "random_state": 0,
    }  # fmt: skip
    runs = [ge.DeepWalk(**settings, device="cpu:0").fit(graph) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].embedding_, runs[1].embedding_)
    near = runs[0].vectors_.neighbors(["a1", "b1"], k=8).ids
    assert all(node.startswith("a") for node in near[0])
    assert all(node.startswith("b") for node in near[1])
    assert runs[0].loss_curve_[-1] < runs[0].loss_curve_[0]


def test_unknown_device() -> None:
    with pytest.raises(ValueError, match=r"device must be .* got 'warp'"):
        ge.DeepWalk(device="warp").fit(graphs.two_cliques())


def test_a_failed_fit_leaves_what_was_there() -> None:
    model = ge.DeepWalk(**SMALL, random_state=0).fit(graphs.two_cliques())
    before = model.embedding_
    for bad in ({"walks_per_node": [1, 2]}, {"device": "warp"}):
        broken = ge.DeepWalk(**SMALL, **bad)
        with pytest.raises((ValueError, RuntimeError)):
            broken.fit(graphs.two_cliques())
        assert not hasattr(broken, "embedding_")
        with pytest.raises((ValueError, RuntimeError)):
            model.set_params(**bad).partial_fit(graphs.two_cliques())
        assert model.embedding_ is before
        assert len(model.loss_curve_) == 5
        model.set_params(walks_per_node=None, device="cpu")


def test_mapped_pages_are_given_back_after_each_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(ge.Graph, "release", lambda _, beyond=0: asked.append(beyond))
    ge.DeepWalk(n_components=4, n_walks=3, walk_length=5, random_state=0).fit(graphs.two_cliques())
    assert asked.count(walk_embedder.MAPPED_BYTES) == 3  # one chunk from every node
