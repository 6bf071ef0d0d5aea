import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.graph import Graph, NodeIndex
from graphembed.graph.builders import check_features, from_rows
from graphembed.testing import reference

weight = st.one_of(st.just(0.0), st.floats(-1e6, 1e6, width=32), st.sampled_from([0.1, 1e-3]))
edge = st.tuples(st.integers(0, 6), st.integers(0, 6), weight, st.integers(0, 2))
edges = st.lists(edge, max_size=30)
FORMATS = [kind + end for kind in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia") for end in
           ("_array", "_matrix")]  # fmt: skip


def arrays_of(graph):
    """Return everything that makes two graphs the same graph."""
    return [
        graph.indptr, graph.indices, graph.weights, graph.edge_types, graph.nodes,
        graph.directed, graph.relations,
    ]  # fmt: skip


def assert_same_graph(left, right):
    for one, other in zip(arrays_of(left), arrays_of(right), strict=True):
        assert_array_equal(one, other)


def _columns(rows):
    sources, targets, weights, types = zip(*rows, strict=True) if rows else ((), (), (), ())
    return (
        np.array(sources, dtype=np.int32), np.array(targets, dtype=np.int32),
        np.array(weights, dtype=np.float64), np.array(types, dtype=np.int32),
    )  # fmt: skip


def _build(rows, *, directed, weighted=True, typed=False):
    sources, targets, weights, types = _columns(rows)
    return from_rows(
        sources, targets, weights=weights if weighted else None,
        edge_types=types if typed else None, relations=("a", "b", "c") if typed else None,
        nodes=NodeIndex.range(7), directed=directed,
    )  # fmt: skip


@given(edges, st.booleans(), st.booleans(), st.booleans())
def test_from_rows_agrees_with_the_reference(rows, directed, weighted, typed):
    graph = _build(rows, directed=directed, weighted=weighted, typed=typed)
    sources, targets, weights, types = _columns(rows)
    expected = reference.csr_entries(
        sources, targets, weights if weighted else np.ones(len(rows)),
        types if typed else np.zeros(len(rows), dtype=int), directed,
    )  # fmt: skip
    found = dict.fromkeys(
        zip(
            graph._sources().tolist(), graph.indices.tolist(),
            np.zeros(len(graph.indices), int).tolist() if graph.edge_types is None
            else graph.edge_types.tolist(), strict=True,
        )
    )  # fmt: skip
    assert len(found) == len(graph.indices)
    assert list(found) == sorted(found)
    if weighted:
        stored = dict(zip(found, graph.weights.tolist(), strict=True))
        for key, value in expected.items():
            assert stored.get(key, 0.0) == pytest.approx(value, rel=1e-6, abs=1e-6)
        assert set(stored) <= set(expected)
        assert graph.weights.all()
    else:
        assert list(found) == list(expected)
        assert graph.weights is None
    assert graph.indptr.dtype == np.int64
    assert graph.indices.dtype == np.int32


@given(edges, st.booleans(), st.booleans(), st.booleans(), st.randoms())
def test_the_order_of_edges_does_not_matter(rows, directed, weighted, typed, random):
    shuffled = random.sample(rows, len(rows))
    if not directed:
        shuffled = [(t, s, *rest) if random.random() < 0.5 else (s, t, *rest)
                    for s, t, *rest in shuffled]  # fmt: skip
    graphs = [
        _build(some, directed=directed, weighted=weighted, typed=typed) for some in (rows, shuffled)
    ]
    assert_same_graph(*graphs)


@given(edges, st.booleans())
def test_undirected_is_exactly_symmetric(rows, typed):
    graph = _build(rows, directed=False, typed=typed)
    assert_array_equal(graph.adjacency.toarray(), graph.adjacency.toarray().T)
    turned = Graph(**(graph.__getstate__() | {"directed": True})).reverse()
    assert_array_equal(turned.indices, graph.indices)
    assert_array_equal(turned.weights, graph.weights)
    assert_array_equal(turned.edge_types, graph.edge_types)


def test_from_rows_neither_writes_to_its_input_nor_keeps_it():
    sources, targets, weights, types = _columns([(0, 1, 2.0, 0), (1, 1, 3.0, 1), (0, 1, 1.0, 0)])
    inputs = (sources, targets, weights, types)
    copies = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    for directed in (True, False):
        graph = from_rows(
            sources, targets, weights=weights, edge_types=types, nodes=NodeIndex.range(2),
            directed=directed, relations=("a", "b"),
        )  # fmt: skip
        stored = (graph.indptr, graph.indices, graph.weights, graph.edge_types)
        assert not any(np.shares_memory(mine, own) for mine in stored for own in inputs)
    for array, copy in zip(inputs, copies, strict=True):
        assert_array_equal(array, copy)


def test_too_many_nodes():
    with pytest.raises(GraphError, match="at most 2147483647 nodes"):
        from_rows(np.array([0]), np.array([1]), nodes=NodeIndex.range(2**31), directed=True)


def test_weights_are_summed_in_float64():
    values = np.array([1e8] + [1.0] * 8 + [-1e8], dtype=np.float32)
    graph = Graph.from_edges([0] * 10, [1] * 10, values)
    assert graph.weights.tolist() == [8.0, 8.0]
    assert graph.weights.dtype == np.float32


def test_sums_of_zero_are_no_edge():
    graph = Graph.from_edges(["a", "a", "b", "c"], ["b", "b", "c", "c"], [1.0, -1.0, 0.0, 2.0])
    assert graph.nodes.tolist() == ["a", "b", "c"]
    assert graph.edges().tolist() == [[2, 2]]
    assert graph.edge_weights().tolist() == [2.0]


def test_self_loops_count_once():
    graph = Graph.from_edges([0, 1, 1], [0, 0, 1], [5.0, 2.0, 3.0])
    assert graph.adjacency.toarray().tolist() == [[5, 2], [2, 3]]
    assert graph.n_edges == 3


def test_explicit_unit_weights_stay_weights():
    assert Graph.from_edges([0], [1], [1.0]).weighted
    assert not Graph.from_edges([0], [1]).weighted


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, np.nan], r"weights\[1\] is missing"),
        (np.array([1.0, np.nan]), r"position 1 \('b' -> 'c'\) is nan"),
        ([np.inf, 1.0], r"position 0 \('a' -> 'b'\) is inf"),
        ([1.0, -np.inf], "is -inf"),
        ([1.0, 1e300], "too large for float32"),
        ([1.0], "2 edges but 1 weights"),
        (["1", "2"], "must be real numbers"),
        ([1.0, None], r"weights\[1\] is missing"),
        ([1j, 2j], "must be"),
        (np.array([1j, 2j]), "must be real numbers; got values of type complex128"),
        (np.ones((2, 1)), "one-dimensional"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_unusable_weights(weights, message):
    with pytest.raises(GraphError, match=message):
        Graph.from_edges(["a", "b"], ["b", "c"], weights)


@pytest.mark.parametrize(
    "weights", [[2, 3], np.array([2, 3], dtype=np.uint8), pa.chunked_array([[2.0], [3.0]]),
                np.array([2, 3], dtype=object), np.array([2, 3], dtype=np.float16)],
)  # fmt: skip
def test_weights_from_anything(weights):
    assert Graph.from_edges([0, 1], [1, 2], weights).edge_weights().tolist() == [2.0, 3.0]


def test_from_edges_orders_ids_or_takes_the_given_order():
    assert Graph.from_edges([30, 4], [4, -1]).nodes.tolist() == [-1, 4, 30]
    graph = Graph.from_edges(["b"], ["a"], nodes=["c", "b", "a"], directed=True)
    assert graph.nodes.tolist() == ["c", "b", "a"]
    assert graph.edges().tolist() == [[1, 2]]
    with pytest.raises(UnknownNodeError, match="'z'"):
        Graph.from_edges(["z"], ["a"], nodes=["a"])


def test_relations_are_named_in_ascending_order():
    graph = Graph.from_edges([0, 0, 1], [1, 1, 0], relations=["y", "x", "y"], directed=True)
    assert graph.relations == ("x", "y")
    assert graph.triples().tolist() == [[0, 0, 1], [0, 1, 1], [1, 1, 0]]
    assert Graph.from_edges([0, 0], [1, 1], relations=[10, 9]).relations == ("9", "10")
    with pytest.raises(GraphError, match="1 edges but 2 relations"):
        Graph.from_edges([0], [1], relations=["x", "y"])
    with pytest.raises(GraphError, match=r"relations\[0\] is missing"):
        Graph.from_edges([0], [1], relations=[None])


def test_empty_and_tiny_graphs():
    with pytest.raises(GraphError, match="no edges"):
        Graph.from_edges([], [])
    graph = Graph.from_edges([], [], nodes=["a", "b"])
    assert (graph.n_nodes, graph.n_edges) == (2, 0)
    assert Graph.from_edges([], [], [], nodes=["a"], relations=[]).adjacency.shape == (1, 1)
    assert Graph.from_edges([3], [3]).n_nodes == 1
    with pytest.raises(GraphError, match="one length; got 1 and 2"):
        Graph.from_edges([1], [1, 2])
    with pytest.raises(GraphError, match=r"targets\[1\] is missing"):
        Graph.from_edges(["a", "b"], ["a", None])


@pytest.mark.parametrize("name", FORMATS)
def test_every_sparse_format(name):
    dense = np.array([[0.0, 2.0, 0.0], [0.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    matrix = getattr(sp, name)(dense)
    assert_same_graph(Graph.from_scipy(matrix), Graph.from_scipy(dense))
    assert_array_equal(Graph.from_scipy(matrix).adjacency.toarray(), dense)
    assert_array_equal(matrix.toarray(), dense)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float32, np.float64])
def test_unit_matrices_are_unweighted(dtype):
    for matrix in (np.ones((3, 3), dtype=dtype), sp.csr_array(np.ones((3, 3), dtype=dtype))):
        graph = Graph.from_scipy(matrix)
        assert not graph.weighted
        assert (graph.n_edges, graph.directed) == (6, False)


def test_matrices_are_undirected_if_exactly_symmetric():
    matrix = np.array([[0.0, 2.0], [2.0, 1.0]])
    assert not Graph.from_scipy(matrix).directed
    assert not Graph.from_scipy(matrix, directed=False).directed
    assert Graph.from_scipy(matrix, directed=True).directed
    matrix[0, 1] = 3
    assert Graph.from_scipy(matrix).directed
    with pytest.raises(GraphError, match="Pass directed=True, or symmetrise"):
        Graph.from_scipy(matrix, directed=False)


def test_entries_of_a_matrix_that_repeat_or_are_zero():
    coo = sp.coo_array(([1, 2, 0, 100, 100], ([0, 0, 1, 1, 1], [1, 1, 0, 1, 1])), shape=(2, 2))
    coo.data = coo.data.astype(np.int8)
    graph = Graph.from_scipy(coo)
    assert graph.adjacency.toarray().tolist() == [[0, 3], [0, 200]]
    assert coo.nnz == 5
    twice = sp.coo_array(([True, True], ([0, 0], [1, 1])), shape=(2, 2))
    assert not Graph.from_scipy(twice).weighted
    unsorted = sp.csr_array(([1.0, 2.0], [1, 0], [0, 2, 2]), shape=(2, 2))
    assert Graph.from_scipy(unsorted).weights.tolist() == [2.0, 1.0]
    assert unsorted.indices.tolist() == [1, 0]


@pytest.mark.parametrize("make", [sp.csr_array, sp.csc_array, sp.coo_array, np.asarray])
@pytest.mark.parametrize("readonly", [True, False])
def test_from_scipy_neither_writes_nor_shares(make, readonly):
    matrix = make(np.array([[0.0, 2.0], [2.0, 0.0]], dtype=np.float32))
    names = {"data", "indices", "indptr", "row", "col"} if sp.issparse(matrix) else set()
    own = [getattr(matrix, name) for name in names if hasattr(matrix, name)] or [matrix]
    for array in own:
        array.flags.writeable = not readonly
    copies = [array.copy() for array in own]
    graph = Graph.from_scipy(matrix)
    mine = (graph.indptr, graph.indices, graph.weights)
    assert not any(np.shares_memory(one, other) for one in mine for other in own)
    for array, copy in zip(own, copies, strict=True):
        assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\).*bipartite"),
        (sp.csr_array((2, 3)), r"shape \(2, 3\).*bipartite"),
        (np.ones(3), r"square.*\(3,\)"),
        (np.ones((2, 2, 2)), r"square.*\(2, 2, 2\)"),
        (np.zeros((0, 0)), "no nodes"),
        (np.ones((2, 2), dtype=complex), "Complex data not supported"),
        (sp.csr_array(np.ones((2, 2), dtype=complex)), "Complex data not supported"),
        (np.ones((2, 2), dtype=object), "real numbers; got the dtype object"),
        (np.array([["a", "b"], ["c", "d"]]), "real numbers; got the dtype <U1"),
        (np.array([[0.0, np.nan], [1.0, 0.0]]), r"position 0 \(0 -> 1\) is nan"),
        (sp.csr_array(np.array([[0.0, 1.0], [np.inf, 0.0]])), r"\(1 -> 0\) is inf"),
        ("matrix", "square"),
    ],
)
def test_unusable_matrices(matrix, message):
    with pytest.raises(GraphError, match=message):
        Graph.from_scipy(matrix)


def test_from_scipy_with_nodes():
    graph = Graph.from_scipy(np.eye(2), nodes=["b", "a"])
    assert graph.nodes.tolist() == ["b", "a"]
    assert Graph.from_scipy(np.zeros((1, 1))).n_nodes == 1
    assert Graph.from_scipy(np.zeros((4, 4))).n_edges == 0
    with pytest.raises(GraphError, match="2 rows but nodes= names 3"):
        Graph.from_scipy(np.eye(2), nodes=["a", "b", "c"])


@given(edges, st.booleans())
def test_scipy_round_trip(rows, directed):
    graph = _build(rows, directed=directed)
    if len(graph.weights) and (graph.weights == 1).all():
        graph = graph._replace(weights=None)
    again = Graph.from_scipy(graph.to_scipy(), directed=directed)
    if not len(graph.indices):
        graph, again = graph._replace(weights=None), again._replace(weights=None)
    assert_same_graph(graph, again)


def test_features_become_float32():
    dense = check_features(np.asfortranarray(np.arange(6).reshape(3, 2)), 3)
    assert dense.dtype == np.float32
    assert dense.flags.c_contiguous
    assert check_features([[1], [2]], 2).shape == (2, 1)
    assert check_features(np.array([[1], [2]], dtype=object), 2).dtype == np.float32
    for make in (sp.csr_array, sp.coo_matrix):
        sparse = check_features(make(np.eye(3, dtype=int)), 3)
        assert isinstance(sparse, sp.csr_array)
        assert sparse.dtype == np.float32


def test_features_are_copied_unless_read_only():
    features = np.ones((2, 2), dtype=np.float32)
    assert not np.shares_memory(check_features(features, 2), features)
    sparse = sp.csr_array(features)
    assert not np.shares_memory(check_features(sparse, 2).data, sparse.data)
    features.flags.writeable = False
    assert np.shares_memory(check_features(features, 2), features)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.ones(3), r"got \(3,\)"),
        (np.ones((2, 2)), r"n_nodes=3; got \(2, 2\)"),
        (sp.csr_array((2, 2)), r"n_nodes=3; got \(2, 2\)"),
        ([[1], [np.nan], [2]], "row 1, column 0"),
        ([[1], [2], [1e300]], "row 2, column 0"),
        (sp.csr_array([[0, 0], [0, np.inf], [0, 0]]), "row 1, column 1"),
        (np.ones((3, 1), dtype=complex), "real numbers"),
        (sp.csr_array(np.ones((3, 1), dtype=complex)), "real numbers"),
        ([["a"], ["b"], ["c"]], "real numbers"),
        (np.array([["a"], ["b"], ["c"]], dtype=object), "real numbers"),
        ([[1], [2, 3], [4]], "real numbers"),
    ],
)
def test_unusable_features(features, message):
    with pytest.raises(GraphError, match=message):
        check_features(features, 3)


def test_features_follow_the_rows():
    graph = Graph.from_edges(["b"], ["a"], features=[[1.0], [2.0]])
    assert graph.nodes.tolist() == ["a", "b"]
    assert graph.features.tolist() == [[1.0], [2.0]]


def test_a_graph_has_a_node():
    with pytest.raises(GraphError, match="no nodes"):
        Graph.from_edges([], [], nodes=[])
