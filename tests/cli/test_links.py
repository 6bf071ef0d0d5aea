import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import graphembed as ge


def test_it_prints_what_the_library_ranks(run):
    shown = run("links", "edges.csv", "-d", 4, "--top", 3).stdout.splitlines()
    graph = ge.read_edges("edges.csv")
    model = ge.LinkPredictor(ge.Spectral(4, random_state=0), random_state=0).fit(graph)
    pairs, scores = model.top_links(3)
    assert shown[0].split() == ["rank", "source", "target", "score"]
    rows = [line.split() for line in shown[1:]]
    assert [row[1:3] for row in rows] == pairs.tolist()
    assert [row[0] for row in rows] == ["1", "2", "3"]
    np.testing.assert_allclose([float(row[3]) for row in rows], scores, atol=6e-4)


def test_links_of_some_nodes(run):
    document = json.loads(
        run("links", "edges.csv", "-m", "adamic_adar", "--node", "alice", "--node", "dan",
            "-k", 2, "--json").stdout
    )  # fmt: skip
    assert document["method"] == "AdamicAdar"
    assert document["operator"] == "score"
    links = document["links"]
    assert [(link["source"], link["rank"]) for link in links] == [
        ("alice", 1), ("alice", 2), ("dan", 1), ("dan", 2)
    ]  # fmt: skip
    assert links[0]["target"] == "dan"  # by way of carol
    assert links[2]["target"] in ("alice", "bob")


def test_a_node_that_lacks_fewer_links_shows_fewer(run):
    links = json.loads(
        run("links", "edges.csv", "-d", 4, "--node", "carol", "-k", 20, "--json").stdout
    )["links"]
    assert {link["target"] for link in links} == {"erin", "frank"}


@pytest.mark.parametrize("name", ["new.csv", "new.tsv", "new.parquet"])
def test_what_it_writes_can_be_read_as_edges(run, name):
    shown = run("links", "edges.csv", "-d", 4, "-k", 5, "-o", name).stdout.splitlines()
    assert shown[0] == "edges.csv: 6 nodes, 7 edges, undirected, weighted"
    assert shown[-1] == f"{name}: 5 links"
    graph = ge.read_edges(name)
    assert graph.n_edges == 5
    if name.endswith(".parquet"):
        assert pq.read_table(name).column_names == ["source", "target", "score"]


def test_directed_graphs_integers_and_every_operator(run, folder):
    rng = np.random.default_rng(0)
    lines = "\n".join(f"{u} {v}" for u, v in rng.integers(1000, 1020, size=(60, 2)))
    (folder / "e.txt").write_text(lines)
    for operator in ("hadamard", "concat", "score"):
        args = ("links", "e.txt", "--directed", "-d", 4, "--operator", operator, "--json")
        document = json.loads(run(*args).stdout)
        known = {tuple(map(int, line.split())) for line in lines.splitlines()}
        assert len(document["links"]) == 20
        assert not known & {(link["source"], link["target"]) for link in document["links"]}
    assert "," not in run("links", "e.txt", "-d", 4).stdout


def test_two_components(run, folder):
    (folder / "two.csv").write_text("source,target\na,b\nb,c\nc,d\nx,y\ny,z\n")
    assert len(run("links", "two.csv", "-m", "katz", "-k", 4).stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["edges.csv", "-m", "fastpr"], "Did you mean 'fastrp'?"),
        (["edges.csv", "-m", "jaccard", "-d", "8"], "Jaccard has no parameter 'n_components'"),
        (["edges.csv", "-m", "jaccard", "--operator", "l1"], "has scores but no embedding"),
        (["edges.csv", "--operator", "dot"], "Unknown operator 'dot'"),
        (["edges.csv", "--node", "alcie"], "Did you mean alice"),
        (["edges.csv", "--top", "0"], "--top"),
        (["edgse.csv"], "There is no file"),
        (["edges.csv", "--source", "sorce"], "sorce"),
        (["typo.csv"], "typo.csv, line 3"),
        (["edges.csv", "-o", "links.json"], "expected a name ending in .csv, .tsv or .parquet"),
        (["edges.csv", "-o", "no/links.csv"], "There is no folder"),
        (["edges.csv", "-o", "taken.csv"], "is a folder"),
        (["edges.csv", "-o", "./edges.csv"], "would replace the file of edges"),
        (["edges.csv", "-p", "exponnt=1"], "Did you mean 'exponent'?"),
    ],
)
def test_what_cannot_work_is_said_and_nothing_is_written(run, folder, args, said):
    (folder / "taken.csv").mkdir()
    (folder / "typo.csv").write_text("source,target\nalice,bob\nbob;carol\ncarol,dan\n")
    before = sorted(folder.rglob("*"))
    assert said in run("links", *args, code=2).stderr
    assert sorted(folder.rglob("*")) == before
