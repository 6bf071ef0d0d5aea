import copy
from pathlib import Path
from typing import Any

import igraph
import joblib
import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import graphembed as ge
from graphembed.base import BaseEmbedder
from graphembed.exceptions import GraphError
from graphembed.testing import graphs


def test_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        BaseEmbedder()


def test_not_fitted() -> None:
    for use in (lambda m: m.transform(np.eye(2)), lambda m: m.vectors_, lambda m: m.nodes_):
        with pytest.raises((NotFittedError, AttributeError)):
            use(ge.FastRP())


def test_the_ten_lines() -> None:
    graph = ge.Graph.from_edges(["ann", "bob", "cyd"], ["bob", "cyd", "ann"])
    model = ge.FastRP(n_components=8, random_state=0).fit(graph)
    assert model.nodes_.tolist() == ["ann", "bob", "cyd"]
    assert model.vectors_["ann"].shape == (8,)
    assert model.vectors_.neighbors(["ann"], k=2).ids.shape == (1, 2)


def test_transform_of_a_graph_mixes_known_and_new() -> None:
    graph = graphs.two_cliques()
    model = ge.FastRP(16, random_state=0).fit(graph)
    grown = ge.Graph.from_edges(["new", "new", "a3"], ["a1", "other", "b2"])
    rows = model.transform(grown)
    by_id = dict(zip(grown.nodes, rows, strict=True))
    for known in ("a1", "a3", "b2"):
        np.testing.assert_array_equal(by_id[known], model.vectors_[known])
    block = np.zeros((1, graph.n_nodes))
    block[0, list(graph.nodes).index("a1")] = 1
    np.testing.assert_array_equal(by_id["new"], model.transform(block)[0])
    assert not by_id["other"].any()  # its only edge leads to a node that is new itself


def test_transform_refuses_negative_edges_of_new_nodes() -> None:
    model = ge.FastRP(16, random_state=0).fit(graphs.two_cliques())
    with pytest.raises(GraphError, match="non-negative"):
        model.transform(ge.Graph.from_edges(["new"], ["a1"], [-1.0]))


def test_negative_weights_message() -> None:
    with pytest.raises(GraphError, match=r"non-negative edge weights; the smallest is -2"):
        ge.FastRP().fit(ge.Graph.from_edges([0, 1], [1, 2], [1.0, -2.0]))


def test_rectangle_message() -> None:
    with pytest.raises(GraphError, match=r"square adjacency matrix; got shape \(2, 3\)"):
        ge.FastRP().fit(np.ones((2, 3)))


def test_clone_shares_nothing_learned() -> None:
    model = ge.FastRP(8, random_state=0).fit(graphs.two_cliques())
    assert not hasattr(clone(model), "embedding_")


def test_pandas_output() -> None:
    graph = graphs.two_cliques()
    frame = ge.FastRP(4, random_state=0).set_output(transform="pandas").fit_transform(graph)
    assert frame.columns.tolist() == ["fastrp0", "fastrp1", "fastrp2", "fastrp3"]
    assert len(frame) == graph.n_nodes


def test_grid_search_over_an_adjacency() -> None:
    """Cross-validation slices rows and columns: training folds are induced subgraphs."""
    graph = graphs.two_cliques()
    labels = np.array([node[0] == "a" for node in graph.nodes])
    pipeline = make_pipeline(ge.FastRP(random_state=0), LogisticRegression())
    search = GridSearchCV(pipeline, {"fastrp__n_components": [8, 16]}, cv=3, n_jobs=2)
    search.fit(graph.to_scipy(), labels)
    assert search.best_score_ > 0.9


def test_fitted_model_travels_to_workers() -> None:
    model = ge.FastRP(8, random_state=0).fit(graphs.two_cliques())
    rows = joblib.Parallel(n_jobs=2)(
        joblib.delayed(model.transform)(graphs.two_cliques()) for _ in range(2)
    )
    np.testing.assert_array_equal(rows[0], model.embedding_)


@pytest.mark.parametrize("use", ["fit", "transform"])
def test_graphs_of_other_libraries_and_paths(use: str) -> None:
    model = ge.FastRP(4).fit(np.eye(3))
    for given, maker in (
        (nx.path_graph(3), "from_networkx"),
        (igraph.Graph(3), "from_igraph"),
        ("edges.csv", "read_edges"),
        (Path("edges.csv"), "read_edges"),
    ):
        with pytest.raises(GraphError, match=maker):
            getattr(model, use)(given)


def test_a_graph_has_no_column_names() -> None:
    frame = pd.DataFrame(np.ones((2, 2)), columns=["a", "b"])
    model = ge.FastRP(4).fit(frame)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    model.fit(graphs.two_cliques())
    assert not hasattr(model, "feature_names_in_")


def test_copies_hold_the_vectors_once() -> None:
    model = ge.FastRP(4, random_state=0).fit(graphs.two_cliques())
    before = list(model.__getstate__())
    ids = model.vectors_.nodes
    assert list(model.__getstate__()) == [name for name in before if name != "_vectors"]
    assert copy.deepcopy(model).vectors_.nodes.tolist() == ids.tolist()


def test_transform_refuses_ids_of_the_other_kind() -> None:
    model = ge.FastRP(4, random_state=0).fit(ge.Graph.from_edges([1, 2], [2, 3]))
    with pytest.raises(GraphError, match="are ints, those of this graph are str"):
        model.transform(ge.Graph.from_edges(["1"], ["2"]))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_tables_of_edges(make: Any) -> None:
    edges = make({"source": ["ann", "bob", "cat"], "target": ["bob", "cat", "ann"]})
    with pytest.raises(GraphError, match=r"graphembed.Graph.from_frame\(X\)"):
        ge.FastRP(4).fit(edges)


def test_one_column_is_no_table() -> None:
    with pytest.raises(ValueError, match="2D array"):
        ge.FastRP(4).fit(pa.chunked_array([[1.0, 2.0]]))
