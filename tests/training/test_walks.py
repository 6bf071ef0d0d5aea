import os
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

import graphembed as ge
from graphembed.exceptions import GraphError
from graphembed.testing import reference
from graphembed.training.walks import WALKS_PER_BLOCK, WalkSampler, random_walks

BIASES = [(0.25, 4.0), (4.0, 0.25), (0.5, 0.5), (0.05, 1.0), (20.0, 0.05)]


def make_graph(*, directed: bool, weighted: bool, n: int = 9) -> ge.Graph:
    """Return a random graph with a self-loop where every node has edges of quite unequal weight."""
    rng = np.random.default_rng(3)
    matrix = np.where(rng.random((n, n)) < 0.4, 10 ** rng.uniform(-1, 1, (n, n)), 0)
    matrix[np.arange(n), (np.arange(n) + 1) % n] = 1
    matrix[0, 0] = 2
    if not directed:
        matrix = np.triu(matrix) + np.triu(matrix, 1).T
    if not weighted:
        matrix = matrix > 0
    return ge.Graph.from_scipy(matrix.astype(np.float32), directed=directed)


def step_probabilities(graph: ge.Graph, p: float, q: float, gamma: float | None) -> np.ndarray:
    """Return P(x | t, v) as an array (t, v, x), from the definition."""
    matrix = graph.adjacency.toarray().astype(np.float64)
    n = graph.n_nodes
    edges = {(int(u), int(x)): matrix[u, x] for u, x in np.argwhere(matrix)}
    thresholds = None
    if gamma is not None:
        thresholds = [row[row > 0].mean() + gamma * row[row > 0].std() for row in matrix]
    result = np.zeros((n, n, n))
    for t, v in edges:
        for x in np.flatnonzero(matrix[v]):
            bias = reference.node2vec_bias(edges, thresholds, p, q, t, v, int(x))
            result[t, v, x] = matrix[v, x] * bias
        result[t, v] /= result[t, v].sum()
    return result


def fits(counts: np.ndarray, probabilities: np.ndarray) -> bool:
    """Test rows of counts against their probabilities, all at once, by chi-square."""
    expected = counts.sum(-1, keepdims=True) * probabilities
    assert counts[expected == 0].sum() == 0
    used = (expected >= 5).all(-1, where=probabilities > 0) & (counts.sum(-1) > 0)
    assert used.sum() > 0.5 * (counts.sum(-1) > 0).sum()
    chosen = used[..., None] & (probabilities > 0)
    statistic = ((counts - expected) ** 2 / np.where(expected > 0, expected, 1))[chosen].sum()
    return bool(chi2.sf(statistic, chosen.sum() - used.sum()) > 1e-3)


def count_triples(walks: np.ndarray, n: int) -> np.ndarray:
    t, v, x = (walks[:, i : walks.shape[1] - 2 + i].ravel().astype(np.int64) for i in range(3))
    return np.bincount((t * n + v) * n + x, minlength=n**3).reshape(n, n, n)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_first_order_frequencies(directed: bool, weighted: bool) -> None:
    graph = make_graph(directed=directed, weighted=weighted)
    walks = random_walks(graph, n_walks=2000, walk_length=30, random_state=0)
    counts = count_triples(walks, graph.n_nodes)
    matrix = graph.adjacency.toarray().astype(np.float64)
    transition = matrix / matrix.sum(axis=1, keepdims=True)
    assert fits(counts.sum(axis=0), transition)
    # ... whatever the node before was
    assert fits(counts, np.broadcast_to(transition, counts.shape) * (matrix > 0)[:, :, None])


@pytest.mark.parametrize(("p", "q"), BIASES)
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_second_order_frequencies(p: float, q: float, directed: bool, weighted: bool) -> None:
    graph = make_graph(directed=directed, weighted=weighted)
    walks = random_walks(graph, n_walks=2000, walk_length=30, p=p, q=q, random_state=1)
    counts = count_triples(walks, graph.n_nodes)
    assert fits(counts, step_probabilities(graph, p, q, None))
    transition = graph.adjacency.toarray().astype(np.float64)
    transition /= transition.sum(axis=1, keepdims=True)
    first = walks[:, 0].astype(np.int64) * graph.n_nodes + walks[:, 1]
    assert fits(
        np.bincount(first, minlength=graph.n_nodes**2).reshape(transition.shape), transition
    )


@pytest.mark.parametrize(("p", "q"), BIASES)
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_extended_frequencies(p: float, q: float, directed: bool, gamma: float) -> None:
    graph = make_graph(directed=directed, weighted=True)
    sampler = WalkSampler(graph, p=p, q=q, extended=True, gamma=gamma)
    walks = sampler.generate(1, 0, 0, 2000 * graph.n_nodes, walk_length=30)
    counts = count_triples(walks, graph.n_nodes)
    assert fits(counts, step_probabilities(graph, p, q, gamma))


def test_extended_changes_nothing_without_weights() -> None:
    graph = make_graph(directed=False, weighted=False)
    assert fits(
        count_triples(
            random_walks(graph, n_walks=2000, walk_length=30, p=0.5, q=3, random_state=0), 9
        ),
        step_probabilities(graph, 0.5, 3, 0.0),
    )
    plain, extended = (
        random_walks(graph, p=0.5, q=3, extended=extended, random_state=0)
        for extended in (False, True)
    )
    np.testing.assert_array_equal(plain, extended)


def test_equal_weights_are_no_weights() -> None:
    graph = make_graph(directed=False, weighted=False)
    heavy = ge.Graph.from_scipy(graph.adjacency * np.float32(2.5))
    for bias in [(1.0, 1.0), (0.5, 3.0)]:
        one, other = (random_walks(g, p=bias[0], q=bias[1], random_state=0) for g in (graph, heavy))
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", [(1.0, 1.0), (0.25, 4.0)])
def test_same_bits_for_every_n_jobs(weighted: bool, bias: tuple[float, float]) -> None:
    graph = make_graph(directed=False, weighted=weighted)
    one, two, three = (
        random_walks(
            graph, n_walks=1500, walk_length=9, p=bias[0], q=bias[1], random_state=0, n_jobs=n_jobs
        )
        for n_jobs in (1, 2, 3)
    )
    assert len(one) > 3 * WALKS_PER_BLOCK
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)
    other = random_walks(graph, n_walks=1500, walk_length=9, p=bias[0], q=bias[1], random_state=1)
    assert (one != other).any()


def test_same_bits_in_another_process() -> None:
    code = (
        "import graphembed as ge, hashlib\n"
        "g = ge.datasets.load('les_miserables').graph\n"
        "w = ge.random_walks(g, n_walks=3, walk_length=20, p=0.25, q=4, random_state=9)\n"
        "print(hashlib.sha256(w.tobytes()).hexdigest())"
    )
    graph = ge.datasets.load("les_miserables").graph
    walks = random_walks(graph, n_walks=3, walk_length=20, p=0.25, q=4, random_state=9)
    env = {**os.environ, "PYTHONHASHSEED": "17"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert run.stdout.strip() == sha256(walks.tobytes()).hexdigest()


@given(st.integers(0, 9000), st.integers(0, 9000), st.booleans())
def test_any_range_gives_the_same_walks(a: int, b: int, second_order: bool) -> None:
    graph = make_graph(directed=False, weighted=False)
    sampler = WalkSampler(graph, q=2.0 if second_order else 1.0, n_jobs=2)
    first, last = sorted((a, b))
    whole = sampler.generate(3, 1, 0, 9000, walk_length=7)
    out = np.empty((last - first, 7), dtype=np.int32)
    assert sampler.generate(3, 1, first, last, out=out) is out
    np.testing.assert_array_equal(out, whole[first:last])


def test_epochs_and_seeds_differ() -> None:
    sampler = WalkSampler(make_graph(directed=False, weighted=False))
    first = sampler.generate(3, 0, 0, 500)
    assert (first != sampler.generate(3, 1, 0, 500)).any()
    assert (first != sampler.generate(4, 0, 0, 500)).any()
    assert (first != sampler.generate(2**64 - 1, 0, 0, 500)).any()


def test_starts_take_turns() -> None:
    sampler = WalkSampler(make_graph(directed=False, weighted=False))
    starts = np.array([8, 8, 2])
    walks = sampler.generate(0, 0, 1, 8, walk_length=3, starts=starts)
    np.testing.assert_array_equal(walks[:, 0], [8, 2, 8, 8, 2, 8, 8])
    with pytest.raises(
        ValueError, match="row numbers of the graph, 0 to 8; got values from 2 to 9"
    ):
        sampler.generate(0, 0, 0, 3, starts=np.array([8, 9, 2]))


@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), *BIASES])
@pytest.mark.parametrize("weighted", [False, True])
def test_star_of_100_000_leaves(p: float, q: float, weighted: bool) -> None:
    leaves = np.arange(1, 100_001)
    weights = None
    if weighted:  # half of the mass on one leaf
        weights = np.random.default_rng(0).random(len(leaves)).astype(np.float32)
        weights[-1] = weights[:-1].sum(dtype=np.float64)
    star = ge.Graph.from_edges(np.zeros_like(leaves), leaves, weights)
    walks = random_walks(star, n_walks=1, walk_length=12, p=p, q=q, random_state=0)
    at_hub = walks == 0
    np.testing.assert_array_equal(at_hub, (np.arange(12) % 2 == 0) == at_hub[:, :1])
    assert 0 <= walks.min() <= walks.max() <= 100_000
    reached = walks[1:-1, 2]  # from a leaf over the hub to a leaf; no two leaves are neighbours
    if weighted:
        assert abs(np.mean(reached == 100_000) - 0.5) < 0.01
    else:
        expected = len(reached) / p / (1 / p + 99_999 / q)
        returned = np.count_nonzero(reached == walks[1:-1, 0])
        assert abs(returned - expected) < 5 * np.sqrt(expected) + 5
        assert len(np.unique(reached)) > 50_000


def test_two_hubs_that_share_100_000_leaves_do_not_stall() -> None:
    """Between the hubs nearly every proposal is rejected: the exact step takes over."""
    leaves = np.arange(2, 100_002)
    sources = np.concatenate([[0], np.zeros_like(leaves), np.ones_like(leaves)])
    graph = ge.Graph.from_edges(sources, np.concatenate([[1], leaves, leaves]))
    sampler = WalkSampler(graph, p=1.0, q=1e-9)
    walks = sampler.generate(0, 0, 0, 20, walk_length=6, starts=np.array([0, 1]))
    assert (walks >= 0).all()
    assert (walks[:, 1] > 1).all()


@pytest.mark.parametrize(("p", "q"), [(1.0, 1.0), (0.25, 4.0), (1e-300, 1e-300), (1e300, 1e300)])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0]])
def test_dead_ends_loops_and_isolated_nodes(
    p: float, q: float, weights: list[float] | None
) -> None:
    graph = ge.Graph.from_edges([0, 1, 3], [1, 2, 3], weights, nodes=range(5), directed=True)
    walks = random_walks(graph, n_walks=2, walk_length=4, p=p, q=q, random_state=0)
    expected = [[0, 1, 2, -1], [1, 2, -1, -1], [2, -1, -1, -1], [3, 3, 3, 3], [4, -1, -1, -1]]
    np.testing.assert_array_equal(walks, expected * 2)


def test_graphs_without_edges() -> None:
    lonely = ge.Graph.from_edges([], [], nodes=["x", "y"])
    assert random_walks(lonely, n_walks=1, walk_length=3, p=2).tolist() == [
        [0, -1, -1],
        [1, -1, -1],
    ]
    assert random_walks(lonely, n_walks=1, walk_length=1).tolist() == [[0], [1]]


def test_relations_are_merged() -> None:
    edges = [0, 0, 0, 1], [1, 1, 2, 2]
    graph = ge.Graph.from_edges(*edges, relations=["a", "b", "a", "a"])
    merged = ge.Graph.from_edges(*edges, [1.0] * 4)
    for p in (1.0, 0.5):
        one, other = (random_walks(g, p=p, random_state=0) for g in (graph, merged))
        np.testing.assert_array_equal(one, other)


def test_wrong_input() -> None:
    graph = make_graph(directed=False, weighted=False)
    for name in ("p", "q"):
        for value in (0, -1.0, float("nan"), float("inf"), "1"):
            with pytest.raises(ValueError, match=f"{name} must be a positive, finite number"):
                random_walks(graph, **{name: value})
    for name in ("n_walks", "walk_length"):
        for value in (0, -3, 2.0, True):
            with pytest.raises(ValueError, match=f"{name} must be an int of at least 1"):
                random_walks(graph, **{name: value})
    sampler = WalkSampler(graph)
    for length, out in [(0, None), (5, np.empty((3, 5), np.int32)), (5, np.empty(4, np.int32))]:
        with pytest.raises(ValueError, match=r"out must be of shape \(4, walk_length\)"):
            sampler.generate(0, 0, 0, 4, walk_length=length, out=out)
    with pytest.raises(ValueError, match="gamma must be"):
        WalkSampler(graph, extended=True, gamma=-1)
    with pytest.raises(TypeError, match="need a Graph; got list"):
        random_walks([[0, 1], [1, 0]])
    with pytest.raises(GraphError, match="non-negative edge weights; the smallest is -2"):
        random_walks(ge.Graph.from_edges([0, 1], [1, 2], [1.0, -2.0]))
