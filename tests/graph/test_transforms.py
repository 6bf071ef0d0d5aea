from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components

from graphembed import Graph
from graphembed.exceptions import GraphError
from graphembed.graph.transforms import (
    core_numbers,
    disjoint_union,
    k_core,
    largest_component,
    partition,
    quotient_graph,
    subgraph,
)
from graphembed.testing.graphs import one_node, two_cliques, with_isolated_node, without_edges


def ring_of_cliques(n_cliques: int, size: int) -> Graph:
    cliques = [
        (size * clique + i, size * clique + j)
        for clique in range(n_cliques)
        for i, j in combinations(range(size), 2)
    ]
    ring = [(size * i, (size * (i + 1) + 1) % (n_cliques * size)) for i in range(n_cliques)]
    return Graph.from_edges(*np.array(cliques + ring).T)


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 20))
    node = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=50))
    names = [f"n{i}" for i in range(n)] if draw(st.booleans()) else list(range(n))
    relations = draw(st.none() | st.just([f"r{i % 2}" for i in range(len(edges))]))
    weights = draw(st.none() | st.just(np.arange(1.0, len(edges) + 1)))
    features = draw(st.sampled_from([None, np.eye(n), sp.csr_array(np.eye(n))]))
    return Graph.from_edges(
        [names[u] for u, _ in edges],
        [names[v] for _, v in edges],
        weights,
        nodes=names,
        relations=relations,
        directed=draw(st.booleans()),
        features=features,
    )


@given(graphs(), st.integers(0, 2**32))
def test_a_subgraph_is_a_block_of_the_matrix(graph: Graph, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(0, graph.n_nodes, max(1, graph.n_nodes // 2))
    kept = np.unique(rows)
    part = subgraph(graph, rows)
    assert part.nodes.tolist() == graph.nodes[kept].tolist()
    assert_array_equal(part.adjacency.toarray(), graph.adjacency.toarray()[np.ix_(kept, kept)])
    assert (part.directed, part.relations) == (graph.directed, graph.relations)
    assert (part.weights is None) == (graph.weights is None)
    if graph.features is not None:
        assert_array_equal(part.features @ np.eye(graph.n_nodes), np.eye(graph.n_nodes)[kept])
    if graph.relations is not None:
        new = {int(row): number for number, row in enumerate(kept)}
        triples = {(new[h], r, new[t]) for h, r, t in graph.triples().tolist() if {h, t} <= {*new}}
        assert set(map(tuple, part.triples().tolist())) == triples
    mask = np.isin(np.arange(graph.n_nodes), rows)
    assert_array_equal(subgraph(graph, mask).indices, part.indices)


def test_rows_of_a_subgraph_are_checked() -> None:
    graph = two_cliques()
    with pytest.raises(IndexError, match=r"0 \.\. 23"):
        subgraph(graph, [24])
    with pytest.raises(IndexError, match=r"0 \.\. 23"):
        subgraph(graph, [-1])
    with pytest.raises(IndexError, match=r"\(24,\)"):
        subgraph(graph, [True])
    with pytest.raises(GraphError, match="at least one node"):
        subgraph(graph, [])
    assert subgraph(graph, range(24)) is graph


@given(graphs())
def test_largest_component_agrees_with_networkx(graph: Graph) -> None:
    peer = graph._replace(features=None).to_networkx().to_undirected()
    components = [set(part) for part in nx.connected_components(peer)]
    size = max(map(len, components))
    # Of the largest, the first: rows are in the order of the ids.
    rows = {node: row for row, node in enumerate(graph.nodes.tolist())}
    first = min((c for c in components if len(c) == size), key=lambda c: min(rows[x] for x in c))
    assert set(largest_component(graph).nodes.tolist()) == first


def test_a_connected_graph_is_its_largest_component() -> None:
    graph = two_cliques()
    assert largest_component(graph) is graph
    assert largest_component(without_edges()).n_nodes == 1


@given(graphs(), st.integers(0, 4))
def test_cores_agree_with_networkx(graph: Graph, k: int) -> None:
    peer = nx.Graph(graph._replace(features=None).to_networkx().to_undirected())
    peer.remove_edges_from(list(nx.selfloop_edges(peer)))
    expected = nx.core_number(peer)
    numbers = core_numbers(graph)
    assert numbers.tolist() == [expected[node] for node in graph.nodes]
    core = nx.k_core(peer, k)
    if len(core):
        assert set(k_core(graph, k).nodes.tolist()) == set(core)
    else:
        with pytest.raises(GraphError, match=f"no {k}-core"):
            k_core(graph, k)


def test_cores_ignore_weights_and_directions() -> None:
    """Opposite weights of opposite edges do not cancel."""
    graph = Graph.from_edges([0, 1, 1, 2], [1, 0, 2, 0], [1.0, -1.0, 2.0, 3.0], directed=True)
    assert core_numbers(graph).tolist() == [2, 2, 2]
    relations = Graph.from_edges([0, 0, 0], [1, 1, 1], [1, 2, -3], relations=["a", "b", "c"])
    assert core_numbers(relations).tolist() == [1, 1]


@pytest.mark.parametrize("k", [-1, 1.5, True])
def test_k_must_be_a_whole_number(k: object) -> None:
    with pytest.raises(ValueError, match="k must be an int of at least 0"):
        k_core(two_cliques(), k)


@given(graphs(), st.integers(1, 5), st.integers(0, 2**32))
def test_quotient_is_the_product_with_the_indicator(graph: Graph, k: int, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, k, graph.n_nodes)
    quotient = quotient_graph(graph, labels)
    indicator = np.eye(labels.max() + 1)[labels]
    expected = indicator.T @ graph.adjacency.toarray() @ indicator
    if not graph.directed:  # each inner edge once, a loop was once before
        loops = indicator.T @ graph.adjacency.diagonal()
        expected[np.diag_indices(len(expected))] += loops
        expected[np.diag_indices(len(expected))] /= 2
    assert_allclose(quotient.adjacency.toarray(), expected)
    assert quotient.weighted
    assert quotient.directed == graph.directed
    assert_allclose(quotient.edge_weights().sum(), graph.edge_weights().sum())
    assert quotient.nodes.tolist() == list(range(labels.max() + 1))


@pytest.mark.parametrize("labels", [[0], np.zeros(24), np.full(24, -1), [["a"] * 24]])
def test_labels_are_checked(labels: object) -> None:
    with pytest.raises(GraphError, match="labels must"):
        quotient_graph(two_cliques(), labels)


@pytest.mark.parametrize(("n_cliques", "size"), [(20, 8), (20, 10), (30, 5), (50, 7), (12, 25)])
def test_the_parts_of_a_ring_of_cliques_are_the_cliques(n_cliques: int, size: int) -> None:
    graph = ring_of_cliques(n_cliques, size)
    cliques = np.repeat(np.arange(n_cliques), size)
    pure = 0
    for seed in range(5):
        labels = partition(graph, n_cliques, random_state=seed)
        assert labels.max() + 1 == n_cliques
        shared = np.zeros((n_cliques, n_cliques), dtype=int)
        np.add.at(shared, (labels, cliques), 1)
        pure += np.count_nonzero(shared == size)
    assert pure >= 0.9 * 5 * n_cliques


def test_heavy_edges_are_not_cut() -> None:
    heavy = [(2 * i, 2 * i + 1, 10.0) for i in range(50)]
    light = [(i, (i * 7 + 3) % 100, 0.1) for i in range(100)]
    sources, targets, weights = zip(*heavy, *light, strict=True)
    labels = partition(Graph.from_edges(sources, targets, weights), 50)
    assert_array_equal(labels[::2], labels[1::2])


@given(graphs(), st.integers(1, 25), st.integers(0, 2**32))
def test_parts_are_connected_and_as_many_as_asked_for(graph: Graph, n_parts: int, seed: int):
    labels = partition(graph, n_parts, random_state=seed)
    assert labels.dtype == np.int32
    assert labels.shape == (graph.n_nodes,)
    # Numbered in the order of their first nodes.
    _, first = np.unique(labels, return_index=True)
    assert (np.diff(first) > 0).all()
    assert labels[first].tolist() == list(range(labels.max() + 1))
    n_components, _ = connected_components(graph.adjacency, directed=False)
    inner = graph.adjacency.toarray() * (labels[:, None] == labels)
    assert connected_components(inner, directed=False)[0] == labels.max() + 1
    assert n_components <= labels.max() + 1 <= n_parts + n_components - 1
    if n_components == 1:
        assert labels.max() + 1 == min(n_parts, graph.n_nodes)


@given(graphs(), st.integers(1, 8), st.integers(0, 2**32))
def test_parts_depend_on_ids_and_not_on_rows_or_threads(graph: Graph, n_parts: int, seed: int):
    labels = partition(graph, n_parts, random_state=seed, n_jobs=1)
    assert_array_equal(partition(graph, n_parts, random_state=seed, n_jobs=3), labels)
    order = np.random.default_rng(seed).permutation(graph.n_nodes)
    table = graph.to_frame("pyarrow")
    turned = Graph.from_frame(
        table.take(np.arange(table.num_rows)[::-1]),
        weight="weight" if graph.weighted else None,
        relation="relation" if graph.relations else None,
        nodes=graph.nodes[order],
        directed=graph.directed,
    )
    turned_labels = partition(turned, n_parts, random_state=seed)
    same = labels[order][:, None] == labels[order]
    assert_array_equal(turned_labels[:, None] == turned_labels, same)


def test_components_are_never_merged() -> None:
    """Equal components stay parts of their own; small ones come on top of the parts asked for."""
    cliques = [(5 * c + i, 5 * c + j) for c in range(10) for i, j in combinations(range(5), 2)]
    graph = Graph.from_edges(*np.array(cliques).T)
    for n_parts in (5, 7, 10):
        assert_array_equal(partition(graph, n_parts), np.repeat(np.arange(10), 5))
    many = ring_of_cliques(10, 10)
    nodes = range(1100)
    with_isolated = Graph.from_edges(*many.edges().T, nodes=nodes)
    # 1000 isolated nodes do not use up the parts of the ring.
    labels = partition(with_isolated, 100)
    assert labels[:100].max() + 1 == 100
    assert partition(with_isolated_node(), 1).tolist() == [0, 0, 0, 1]
    assert partition(without_edges(), 2).tolist() == [0, 1, 2]
    assert partition(one_node(), 1).tolist() == [0]


@pytest.mark.parametrize("n_parts", [1, 10, 5000])
def test_a_star_with_many_leaves(n_parts: int) -> None:
    star = Graph.from_edges([0] * 20_000, range(1, 20_001))
    assert partition(star, n_parts).max() + 1 == n_parts


def test_bad_input_of_a_partition() -> None:
    with pytest.raises(ValueError, match="n_parts must be an int of at least 1"):
        partition(two_cliques(), 0)
    with pytest.raises(GraphError, match="non-negative weights"):
        partition(Graph.from_edges([0], [1], [-1.0]), 1)


@given(st.lists(graphs(), min_size=1, max_size=3))
def test_a_union_has_the_blocks_of_its_graphs(parts: list[Graph]) -> None:
    parts = [
        Graph.from_scipy(part.adjacency, directed=True, nodes=part.node_index) for part in parts
    ]
    whole = disjoint_union(parts)
    assert_array_equal(
        whole.adjacency.toarray(), sp.block_diag([part.adjacency for part in parts]).toarray()
    )
    ids = [node for part in parts for node in part.nodes.tolist()]
    unique = len(set(ids)) == len(ids) and len({type(node) for node in ids}) == 1
    assert whole.nodes.tolist() == (ids if unique else list(range(len(ids))))
    assert whole.weighted == any(part.weighted for part in parts)


def test_a_union_keeps_ids_relations_and_features() -> None:
    first = Graph.from_edges(["a", "b"], ["b", "c"], relations=["x", "y"], features=np.eye(3))
    second = Graph.from_edges(["d", "e"], ["e", "e"], [2, 3], relations=["y", "x"])
    second = second.with_features(np.ones((2, 3)))
    whole = disjoint_union([first, second])
    assert whole.nodes.tolist() == ["a", "b", "c", "d", "e"]
    assert whole.triples().tolist() == [[0, 0, 1], [1, 1, 2], [3, 1, 4], [4, 0, 4]]
    assert whole.edge_weights().tolist() == [1, 1, 2, 3]
    assert_array_equal(whole.features, np.vstack([np.eye(3), np.ones((2, 3))]))
    sparse = [part.with_features(sp.csr_array(part.features)) for part in (first, second)]
    joined = disjoint_union(sparse).features
    assert isinstance(joined, sp.csr_array)
    assert joined.dtype == np.float32
    assert_array_equal(joined.toarray(), whole.features)
    assert disjoint_union([first]) is first
    isolated = disjoint_union([with_isolated_node(), without_edges(), one_node()])
    assert isolated.nodes.tolist() == list(range(8))
    assert isolated.n_edges == 3


def test_graphs_that_do_not_match_make_no_union() -> None:
    edge = Graph.from_edges(["a"], ["b"])
    dense, sparse = edge.with_features(np.eye(2)), edge.with_features(sp.eye_array(2))
    others = {
        "kind; got undirected at position 0 and directed": Graph.from_edges(
            [0], [1], directed=True
        ),
        "relations; got None": Graph.from_edges([0], [1], relations=["x"]),
        "features; got none at position 0 and 2 dense columns": dense,
    }
    for said, other in others.items():
        with pytest.raises(GraphError, match=said):
            disjoint_union([edge, other])
    with pytest.raises(GraphError, match="2 dense columns at position 0 and 2 sparse columns"):
        disjoint_union([dense, dense, sparse])
    with pytest.raises(GraphError, match="2 dense columns at position 0 and 1 dense columns"):
        disjoint_union([dense, edge.with_features([[1], [2]])])
    with pytest.raises(GraphError, match="at least one graph"):
        disjoint_union([])
