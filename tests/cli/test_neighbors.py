import json

import numpy as np
import pytest

import graphembed as ge


def test_neighbours_lie_in_the_triangle(run, fitted):
    lines = run("neighbors", fitted, "alice", "erin", "-k", 2).stdout.splitlines()
    assert lines[0].split() == ["query", "rank", "node", "cosine"]
    rows = [line.split() for line in lines[1:]]
    assert {row[2] for row in rows if row[0] == "alice"} == {"bob", "carol"}
    assert {row[2] for row in rows if row[0] == "erin"} == {"dan", "frank"}
    assert [row[1] for row in rows] == ["1", "2", "1", "2"]


def test_json_is_what_the_library_says(run, fitted):
    document = json.loads(run("neighbors", fitted, "alice", "-k", 3, "--json").stdout)
    found = ge.Vectors.from_parquet(fitted).neighbors(["alice"], k=3)
    (answer,) = document["neighbors"]
    assert answer["node"] == "alice"
    assert [near["node"] for near in answer["neighbors"]] == found.ids[0].tolist()
    assert [near["score"] for near in answer["neighbors"]] == found.scores[0].tolist()
    assert [near["rank"] for near in answer["neighbors"]] == [1, 2, 3]
    assert document["geometry"] == "cosine"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Alice", "Did you mean alice?"),
        ("alise", "Did you mean alice?"),
        ("fran", "Did you mean frank?"),
        ("zoe", "Known are alice, bob, carol"),
        ("1", "Unknown node '1' among 6."),
        ("", "Unknown node ''"),
    ],
)
def test_an_unknown_node_gets_near_spellings(run, fitted, typed, said):
    assert said in run("neighbors", fitted, "bob", typed, code=2).stderr


def test_ids_typed_as_numbers_are_numbers_where_the_ids_are(run, folder):
    ge.Vectors([-3, 5, 1000], np.eye(3, dtype=np.float32)).to_parquet("v.parquet")
    assert run("neighbors", "v.parquet", "1000").stdout.split()[4] == "1000"
    document = json.loads(run("neighbors", "v.parquet", "--json", "--", "-3").stdout)
    assert document["neighbors"][0]["node"] == -3
    assert "integer ids, such as -3" in run("neighbors", "v.parquet", "x", code=2).stderr
    assert "Known are -3, 5, 1000" in run("neighbors", "v.parquet", "6", code=2).stderr
    assert "integer ids" in run("neighbors", "v.parquet", "9" * 30, code=2).stderr


def test_what_holds_no_vectors_is_refused(run, folder):
    graph = ge.read_edges("edges.csv")
    ge.save(graph, "graph")
    assert "holds a Graph" in run("neighbors", "graph", "alice", code=2).stderr
    assert "Cannot tell the format" in run("neighbors", "edges.csv", "alice", code=2).stderr


def test_ids_cannot_send_escapes_to_the_terminal(run, folder):
    ge.Vectors(["a", "\x1b[31mred"], np.eye(2, dtype=np.float32)).to_parquet("v.parquet")
    assert "\\x1b[31mred" in run("neighbors", "v.parquet", "a").stdout
