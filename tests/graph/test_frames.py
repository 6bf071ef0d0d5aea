import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.exceptions import GraphError
from graphembed.graph import Graph

DATA = {"source": ["b", "a"], "target": ["a", "c"], "km": [2.0, 3.0], "kind": ["x", "y"]}


class Capsule:
    """A table that says nothing but __arrow_c_stream__."""

    def __init__(self, data):
        self._table = pa.table(data)

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


FRAMES = [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table, Capsule]


def assert_same_graph(left, right):
    for name in ("indptr", "indices", "weights", "edge_types", "nodes", "directed", "relations"):
        assert_array_equal(getattr(left, name), getattr(right, name))


@pytest.mark.parametrize("make", FRAMES)
def test_frames_of_every_library(make):
    expected = Graph.from_edges(
        DATA["source"], DATA["target"], DATA["km"], relations=DATA["kind"], directed=True
    )
    frame = make(DATA)
    by_name = Graph.from_frame(frame, weight="km", relation="kind", directed=True)
    by_position = Graph.from_frame(frame, source=0, target=1, weight=-2, relation=-1, directed=True)
    assert_same_graph(by_name, expected)
    assert_same_graph(by_position, expected)
    assert not Graph.from_frame(frame).weighted


def test_default_columns():
    named = pa.table({"id": [1], "target": ["b"], "source": ["a"]})
    assert Graph.from_frame(named, directed=True).edges().tolist() == [[0, 1]]
    assert Graph.from_frame(named, directed=True).nodes.tolist() == ["a", "b"]
    first_two = pd.DataFrame(np.array([[5, 6, 7]]))
    assert Graph.from_frame(first_two).nodes.tolist() == [5, 6]
    assert Graph.from_frame(first_two, source=1, target=2).nodes.tolist() == [6, 7]


@pytest.mark.parametrize("dtype", ["Int64", "category", "string", "int64[pyarrow]", "float64"])
def test_pandas_dtypes(dtype):
    frame = pd.DataFrame({"source": [1, 2], "target": [2, 3]}).astype(dtype)
    ids = Graph.from_frame(frame).nodes.tolist()
    assert ids == (["1", "2", "3"] if dtype == "string" else [1, 2, 3])


def test_rows_of_a_pandas_frame_are_taken_in_order_whatever_its_index():
    frame = pd.DataFrame(DATA, index=[7, 7])
    assert_same_graph(Graph.from_frame(frame), Graph.from_frame(pd.DataFrame(DATA)))
    twice = pd.DataFrame([["a", "b", "c"]], columns=["x", "x", "y"])
    assert Graph.from_frame(twice).nodes.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "from", "target": "target"}, "No column 'from'; the frame has source, target"),
        ({"weight": "miles"}, "No column 'miles'"),
        ({"relation": 9}, "Column 9 is not there: the frame has 4 columns"),
        ({"source": "source"}, "both source= and target="),
        ({"weight": "kind"}, "weights must be real numbers"),
    ],
)
@pytest.mark.parametrize("make", FRAMES)
def test_wrong_columns(make, arguments, message):
    with pytest.raises(GraphError, match=message):
        Graph.from_frame(make(DATA), **arguments)


def test_unusable_frames():
    with pytest.raises(GraphError, match=r"got ndarray\. For arrays use Graph.from_edges"):
        Graph.from_frame(np.ones((2, 2)))
    with pytest.raises(GraphError, match="An edge needs two"):
        Graph.from_frame(pa.table({"a": [1]}))
    with pytest.raises(GraphError, match=r"targets\[1\] is missing"):
        Graph.from_frame(pl.DataFrame({"a": [1, 2], "b": [1, None]}))
    with pytest.raises(GraphError, match=r"weights\[0\] is missing"):
        Graph.from_frame(pd.DataFrame({"a": [1], "b": [1], "w": [None]}), weight="w")
    with pytest.raises(GraphError, match="no edges"):
        Graph.from_frame(pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.int64())}))


def test_nodes_of_a_frame():
    assert Graph.from_frame(pa.table(DATA), nodes=["c", "b", "a", "z"]).n_nodes == 4


pairs = st.lists(st.tuples(*[st.text(max_size=3)] * 2, st.integers(1, 9)), min_size=1)


@given(pairs, st.booleans(), st.sampled_from(["pandas", "polars", "pyarrow"]))
def test_round_trip(rows, directed, backend):
    sources, targets, weights = zip(*rows, strict=True)
    graph = Graph.from_edges(
        sources, targets, weights, relations=["even" if w % 2 else "odd" for w in weights],
        directed=directed,
    )  # fmt: skip
    frame = graph.to_frame(backend)
    assert type(frame).__module__.startswith(backend)
    assert list(frame.columns if backend != "pyarrow" else frame.column_names) == [
        "source", "target", "weight", "relation",
    ]  # fmt: skip
    assert len(frame) == graph.n_edges
    again = Graph.from_frame(frame, weight="weight", relation="relation", directed=directed)
    assert_same_graph(graph, again)


def test_to_frame_of_plain_graphs():
    table = Graph.from_edges([4], [2]).to_frame("pyarrow")
    assert table.to_pydict() == {"source": [2], "target": [4]}
    assert Graph.from_edges([], [], nodes=["a"]).to_frame("pyarrow").num_rows == 0
    with pytest.raises(ValueError, match=r"Unknown backend 'dask' \(known: pandas, polars, pyar"):
        Graph.from_edges([4], [2]).to_frame("dask")


def test_tables_load_no_other_library():
    # pyarrow loads pandas by itself where it is installed.
    code = (
        "import sys, pyarrow as pa; from graphembed.graph import Graph;"
        "Graph.from_frame(pa.table({'a': [1], 'b': [2]})).to_frame('pyarrow');"
        "sys.exit(' '.join({'polars', 'networkx', 'torch', 'numba', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (1, "\n")


def test_names_that_are_numbers():
    frame = pd.DataFrame([[1, 2, 9], [2, 3, 9]], columns=[2, 1, 5])
    graph = Graph.from_frame(frame, source=2, target=1, weight=5)
    assert graph.nodes.tolist() == [1, 2, 3]
    assert graph.weights[0] == 9
    with pytest.raises(GraphError, match="Column 7 is not there"):
        Graph.from_frame(frame, source=2, target=7)


def test_one_column_is_no_frame():
    with pytest.raises(GraphError, match="got a Series"):
        Graph.from_frame(pd.Series([1, 2]))
