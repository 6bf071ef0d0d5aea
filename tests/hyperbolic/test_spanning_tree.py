import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphembed as ge
from graphembed.exceptions import GraphError
from graphembed.hyperbolic.spanning_tree import spanning_tree
from graphembed.testing import graphs


def random_parents(n_nodes: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([-1, *(int(rng.integers(node)) for node in range(1, n_nodes))])


def edges_of(parents: np.ndarray) -> list[tuple[int, int]]:
    return [(node, int(parent)) for node, parent in enumerate(parents) if parent >= 0]


@given(st.integers(2, 40), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_the_closure_of_a_tree_has_that_tree(n_nodes: int, seed: int) -> None:
    parents = random_parents(n_nodes, seed)
    closure = nx.transitive_closure(nx.DiGraph(edges_of(parents)))
    sources, targets = zip(*closure.edges, strict=True)
    graph = ge.Graph.from_edges(sources, targets, nodes=range(n_nodes), directed=True)
    tree = spanning_tree(graph)
    np.testing.assert_array_equal(tree.parents, parents)
    for level, rows in enumerate(tree.levels):
        assert (tree.depths[rows] == level).all()
    assert np.sort(np.concatenate(tree.levels)).tolist() == list(range(n_nodes))


@given(st.integers(2, 40), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_tree_hangs_from_its_centre(n_nodes: int, seed: int) -> None:
    pairs = edges_of(random_parents(n_nodes, seed))
    tree = spanning_tree(ge.Graph.from_edges(*zip(*pairs, strict=True), nodes=range(n_nodes)))
    expected = nx.Graph(pairs)
    assert tree.roots[0] in nx.center(expected)
    assert tree.depths.max() == nx.radius(expected)
    assert {frozenset(edge) for edge in edges_of(tree.parents)} == set(map(frozenset, pairs))
    np.testing.assert_array_equal(tree.n_children, np.bincount(
        tree.parents[tree.parents >= 0], minlength=n_nodes
    ))  # fmt: skip


def test_depths_of_a_search_are_shortest_paths() -> None:
    graph = ge.datasets.load("karate").graph
    tree = spanning_tree(graph, root=5)
    hops = nx.single_source_shortest_path_length(nx.from_scipy_sparse_array(graph.adjacency), 5)
    assert {node: int(depth) for node, depth in enumerate(tree.depths)} == hops


def test_lengths_are_weights() -> None:
    graph = ge.Graph.from_edges([0, 1, 0], [1, 2, 2], [1.0, 1.5, 9.0])
    tree = spanning_tree(graph, root=0, weighted=True)
    assert tree.parents.tolist() == [-1, 0, 1]
    assert tree.depths.tolist() == [0.0, 1.0, 2.5]
    assert spanning_tree(graph, root=0).depths.tolist() == [0.0, 1.0, 1.0]
    # Directions do not count in a search.
    directed = ge.Graph.from_edges([1, 2], [0, 1], [2.0, 3.0], directed=True)
    assert spanning_tree(directed, root=0, weighted=True).depths.tolist() == [0.0, 2.0, 5.0]
    with pytest.raises(GraphError, match="positive"):
        spanning_tree(ge.Graph.from_edges([0, 1], [1, 2], [1.0, -1.0]), root=0, weighted=True)


def test_of_several_parents_the_deepest() -> None:
    # 3 is below 0 and below 2, which is below 1, below 0; the self-loop is nothing.
    graph = ge.Graph.from_edges([1, 2, 3, 3, 3], [0, 1, 0, 2, 3], directed=True)
    assert spanning_tree(graph).parents.tolist() == [-1, 0, 1, 2]


def test_cycles_are_searched() -> None:
    graph = ge.Graph.from_edges([0, 1, 2, 3], [1, 2, 0, 2], directed=True)
    tree = spanning_tree(graph)
    assert len(tree.roots) == 1
    assert tree.depths.max() <= 2


def test_a_forest_has_a_root_for_each_component() -> None:
    tree = spanning_tree(graphs.with_isolated_node())
    assert len(tree.roots) == 2
    assert tree.parents[3] == -1
    assert spanning_tree(graphs.without_edges()).parents.tolist() == [-1, -1, -1]
    assert spanning_tree(graphs.one_node()).depths.tolist() == [0.0]
