import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed import Graph
from graphembed.kernels.structure import (
    count_steps,
    find_loops,
    h_indices,
    hub_entries,
    reordered,
    walks_home,
)
from graphembed.testing import reference


@st.composite
def graphs(draw, max_nodes=24):
    n = draw(st.integers(1, max_nodes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dense = rng.random((n, n)) < draw(st.floats(0, 1))  # loops among them
    weights = np.exp(rng.normal(scale=2, size=(n, n))) if draw(st.booleans()) else np.ones((n, n))
    return Graph.from_scipy(np.triu(dense * weights) + np.triu(dense * weights, 1).T)


def walk(graph: Graph, hub_degree: int, least: float, step: int | None = None):
    arrays = (graph.indptr, graph.indices, graph.weights)
    strengths = graph.adjacency.astype(np.float64).sum(axis=1)
    loops = find_loops(graph.indptr, graph.indices)
    np.testing.assert_array_equal(loops, graph.adjacency.diagonal() > 0)
    *hubs, hub_weights = hub_entries(*arrays, hub_degree)
    hubs.append(None if graph.weights is None else hub_weights)
    out = np.full((graph.n_nodes, 4), np.nan)
    for first in range(0, graph.n_nodes, step or graph.n_nodes):
        last = min(graph.n_nodes, first + (step or graph.n_nodes))
        walks_home(
            *arrays, False, *arrays, strengths, loops, *hubs, hub_degree, least, out, first, last
        )  # fmt: skip
    return out


@given(graphs(), st.integers(0, 20), st.sampled_from([0.0, 0.05, 0.2, 2.0]))
def test_walks_home_agree_with_powers_of_the_matrix(graph, hub_degree, least) -> None:
    found = walk(graph, hub_degree, least)
    expected = reference.walks_home(graph.adjacency.toarray(), hub_degree, least)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(found[:, 0], expected[:, 0])
    np.testing.assert_array_equal(walk(graph, hub_degree, least, step=3), found)


def test_many_hubs_are_searched_or_read_through() -> None:
    peer = nx.barabasi_albert_graph(600, 30, seed=0)
    graph = Graph.from_networkx(peer)
    exact = reference.walks_home(graph.adjacency.toarray(), 600, 0.0)
    for hub_degree in (0, 29, 40, 80):
        found = walk(graph, hub_degree, 1.0)
        np.testing.assert_allclose(found[:, :3], exact[:, :3], rtol=1e-5)
        assert (found[:, 3] <= exact[:, 3] * (1 + 1e-5)).all()
    np.testing.assert_array_equal(exact[:, 0], 2 * np.array(list(nx.triangles(peer).values())))


@given(graphs(), st.integers(1, 12))
def test_what_is_left_out_is_bounded(graph, hub_degree) -> None:
    exact = walk(graph, 100, 0.0)[:, 3]
    missing = exact - walk(graph, hub_degree, 1 / hub_degree)[:, 3]
    assert missing.min() >= -1e-6
    assert missing.max() <= 2 / hub_degree + 1e-6


@pytest.mark.parametrize("weighted", [False, True])
def test_hub_entries_are_the_lower_triangle_of_hubs(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((40, 40)) * (rng.random((40, 40)) < 0.3)
    graph = Graph.from_scipy(dense + dense.T if weighted else (dense + dense.T > 0).astype(float))
    numbers, indptr, targets, weights = hub_entries(graph.indptr, graph.indices, graph.weights, 18)
    hubs = np.flatnonzero(graph.degrees > 18)
    assert 0 < len(hubs) < 40
    assert numbers[hubs].tolist() == list(range(len(hubs)))
    assert (np.delete(numbers, hubs) == -1).all()
    block = np.zeros((len(hubs), len(hubs)))
    rows = np.repeat(np.arange(len(hubs)), np.diff(indptr))
    block[rows, targets] = weights if weighted else 1
    assert len(weights) == (len(targets) if weighted else 0)
    np.testing.assert_array_equal(block, np.tril(graph.adjacency.toarray()[np.ix_(hubs, hubs)]))


@given(graphs(), st.integers(0, 2**32))
def test_nodes_in_another_order(graph, seed) -> None:
    order = np.random.default_rng(seed).permutation(graph.n_nodes)
    indptr, indices, weights = reordered(graph.indptr, graph.indices, graph.weights, order)
    expected = Graph.from_scipy(graph.adjacency.toarray()[np.ix_(order, order)])
    np.testing.assert_array_equal(indptr, expected.indptr)
    np.testing.assert_array_equal(indices, expected.indices)
    if graph.weights is None:
        assert len(weights) == 0
    else:
        np.testing.assert_array_equal(weights, expected.weights)


def test_steps_are_degrees_of_neighbours() -> None:
    graph = Graph.from_edges([0, 0, 0, 1], [1, 2, 3, 2], nodes=range(5))
    steps = count_steps(graph.indptr, graph.indices, graph.indptr, 2)
    assert np.diff(steps).tolist() == [2 + 2 + 1, 2 + 2, 2 + 2, 2, 0]


@given(st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6))
def test_h_indices(rows) -> None:
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    numbers = np.array([number for row in rows for number in row], dtype=np.int32)
    found = h_indices(indptr, np.arange(len(numbers), dtype=np.int32), numbers)
    assert found.tolist() == [reference.h_index(row) for row in rows]
