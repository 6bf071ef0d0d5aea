import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.metrics import average_precision_score

from graphembed import FastRP, Graph, Vectors, datasets
from graphembed.evaluation import (
    hierarchy_link_prediction,
    hierarchy_reconstruction,
    split_hierarchy,
)
from graphembed.exceptions import GraphError, UnknownNodeError

MAMMALS = datasets.load("wordnet_mammals").graph


def by_sorting(X, graph, wrong=None):
    """Mean rank and MAP of squared distances, by NumPy and scikit-learn."""
    links = graph.adjacency.toarray() != 0
    values, ranks = [], []
    for node in range(graph.n_nodes):
        others = np.arange(graph.n_nodes) != node
        if wrong is not None:
            others &= links[node] | wrong[node]
        right = links[node, others]
        if not right.any():
            continue
        squares = ((X[others] - X[node]) ** 2).sum(axis=1)
        values.append(average_precision_score(right, -squares))
        bad = squares[~right]
        ranks += [1 + (bad < one).sum() + (bad == one).sum() / 2 for one in squares[right]]
    return np.mean(ranks), np.mean(values)


@settings(max_examples=30)
@given(st.booleans(), st.integers(2, 5), st.integers(0, 99))
def test_ranks_and_map_are_those_of_sorting(directed, n_values, seed):
    """With few values, many distances tie."""
    rng = np.random.default_rng(seed)
    graph = Graph.from_edges(*rng.integers(0, 25, (2, 60)), nodes=range(25), directed=directed)
    X = rng.integers(0, n_values, (25, 2)).astype(np.float32)
    report = hierarchy_reconstruction(X, graph, geometry="euclidean")
    assert [report.mean_rank, report.mean_average_precision] == pytest.approx(by_sorting(X, graph))
    assert report.n_pairs == len(report.ranks)
    assert report.mean_average_precision == report.average_precision.mean()


def test_a_perfect_hierarchy_and_one_that_says_nothing():
    """A chain on a ray: each node is nearest to the one before, which is its only pair."""
    chain = Graph.from_edges(range(1, 9), range(8), directed=True)
    steps = np.sinh(np.cumsum(1.5 - 0.1 * np.arange(9)))[:, None]
    report = hierarchy_reconstruction(-steps, chain, geometry="lorentz")
    assert (report.mean_rank, report.mean_average_precision) == (2 - 1 / 8, 0.5 + 0.5 / 8)
    flat = hierarchy_reconstruction(np.zeros((9, 2)), chain, geometry="poincare")
    assert (flat.mean_rank, flat.mean_average_precision) == (4.5, pytest.approx(1 / 8))
    assert (flat.n_pairs, flat.n_nodes, flat.n_candidates) == (8, 8, 8)


def test_both_models_of_hyperbolic_space_are_one():
    X = np.random.default_rng(0).standard_normal((MAMMALS.n_nodes, 5))
    ball = X / (1 + np.sqrt(1 + (X**2).sum(axis=1)))[:, None]
    one = hierarchy_reconstruction(X, MAMMALS, geometry="lorentz")
    two = hierarchy_reconstruction(Vectors(MAMMALS.nodes, ball), MAMMALS, geometry="poincare")
    assert_array_equal(one.ranks, two.ranks)
    assert str(one).split()[-1] == "lorentz"


def test_some_nodes_and_a_fitted_embedder():
    model = FastRP(n_components=8, random_state=0).fit(MAMMALS)
    everything = hierarchy_reconstruction(model, MAMMALS)
    assert everything.geometry == "cosine"
    chosen = MAMMALS.nodes[[7, 3, 1000]]
    some = hierarchy_reconstruction(model, MAMMALS, nodes=chosen)
    kept = np.isin(everything.nodes, chosen)
    assert_array_equal(some.average_precision, everything.average_precision[kept])
    assert some.to_dict()["n_nodes"] == 3


def test_pairs_that_are_neither_right_nor_wrong():
    rng = np.random.default_rng(3)
    graph = Graph.from_edges(*rng.integers(0, 30, (2, 50)), nodes=range(30), directed=True)
    other = Graph.from_edges(*rng.integers(0, 30, (2, 90)), nodes=range(29, -1, -1), directed=True)
    X = rng.standard_normal((30, 3))
    wrong = np.ones((30, 30), dtype=bool)
    pairs = other.node_index.take(other.edges().ravel()).reshape(-1, 2)
    wrong[tuple(pairs.T)] = False
    for exclude in (other, pairs):
        report = hierarchy_reconstruction(X, graph, geometry="euclidean", exclude=exclude)
        found = [report.mean_rank, report.mean_average_precision]
        assert found == pytest.approx(by_sorting(X, graph, wrong))


def test_held_out_pairs_do_not_compete_with_known_ones():
    split = split_hierarchy(MAMMALS, test_size=0.05, random_state=0)
    X = np.random.default_rng(0).standard_normal((MAMMALS.n_nodes, 4))
    report = hierarchy_link_prediction(X, split.test_pairs, split.train, geometry="euclidean")
    u, v = split.test_pairs.T
    held_out = Graph.from_edges(u, v, nodes=MAMMALS.node_index, directed=True)
    wrong = split.train.adjacency.toarray() == 0
    found = [report.mean_rank, report.mean_average_precision]
    assert found == pytest.approx(by_sorting(X, held_out, wrong))
    assert report.n_pairs == len(split.test_pairs) == 327


def test_split_leaves_leaves_roots_and_an_edge_for_everyone():
    n_out, n_in = MAMMALS.degrees, MAMMALS.reverse().degrees
    inner = set(MAMMALS.nodes[(n_out > 0) & (n_in > 0)])
    full = set(map(tuple, MAMMALS.node_index.take(MAMMALS.edges().ravel()).reshape(-1, 2)))
    for size in (500, 0.1):
        split = split_hierarchy(MAMMALS, test_size=size, random_state=1)
        test = set(map(tuple, split.test_pairs))
        assert len(test) == (500 if size == 500 else round(0.1 * MAMMALS.n_edges))
        assert {node for pair in test for node in pair} <= inner
        train = split.train.node_index.take(split.train.edges().ravel()).reshape(-1, 2)
        assert set(map(tuple, train)) == full - test
        assert set(train.ravel()) == set(MAMMALS.nodes)
        assert split.train.node_index == MAMMALS.node_index
    again = split_hierarchy(MAMMALS, test_size=0.1, random_state=1)
    assert_array_equal(again.test_pairs, split.test_pairs)


def test_what_cannot_be_split_or_ranked():
    chain = Graph.from_edges(range(1, 6), range(5), directed=True)
    with pytest.raises(GraphError, match=r"only [12] are between inner nodes"):
        split_hierarchy(chain, test_size=3, random_state=0)
    with pytest.raises(GraphError, match="must be a directed graph"):
        split_hierarchy(datasets.load("karate").graph)
    with pytest.raises(ValueError, match="nothing to rank"):
        hierarchy_reconstruction(np.eye(2), Graph.from_edges([0], [0], nodes=[0, 1]))
    with pytest.raises(ValueError, match="no held-out pairs"):
        hierarchy_link_prediction(np.eye(6), [(1, 1)], chain)
    with pytest.raises(ValueError, match="None of the given nodes"):
        hierarchy_reconstruction(np.eye(6), chain, nodes=[0])
    with pytest.raises(UnknownNodeError):
        hierarchy_reconstruction(np.eye(6), chain, nodes=[77])
    for function, arguments in [
        (hierarchy_reconstruction, (np.eye(2), "graph")),
        (hierarchy_link_prediction, (np.eye(2), [(0, 1)], "graph")),
    ]:
        with pytest.raises(TypeError, match="Expected a Graph; got a str"):
            function(*arguments)
