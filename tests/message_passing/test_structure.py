import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from graphembed import Graph
from graphembed.exceptions import GraphError
from graphembed.message_passing import structure
from graphembed.message_passing.structure import (
    N_STRUCTURE,
    STRUCTURE_NAMES,
    block_structure,
    structural_features,
)
from graphembed.testing import reference
from graphembed.testing.graphs import weighted_digraph, with_isolated_node, without_edges


@st.composite
def matrices(draw):
    """Return a square matrix with loops and, maybe, signed weights and both directions."""
    n = draw(st.integers(1, 16))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dense = (rng.random((n, n)) < draw(st.floats(0, 1))).astype(np.float32)
    if draw(st.booleans()):
        dense *= rng.normal(size=(n, n)).astype(np.float32)
    return dense if draw(st.booleans()) else np.triu(dense) + np.triu(dense, 1).T


def undirected(matrix):
    """Return sizes of weights without directions, 1 throughout if they are all 1."""
    sizes = np.abs(matrix)
    if np.array_equal(sizes, sizes.T):
        return sizes
    weighted = not set(np.unique(matrix)) <= {0, 1}
    joined = sizes + sizes.T - np.diag(np.diag(sizes))
    return joined if weighted else np.minimum(joined, 1)


@given(matrices())
def test_every_column_has_its_meaning(matrix) -> None:
    graph = Graph.from_scipy(matrix)
    found = structural_features(graph)
    assert found.dtype == np.float32
    assert found.shape == (len(matrix), N_STRUCTURE) == (graph.n_nodes, len(STRUCTURE_NAMES))
    plain = undirected(matrix)
    peer = nx.Graph(Graph.from_scipy(plain).to_networkx())
    peer.remove_edges_from(list(nx.selfloop_edges(peer)))
    nodes = range(len(matrix))
    cores, clustering = nx.core_number(peer), nx.clustering(peer)
    logs = [
        (matrix != 0).sum(axis=1),
        (matrix != 0).sum(axis=0),
        plain.sum(axis=1),
        np.array([cores[node] for node in nodes]),
    ]
    walks = reference.walks_home(plain, len(matrix), 0.0)[:, 1:]
    others = np.array([clustering[node] for node in nodes])
    expected = np.column_stack([np.log1p(np.column_stack(logs)), others, walks])
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@given(matrices(), st.integers(0, 2**32))
def test_nodes_in_another_order_have_the_same_features(matrix, seed) -> None:
    order = np.random.default_rng(seed).permutation(len(matrix))
    found = structural_features(Graph.from_scipy(matrix[np.ix_(order, order)]))
    assert_allclose(found, structural_features(Graph.from_scipy(matrix))[order], rtol=1e-5)


@pytest.mark.parametrize("hub", [1000, 20])
@given(matrices(), st.integers(0, 2**32))
def test_new_nodes_have_the_features_they_would_have(hub, matrix, seed) -> None:
    rng = np.random.default_rng(seed)
    n = len(matrix)
    row = (rng.random((1, n)) < 0.5) * np.exp(rng.normal(size=(1, n)))
    if set(np.unique(matrix)) <= {0, 1}:
        row = (row > 0).astype(float)
    directed = not np.array_equal(matrix, matrix.T)
    column = np.zeros((n, 1)) if directed else row.T
    larger = np.block([[matrix, column], [row, np.zeros((1, 1))]]).astype(np.float32)
    larger = Graph.from_scipy(larger, directed=directed)
    graph = Graph.from_scipy(matrix, directed=directed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "HUB", hub)
        expected = structural_features(larger)[-1]
        found = block_structure(sp.csr_array(row), graph)[0]
    core = STRUCTURE_NAMES.index("log1p core number")
    rest = np.arange(N_STRUCTURE) != core
    assert_allclose(found[rest], expected[rest], rtol=1e-4, atol=1e-6)
    missing = np.rint(np.expm1(expected[core]) - np.expm1(found[core]))
    assert missing in (0, 1)


def test_threads_change_no_bit(monkeypatch) -> None:
    monkeypatch.setattr(structure, "HUB", 25)
    peer = nx.barabasi_albert_graph(800, 12, seed=0)
    graph = Graph.from_networkx(peer)
    found = structural_features(graph, n_jobs=1)
    block = sp.random_array((9, 800), density=0.02, rng=0, format="csr")
    placed = block_structure(block, graph, n_jobs=1)
    for n_jobs in (2, 3):
        assert_array_equal(structural_features(graph, n_jobs=n_jobs), found)
        assert_array_equal(block_structure(block, graph, n_jobs=n_jobs), placed)
    monkeypatch.setattr(structure, "HUB", 1000)
    exact = structural_features(graph)
    assert_allclose(found[:, :-1], exact[:, :-1], rtol=1e-5)
    assert 0 < (exact - found)[:, -1].max() < 2 / 25


def test_relations_of_a_pair_are_one_edge() -> None:
    edges = [0, 0, 1], [1, 1, 2]
    several = Graph.from_edges(*edges, [1, 2, 4], relations=["x", "y", "x"], directed=True)
    merged = Graph.from_edges(*edges, [1, 2, 4], directed=True)
    assert_array_equal(structural_features(several), structural_features(merged))
    opposed = Graph.from_edges(*edges, [1, -1, 4], relations=["x", "y", "x"])
    sizes = Graph.from_edges(*edges, [1, 1, 4])
    assert_array_equal(structural_features(opposed), structural_features(sizes))


def test_nodes_without_neighbours_have_nothing() -> None:
    assert_array_equal(structural_features(without_edges()), np.zeros((3, N_STRUCTURE)))
    assert_array_equal(structural_features(with_isolated_node())[3], np.zeros(N_STRUCTURE))
    assert_array_equal(
        block_structure(sp.csr_array((2, 4)), with_isolated_node()), np.zeros((2, 8))
    )
    joined = block_structure(sp.csr_array([[1.0, 0, 0]]), without_edges())
    assert_allclose(joined[0], [*[np.log(2)] * 4, 0, 1, 0, 1], rtol=1e-6)


def test_features_of_the_graph_do_not_count() -> None:
    graph = weighted_digraph()
    assert_array_equal(
        structural_features(graph.with_features(np.eye(20))), structural_features(graph)
    )


def test_a_block_must_match_the_graph() -> None:
    with pytest.raises(GraphError, match=r"must have 20 columns.*got 3"):
        block_structure(sp.csr_array((1, 3)), weighted_digraph())
