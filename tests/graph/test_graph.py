import copy
import pickle  # noqa: TID251  what joblib does between processes; the library itself never does

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone

from graphembed.exceptions import GraphError
from graphembed.graph import Graph

NAMES = ("indptr", "indices", "weights", "edge_types", "nodes", "directed", "relations")
EITHER = st.booleans()
rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 9), st.sampled_from("xyz"))
)


@st.composite
def graphs(draw, directed=EITHER):
    edges = draw(rows)
    sources, targets, weights, relations = zip(*edges, strict=True) if edges else ((),) * 4
    return Graph.from_edges(
        sources, targets, weights if draw(st.booleans()) else None, nodes=range(6),
        relations=relations if draw(st.booleans()) else None, directed=draw(directed),
        features=draw(st.sampled_from([None, np.ones((6, 2)), sp.csr_array(np.eye(6))])),
    )  # fmt: skip


def assert_same_graph(left, right):
    for name in NAMES:
        assert_array_equal(getattr(left, name), getattr(right, name))


@given(graphs())
def test_views_of_the_edges_agree(graph):
    edges = graph.edges()
    assert len(edges) == graph.n_edges == len(graph.edge_weights())
    assert graph.degrees.sum() == len(graph.indices)
    dense = np.zeros((6, 6))
    np.add.at(dense, tuple(edges.T), graph.edge_weights())
    if not graph.directed:
        assert (edges[:, 0] <= edges[:, 1]).all()
        dense = np.maximum(dense, dense.T)
    assert_array_equal(graph.adjacency.toarray(), dense)
    if graph.relations is not None:
        triples = graph.triples()
        assert_array_equal(triples[:, [0, 2]], edges)
        assert len(np.unique(triples, axis=0)) == len(triples)


@given(graphs())
def test_arrays_are_read_only(graph):
    matrix = graph.adjacency
    for array in (
        graph.indptr, graph.indices, graph.weights, graph.edge_types, graph.nodes,
        matrix.data, matrix.indices, matrix.indptr, getattr(graph.features, "data", None),
    ):  # fmt: skip
        if isinstance(array, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


@given(graphs())
def test_to_scipy_is_a_writable_copy(graph):
    matrix = graph.to_scipy()
    assert_array_equal(matrix.toarray(), graph.adjacency.toarray())
    matrix.data[:] = 7
    matrix.indices[:] = 0
    assert not np.shares_memory(matrix.data, graph.adjacency.data)
    assert matrix.dtype == np.float32


@given(graphs())
def test_copies_are_the_graph_and_pickles_are_equal(graph):
    assert copy.copy(graph) is graph
    assert copy.deepcopy(graph) is graph
    assert copy.deepcopy({"X": [graph]})["X"][0] is graph
    assert graph.adjacency is graph.adjacency
    again = pickle.loads(pickle.dumps(graph))  # noqa: S301
    assert_same_graph(again, graph)
    assert not again.indices.flags.writeable
    assert repr(again) == repr(graph)
    if graph.features is not None:
        assert_array_equal(again.features.data, graph.features.data)
    assert "adjacency" not in vars(again)


def test_joblib_sends_graphs_to_processes(tmp_path):
    graph = Graph.from_edges(["a", "b"], ["b", "c"], [1.0, 2.0])
    joblib.dump(graph, tmp_path / "graph")
    assert_same_graph(joblib.load(tmp_path / "graph"), graph)
    assert_same_graph(joblib.load(tmp_path / "graph", mmap_mode="r"), graph)


def test_sklearn_clones_share_the_graph():
    class Holder(BaseEstimator):
        def __init__(self, graph=None):
            self.graph = graph

    graph = Graph.from_edges([0], [1])
    assert clone(Holder(graph)).graph is graph


def test_sklearn_sees_no_array():
    graph = Graph.from_edges([0], [1])
    for name in ("__len__", "shape", "__array__", "__getitem__", "__iter__"):
        assert not hasattr(graph, name)


@given(graphs(directed=st.just(True)))
def test_reverse_transposes(graph):
    turned = graph.reverse()
    assert_array_equal(turned.adjacency.toarray(), graph.adjacency.toarray().T)
    assert_same_graph(turned.reverse(), graph)
    assert turned.features is None or turned.features.shape == graph.features.shape


@given(graphs())
def test_to_undirected_adds_both_directions(graph):
    result = graph.to_undirected()
    assert not result.directed
    if graph.directed and graph.weighted:
        dense = graph.adjacency.toarray()
        loops = np.diag(np.diag(dense))
        assert_array_equal(result.adjacency.toarray(), dense + dense.T - loops)
    elif not graph.directed:
        assert result is graph is graph.reverse()


@given(graphs())
def test_without_relations_adds_parallel_edges(graph):
    merged = graph.without_relations()
    assert merged.relations is None
    assert_array_equal(merged.adjacency.toarray(), graph.adjacency.toarray())


def test_without_relations_keeps_weights_of_one():
    for weights in (None, [1.0, 1.0]):
        graph = Graph.from_edges([0, 1], [1, 0], weights, relations=["x", "y"], directed=True)
        merged = graph.without_relations()
        assert merged.weighted == (weights is not None)
        assert merged.to_undirected().edge_weights().tolist() == [2.0 if weights else 1.0]


def test_without_relations_has_nothing_to_triple():
    with pytest.raises(GraphError, match="no relations"):
        Graph.from_edges([0], [1]).triples()


def test_with_features():
    graph = Graph.from_edges([0], [1])
    assert graph.with_features([[1], [2]]).features.tolist() == [[1], [2]]
    assert graph.features is None
    with pytest.raises(GraphError, match="n_nodes=2"):
        graph.with_features([[1]])


def test_repr_says_what_it_is():
    graph = Graph.from_edges([0, 0], [1, 0], [1, 2], relations=["x", "y"], directed=True)
    assert repr(graph) == "Graph(n_nodes=2, n_edges=2, directed, weighted, n_relations=2)"
    assert repr(Graph.from_edges([0], [1]).with_features(np.ones((2, 3)))) == (
        "Graph(n_nodes=2, n_edges=1, undirected, unweighted, n_features=3)"
    )
