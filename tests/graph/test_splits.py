from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.sparse.csgraph import connected_components
from scipy.stats import chisquare

from graphembed import Graph, split_edges
from graphembed.exceptions import GraphError
from graphembed.graph.splits import _numbered_pairs, _pair_numbers, sample_non_edges


def random_graph(n, n_edges, *, directed=False, seed=0, **options):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, n, (2, n_edges))
    return Graph.from_edges(*ends, nodes=range(n), directed=directed, **options)


def pair_set(pairs, *, directed=False):
    return {tuple(p) if directed else tuple(sorted(p)) for p in np.asarray(pairs).tolist()}


def edge_set(graph, *, directed=False):
    return pair_set(graph.nodes[graph.edges()], directed=directed)


@st.composite
def cases(draw):
    n = draw(st.integers(4, 14))
    directed = draw(st.booleans())
    node = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(node, node), min_size=1, max_size=n))
    names = [f"n{i}" for i in range(n)] if draw(st.booleans()) else list(range(n))
    relations = None
    if draw(st.booleans()):
        relations = draw(st.lists(st.sampled_from("xy"), min_size=len(edges), max_size=len(edges)))
    graph = Graph.from_edges(
        [names[u] for u, _ in edges],
        [names[v] for _, v in edges],
        draw(st.none() | st.just(np.arange(1.0, len(edges) + 1))),
        nodes=names,
        directed=directed,
        relations=relations,
    )
    return graph, draw(st.floats(0, 0.5)), draw(st.floats(0, 0.45)), draw(st.integers(0, 2**32))


@settings(max_examples=80, deadline=None)
@given(cases(), st.booleans())
def test_a_split_is_leak_free_and_complete(case, keep_connected):
    graph, test_size, val_size, seed = case
    sizes = {"test_size": test_size, "val_size": val_size, "random_state": seed}
    try:
        split = split_edges(graph, keep_connected=keep_connected, **sizes)
    except GraphError as error:
        assert "held out" in str(error) or "non-edges" in str(error)  # noqa: PT017
        return
    directed = graph.directed
    train, full = edge_set(split.train, directed=directed), edge_set(graph, directed=directed)
    parts = [(split.val_pairs, split.val_labels), (split.test_pairs, split.test_labels)]
    positives = [pair_set(pairs[labels == 1], directed=directed) for pairs, labels in parts]
    negatives = [pair_set(pairs[labels == 0], directed=directed) for pairs, labels in parts]

    assert train | positives[0] | positives[1] == full
    assert len(train) + len(positives[0]) + len(positives[1]) == len(full)
    for (pairs, labels), edges, others in zip(parts, positives, negatives, strict=True):
        assert labels.dtype == np.int8
        assert len(pairs) == len(labels) == len(edges) + len(others) == 2 * len(edges)
        assert not pair_set(pairs[labels == 1]) & edge_set(split.train)
        assert not others & full
        assert all(u != v for u, v in others)
    assert not negatives[0] & negatives[1]

    assert_array_equal(split.train.nodes, graph.nodes)
    assert split.train.directed == directed
    assert split.train.relations == graph.relations
    if keep_connected:
        assert_array_equal(components(split.train), components(graph))


def components(graph):
    return connected_components(graph.adjacency, directed=True, connection="weak")[1]


def test_what_stays_keeps_weights_relations_and_features():
    graph = Graph.from_edges(
        [0, 0, 1, 2, 3],
        [1, 1, 2, 3, 0],
        [1.0, 2.0, 3.0, 4.0, 5.0],
        relations=["x", "y", "x", "x", "y"],
        features=np.eye(4),
    )
    split = split_edges(graph, test_size=2, keep_connected=False, random_state=3)
    held = pair_set(split.test_pairs[split.test_labels == 1])
    expected = [
        (*triple, weight)
        for triple, weight in zip(graph.triples().tolist(), graph.edge_weights(), strict=True)
        if (triple[0], triple[2]) not in held
    ]
    train = split.train
    found = zip(train.triples().tolist(), train.edge_weights(), strict=True)
    assert [(*triple, weight) for triple, weight in found] == expected
    assert_array_equal(train.features, graph.features)
    assert train.node_index is graph.node_index


def test_all_relations_and_both_directions_of_a_pair_leave_together():
    graph = Graph.from_edges(
        [0, 0, 1, 2], [1, 1, 0, 3], relations=["x", "y", "x", "x"], nodes=range(6), directed=True
    )
    seeds = range(10)
    splits = [split_edges(graph, test_size=1, keep_connected=False, random_state=s) for s in seeds]
    held = Counter(
        (split.train.n_edges, *map(tuple, split.test_pairs[split.test_labels == 1].tolist()))
        for split in splits
    )
    assert set(held) == {(1, (0, 1), (1, 0)), (3, (2, 3))}


def test_self_loops_stay():
    graph = Graph.from_edges([0, 0, 1], [0, 1, 1], nodes=range(4))
    split = split_edges(graph, test_size=1, keep_connected=False, random_state=0)
    assert edge_set(split.train) == {(0, 0), (1, 1)}


def test_sizes_are_shares_or_numbers():
    graph = random_graph(60, 300)
    assert_array_equal(
        [len(split_edges(graph, test_size=size).test_labels) for size in (7, 0.0, 1e-9)], [14, 0, 2]
    )
    split = split_edges(graph, test_size=0.25, val_size=0.5, keep_connected=False)
    n_linked = int(np.count_nonzero(np.diff(graph.edges(), axis=1)))
    assert split.test_labels.sum() == round(n_linked / 4)
    assert split.val_labels.sum() == round(n_linked / 2)
    assert repr(split).startswith("EdgeSplit(train=Graph(n_nodes=60, n_edges=")


@pytest.mark.parametrize("size", [1.0, -0.1, -1, True, "0.1", None, np.nan])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match="test_size must be a share"):
        split_edges(random_graph(10, 20), test_size=size)


def test_a_tree_has_nothing_to_hold_out():
    path = Graph.from_edges(range(9), range(1, 10))
    with pytest.raises(GraphError, match=r"3 of the 9 linked pairs, but only 0 .*keep_connected"):
        split_edges(path, test_size=3)
    assert split_edges(path, test_size=3, keep_connected=False).train.n_edges == 6


def test_a_cycle_can_lose_any_one_edge():
    ring = Graph.from_edges(range(6), [1, 2, 3, 4, 5, 0])
    held = {
        tuple(split_edges(ring, test_size=1, random_state=seed).test_pairs[0]) for seed in range(60)
    }
    assert held == edge_set(ring)


def test_a_complete_graph_has_no_negatives():
    complete = Graph.from_scipy(sp.csr_array(1 - np.eye(6)))
    with pytest.raises(GraphError, match=r"2 non-edges are needed .* only 0 left"):
        split_edges(complete, test_size=2)


def test_graphs_without_edges_split_into_nothing():
    graph = Graph.from_edges([], [], nodes=["a", "b"])
    split = split_edges(graph, test_size=0.5)
    assert split.test_pairs.shape == (0, 2)
    assert split.train.n_edges == 0


@pytest.mark.parametrize("directed", [False, True])
def test_an_int_random_state_repeats_the_split(directed):
    graph = random_graph(50, 400, directed=directed)
    one, two, other = (split_edges(graph, val_size=0.1, random_state=seed) for seed in (4, 4, 5))
    assert_array_equal(one.test_pairs, two.test_pairs)
    assert_array_equal(one.val_pairs, two.val_pairs)
    assert_array_equal(one.train.indices, two.train.indices)
    assert not np.array_equal(one.test_pairs, other.test_pairs)


@given(st.integers(2, 30), st.booleans())
def test_pairs_are_numbered_without_gaps(n, directed):
    numbers = np.arange(n * (n - 1) // (1 if directed else 2))
    pairs = _numbered_pairs(numbers, n, directed=directed)
    assert len(pair_set(pairs, directed=directed)) == len(numbers)
    assert np.all(pairs[:, 0] != pairs[:, 1])
    assert_array_equal(_pair_numbers(pairs, n, directed=directed), numbers)
    if not directed:
        assert_array_equal(_pair_numbers(pairs[:, ::-1], n, directed=False), numbers)


def test_pair_numbers_of_the_largest_graphs_do_not_overflow():
    n = 2**31 - 1
    pairs = np.array([[0, n - 1], [n - 2, n - 1], [5, n // 2 + 5]])
    for directed in (False, True):
        numbers = _pair_numbers(pairs, n, directed=directed)
        assert np.all((numbers >= 0) & (numbers < n * (n - 1)))
        assert_array_equal(_numbered_pairs(numbers, n, directed=directed), pairs)


@pytest.mark.parametrize("directed", [False, True])
def test_non_edges_are_uniform(directed):
    graph = random_graph(7, 8, directed=directed, seed=1)
    known = edge_set(graph, directed=directed)
    free = [
        (u, v)
        for u in range(7)
        for v in range(7)
        if (u != v if directed else u < v) and (u, v) not in known
    ]
    counts = Counter()
    for seed in range(1500):
        drawn = sample_non_edges(graph, 3, random_state=seed)
        assert len(pair_set(drawn, directed=directed)) == 3
        counts.update(map(tuple, drawn.tolist()))
    assert set(counts) == set(free)
    assert chisquare([counts[pair] for pair in free]).pvalue > 1e-3


def test_excluded_pairs_are_not_drawn():
    graph = Graph.from_edges([0, 1], [1, 2], nodes=range(4))
    drawn = sample_non_edges(graph, 3, exclude=[[3, 0], [0, 1]], random_state=0)
    assert pair_set(drawn) == {(0, 2), (1, 3), (2, 3)} - {(0, 3)}
    with pytest.raises(GraphError, match="4 non-edges"):
        sample_non_edges(graph, 4, exclude=[[3, 0]])
