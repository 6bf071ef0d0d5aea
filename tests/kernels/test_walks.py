from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.graph.graph import Graph
from graphembed.kernels.alias import build_alias
from graphembed.kernels.walks import (
    build_filters,
    first_order_walks,
    mean_weights,
    second_order_walks,
)
from graphembed.testing import reference

SEED = np.uint64(5)
LENGTH = 12
KINDS = ["plain", "directed", "weighted", "weighted directed"]
BIASES = [(0.25, 4.0), (4.0, 0.25), (1.0, 2.0), (0.01, 1.0), (50.0, 0.02), (0.02, 50.0)]


def make_graph(kind: str, seed: int = 0, n: int = 14, density: float = 0.35) -> Graph:
    """Return a random graph with self-loops; the last node is isolated, the one before a sink."""
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((n, n)) < density, 10 ** rng.uniform(-1, 1, (n, n)), 0)
    matrix[-2:] = 0
    matrix[:, -1] = 0
    if "directed" not in kind:
        matrix = matrix + matrix.T
    if "weighted" not in kind:
        matrix = (matrix > 0).astype(float)
    return Graph.from_scipy(matrix.astype(np.float32), directed="directed" in kind)


def tables(graph: Graph, gamma: float = 0.0):
    """Return the weights, alias tables, means, thresholds and filters of a graph."""
    n, filters = graph.n_nodes, np.empty(len(graph.indices), dtype=np.uint16)
    build_filters(graph.indptr, graph.indices, filters, 0, n)
    if graph.weights is None or np.ptp(graph.weights) == 0:
        return None, None, None, None, filters
    table, (means, thresholds) = np.empty(len(graph.indices), np.uint64), np.empty((2, n))
    build_alias(graph.indptr, graph.weights, table, 0, n)
    mean_weights(graph.indptr, graph.weights, gamma, means, thresholds, 0, n)
    return graph.weights, table, means, thresholds, filters


def walk(graph: Graph, p: float, q: float, first: int, last: int, *, extended: bool = False):
    """Return walks first .. last - 1 from the kernels; starts take turns."""
    starts = (np.arange(first, last) % graph.n_nodes).astype(np.int32)
    out = np.full((last - first, LENGTH), 99, dtype=np.int32)
    weights, table, means, thresholds, filters = tables(graph)
    rows = graph.indptr, graph.indices
    if p == q == 1:
        first_order_walks(*rows, table, SEED, 3, starts, first, out)
        return out
    second_order_walks(
        *rows, weights, table, means, thresholds if extended else None, filters, graph.directed,
        1 / p, 1 / q, SEED, 3, starts, first, out,
    )  # fmt: skip
    return out


def walk_key(number: int) -> int:
    return reference.fold(reference.fold(int(SEED), 3), number)


@pytest.mark.parametrize("kind", KINDS)
def test_first_order_twins_agree(kind: str) -> None:
    graph = make_graph(kind)
    _, table, *_ = tables(graph)
    for number, found in enumerate(walk(graph, 1, 1, 0, 150)):
        expected = reference.first_order_walk(
            graph.indptr, graph.indices, table, walk_key(number), number % graph.n_nodes, LENGTH
        )
        assert found.tolist() == expected


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("p", "q"), BIASES)
@pytest.mark.parametrize("kind", KINDS)
def test_second_order_twins_agree(kind: str, p: float, q: float, extended: bool) -> None:
    graph = make_graph(kind)
    weights, table, means, thresholds, _ = tables(graph)
    for number, found in enumerate(walk(graph, p, q, 0, 100, extended=extended)):
        expected = reference.second_order_walk(
            graph.indptr, graph.indices, weights, table, means, thresholds if extended else None,
            p, q, walk_key(number), number % graph.n_nodes, LENGTH,
        )  # fmt: skip
        assert found.tolist() == expected


@pytest.mark.parametrize("gamma", [0.0, 1.5])
def test_mean_weights_twins_agree(gamma: float) -> None:
    graph = make_graph("weighted directed")
    _, _, means, thresholds, _ = tables(graph, gamma)
    for found, deviations in [(means, 0.0), (thresholds, gamma)]:
        expected = reference.weight_thresholds(graph.indptr, graph.weights, deviations)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_equal_weights_are_not_below_their_mean() -> None:
    """Round-off must not make an edge weaker than the mean of edges just like it."""
    indptr, weights = np.array([0, 100_003]), np.full(100_003, 0.1, dtype=np.float32)
    means, thresholds = np.empty((2, 1))
    mean_weights(indptr, weights, 3.0, means, thresholds, 0, 1)
    assert means[0] == thresholds[0] == weights[0]


@given(
    st.integers(0, 1000),
    st.sampled_from(KINDS),
    st.sampled_from([*BIASES, (1.0, 1.0)]),
    st.booleans(),
)
def test_every_step_is_an_edge(
    seed: int, kind: str, bias: tuple[float, float], extended: bool
) -> None:
    graph = make_graph(kind, seed, n=3 + seed % 20, density=0.1 + seed % 7 / 8)
    walks = walk(graph, *bias, 0, 80, extended=extended)
    np.testing.assert_array_equal(walks[:, 0], np.arange(80) % graph.n_nodes)
    adjacency = graph.adjacency.toarray() != 0
    here, there = walks[:, :-1].ravel(), walks[:, 1:].ravel()
    went = there >= 0
    assert adjacency[here[went], there[went]].all()
    stuck = (here >= 0) & ~went  # a walk ends where, and only where, no edge leads on
    assert not adjacency[here[stuck]].any()
    assert (there[here < 0] == -1).all()


@given(
    st.sampled_from(KINDS),
    st.sampled_from([*BIASES, (1.0, 1.0)]),
    st.lists(st.integers(1, 199), max_size=5, unique=True),
)
def test_any_cut_gives_the_same_walks(
    kind: str, bias: tuple[float, float], cuts: list[int]
) -> None:
    graph = make_graph(kind)
    bounds = [0, *sorted(cuts), 200]
    parts = [walk(graph, *bias, a, b) for a, b in pairwise(bounds)]
    np.testing.assert_array_equal(np.concatenate(parts), walk(graph, *bias, 0, 200))


def test_filters_miss_no_edge_and_stop_most_others() -> None:
    rng = np.random.default_rng(2)
    matrix = rng.random((300, 300)) < 0.1
    graph = Graph.from_scipy(matrix.astype(np.float32), directed=True)
    *_, filters = tables(graph)
    marked = np.zeros((300, 300), dtype=bool)
    for source, target in np.ndindex(300, 300):
        word = reference.mix(target)
        degree = int(graph.degrees[source])
        place = graph.indptr[source] + ((word >> 32) * degree >> 32)
        marked[source, target] = filters[place] >> (word & 15) & 1
    assert marked[matrix].all()
    assert marked[~matrix].mean() < 0.08
