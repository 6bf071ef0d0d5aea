from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import graphembed as ge
from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.graph.ids import NodeIndex
from graphembed.knowledge.triples import (
    extend,
    holds_triples,
    index_triples,
    known_rows,
    triple_columns,
    triple_rows,
)

NAMED = [("rome", "in", "italy"), ("oslo", "in", "norway"), ("italy", "near", "norway")]
COLUMNS = {
    "h": [name for name, _, _ in NAMED],
    "r": [name for _, name, _ in NAMED],
    "t": [name for _, _, name in NAMED],
}


def graph(triples=NAMED, **options):
    heads, relations, tails = zip(*triples, strict=True)
    return ge.Graph.from_edges(heads, tails, relations=relations, directed=True, **options)


def by_name(triples):
    return {
        (
            triples.entities.to_numpy()[h],
            triples.relations.to_numpy()[r],
            triples.entities.to_numpy()[t],
        )
        for h, r, t in triples.rows
    }


@pytest.mark.parametrize(
    "X",
    [
        NAMED,
        [list(triple) for triple in NAMED],
        [np.array(triple) for triple in NAMED],
        np.array(NAMED),
        np.array(NAMED, dtype=object),
        pd.DataFrame(NAMED),
        pd.DataFrame(COLUMNS),
        pl.DataFrame(NAMED, schema=["a", "b", "c"], orient="row"),
        pl.DataFrame(COLUMNS).lazy(),
        pa.table(COLUMNS),
        graph(),
    ],
    ids=lambda X: type(X).__name__,
)
def test_every_kind_of_input_is_the_same_triples(X):
    triples = index_triples(X)
    assert by_name(triples) == set(NAMED)
    assert triples.entities.to_numpy().tolist() == ["italy", "norway", "oslo", "rome"]
    assert triples.relations.to_numpy().tolist() == ["in", "near"]
    assert triples.rows.dtype == np.int64


def test_columns_of_a_table_are_found_by_name():
    table = pd.DataFrame({"target": ["b"], "weight": [2.0], "relation": ["r"], "source": ["a"]})
    assert by_name(index_triples(table)) == {("a", "r", "b")}
    with pytest.raises(GraphError, match="columns target, weight, relation, from"):
        index_triples(table.rename(columns={"source": "from"}))


def test_ints_and_names_may_be_mixed_by_column():
    triples = index_triples([(7, "likes", 9), (9, "likes", 7)])
    assert triples.entities.to_numpy().tolist() == [7, 9]
    assert triples.rows.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert index_triples(np.array([[0.0, 1.0, 2.0]])).rows.tolist() == [[0, 0, 1]]


def test_a_graph_keeps_its_nodes():
    nodes = ["rome", "oslo", "paris", "italy", "norway"]
    triples = index_triples(graph(nodes=nodes))
    assert triples.entities.to_numpy().tolist() == nodes
    assert by_name(triples) == set(NAMED)


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=30), st.randoms())
def test_order_and_repetition_do_not_matter(rows, random):
    again = rows + rows[:3]
    random.shuffle(again)
    first, second = index_triples(rows), index_triples(again)
    assert_array_equal(first.rows, second.rows)
    assert len(first.rows) == len(set(rows))
    assert first.entities == second.entities


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([], "no triples"),
        (np.empty((0, 3), dtype=int), "no triples"),
        (np.zeros((4, 2), dtype=int), r"shape \(4, 2\)"),
        (np.zeros(3, dtype=int), r"shape \(3,\)"),
        (
            [("a", "r", "b"), ("a", "b")],
            r"1 of the 2 rows are no triples, the first is \('a', 'b'\)",
        ),
        (["abc", "abd"], "2 of the 2 rows are no triples"),
        ("triples.tsv", "read_edges"),
        (Path("triples.tsv"), "read_edges"),
        (None, "NoneType"),
        (nx.path_graph(3), "Graph"),
        (sp.eye_array(3), "eye|csr|dia|array"),
        (np.array([[0.5, 1, 2]]), "whole"),
        ([("a", "r", None)], "missing"),
        (ge.Graph.from_edges(["a"], ["b"]), "no relations"),
        (ge.Graph.from_edges(["a"], ["b"], relations=["r"]), "directed=True"),
    ],
)
def test_what_is_no_triples_is_one_clear_error(X, message):
    with pytest.raises(GraphError, match=message):
        index_triples(X)


def test_columns_of_a_graph_are_its_ids():
    columns = triple_columns(graph([(5, "r", 3)]))
    assert columns.heads.tolist() == [5]
    assert columns.tails.tolist() == [3]


def test_triple_rows_keep_the_order_given():
    known = index_triples(NAMED)
    rows = triple_rows(NAMED[::-1] + NAMED[:1], known.entities, known.relations)
    assert rows.tolist() == [[0, 1, 1], [2, 0, 1], [3, 0, 0], [3, 0, 0]]
    with pytest.raises(UnknownNodeError, match="given relations is not among the 2 known"):
        triple_rows([("rome", "far", "oslo")], known.entities, known.relations)


def test_unknown_ids_are_named_with_what_is_similar():
    index = NodeIndex.from_ids(["greece", "italy", "Norway"])
    with pytest.raises(UnknownNodeError, match=r"'grece'. Did you mean 'greece'"):
        known_rows(index, ["italy", "grece"])
    with pytest.raises(UnknownNodeError, match="Did you mean 'Norway'"):
        known_rows(index, "norway")
    with pytest.raises(UnknownNodeError, match=r"7 of .* are .* and 2 more. Check"):
        known_rows(index, [f"{number}{number}" for number in range(7)])
    with pytest.raises(UnknownNodeError, match="1 and '1' differ"):
        known_rows(NodeIndex.from_ids([3, 4]), 5)
    assert known_rows(index, np.array(["italy", "greece"])).tolist() == [1, 0]


def test_extend_puts_what_is_new_behind():
    known = index_triples(NAMED)
    grown = extend(
        [("rome", "in", "europe"), ("atlantis", "below", "sea")], known.entities, known.relations
    )
    assert grown.entities.to_numpy().tolist()[4:] == ["atlantis", "europe", "sea"]
    assert grown.relations.to_numpy().tolist() == ["in", "near", "below"]
    assert grown.rows.tolist() == [[3, 0, 5], [4, 2, 6]]
    same = extend(NAMED, known.entities, known.relations)
    assert same.entities is known.entities
    assert_array_equal(same.rows, known.rows)
    with pytest.raises(UnknownNodeError, match="below"):
        extend([("a", "below", "b")], known.entities, known.relations, new_relations=False)
    with pytest.raises(GraphError, match="fitted entities are str"):
        extend([(1, "in", 2)], known.entities, known.relations)


def test_extend_takes_all_nodes_of_a_graph():
    known = index_triples(NAMED)
    grown = extend(graph(nodes=["rome", "italy", "oslo", "norway", "lonely"]), *known[1:])
    assert grown.entities.to_numpy().tolist()[4:] == ["lonely"]


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (NAMED, True),
        (np.array(NAMED), True),
        (pd.DataFrame(NAMED), True),
        (pa.table(COLUMNS), True),
        (graph(), True),
        (["rome", "oslo"], False),
        ("rome", False),
        (np.array([1, 2, 3]), False),
        ([["rome"], ["oslo"]], False),
        (np.array([["rome"], ["oslo"]]), False),
        (pd.Series(["rome"]), False),
        ([], False),
    ],
)
def test_ids_and_triples_are_told_apart(X, expected):
    assert holds_triples(X) is expected
