import json

import numpy as np
import pytest

import graphembed as ge


@pytest.fixture
def karate(folder):
    """Zachary's karate club, with names for ids, and its labels."""
    data = ge.datasets.load("karate")
    lines = (f"k{u},k{v}" for u, v in data.graph.nodes[data.graph.edges()])
    (folder / "karate.csv").write_text("source,target\n" + "\n".join(lines))
    labels = (
        f"k{node},class {label}" for node, label in zip(data.graph.nodes, data.labels, strict=True)
    )
    (folder / "labels.csv").write_text("node,label\n" + "\n".join(labels))
    return "karate.csv"


def test_links(run, karate):
    args = ("evaluate", karate, "-m", "fastrp", "-d", 8, "--n-splits", 2)
    lines = run(*args).stdout.splitlines()
    assert lines[0] == "karate.csv: 34 nodes, 78 edges, undirected, unweighted"
    assert lines[1].split()[:3] == ["method", "kind", "AUC"]
    assert len(lines) == 2 + 6
    document = json.loads(run(*args, "--json", "--no-baselines").stdout)
    (one,) = document["results"]
    assert (one["method"], document["parameters"]["fastrp"]["n_components"]) == ("fastrp", 8)
    library = ge.compare(
        ge.read_edges(karate), {"fastrp": ge.FastRP(8)}, n_splits=2, baselines=None
    )
    assert tuple(one["scores"]["auc"]) == library["fastrp"].scores["auc"]


def test_labels_and_a_picture(run, karate, folder):
    shown = run(
        "evaluate", karate, "-m", "fastrp", "-m", "line", "-d", 8, "--labels", "labels.csv",
        "--plot", "quality.png",
    ).stdout  # fmt: skip
    assert "micro-F1" in shown
    assert "most_frequent" in shown
    assert shown.endswith("quality.png: quality against seconds\n")
    assert (folder / "quality.png").read_bytes().startswith(b"\x89PNG")


def test_labels_of_other_nodes_are_left_out(run, karate, folder):
    with (folder / "labels.csv").open("a") as labels:
        labels.write("\nstranger,class 0\nk99,class 1")
    args = ("evaluate", karate, "-d", 8, "--labels", "labels.csv", "--n-splits", 1, "--json")
    with pytest.warns(
        UserWarning, match=r"^2 nodes in labels.csv are not in .*: 'stranger', 'k99'"
    ):
        document = json.loads(run(*args).stdout)
    assert document["predicted"] == "labels"


def test_columns_formats_and_several_labels(run, folder):
    rng = np.random.default_rng(0)
    (folder / "e.tsv").write_text("".join(f"{i}\t{j}\n" for i, j in rng.integers(0, 30, (90, 2))))
    rows = "".join(f"{i % 3},x,{i}\n" for i in range(30))
    (folder / "n.csv").write_text("group,junk,who\n" + rows + "1,x,0\n")
    args = ("evaluate", "e.tsv", "--directed", "-d", 4, "--labels", "n.csv", "--node-column", "who")
    found = json.loads(run(*args, "--label-column", "group", "--json").stdout)
    assert found["metrics"] == ["micro_f1", "macro_f1"]
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"node": range(30), "label": ["a", "b"] * 15}), "n.parquet")
    run("evaluate", "e.tsv", "-d", 4, "--labels", "n.parquet", "--n-splits", 1)


def test_parameters_go_where_they_are_known(run, karate):
    found = json.loads(
        run(
            "evaluate", karate, "-m", "fastrp", "-m", "jaccard", "-m", "LINE", "-d", 4,
            "-p", "LINE.random-state=7", "-p", "density=0.5", "--n-splits", 1, "--json",
        ).stdout
    )["parameters"]  # fmt: skip
    assert (found["fastrp"]["n_components"], found["fastrp"]["density"]) == (4, 0.5)
    assert (found["LINE"]["n_components"], found["LINE"]["random_state"]) == (4, 7)
    assert found["jaccard"] == {"n_jobs": -1}


def test_one_that_fails_is_a_row_and_all_that_fail_an_error(run, karate):
    bad = ("-m", "deepwalk", "-p", "deepwalk.walks_per_node=[1]")
    args = ("evaluate", karate, "-d", 4, "--n-splits", 1, "--no-baselines")
    shown = run(*args, "-m", "fastrp", *bad).stdout
    assert shown.splitlines()[-1].startswith("deepwalk  embedding")
    assert "Error: " in shown
    assert "deepwalk failed." in run(*args, *bad, code=2).stderr


def test_a_graph_of_trees(run, folder):
    (folder / "trees.csv").write_text(
        "source,target\n" + "".join(f"a,b{i}\nc,d{i}\n" for i in range(9))
    )
    args = ("evaluate", "trees.csv", "-d", 4, "--n-splits", 1)
    assert "keep_connected" in run(*args, code=2).stderr
    assert "spectral" in run(*args, "--no-keep-connected").stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["karate.csv", "-m", "fastpr"], "Did you mean 'fastrp'?"),
        (["karate.csv", "-m", "fastrp", "-m", "FastRP"], "-m FastRP is given twice"),
        (["karate.csv", "-m", "jaccard", "-d", "8"], "None of the methods has a parameter 'n_comp"),
        (["karate.csv", "-p", "exponnt=1"], "Did you mean 'exponent'?"),
        (["karate.csv", "-p", "exponent"], "KEY=VALUE"),
        (["karate.csv", "-p", "line.n_epochs=1"], "not among the methods"),
        (["karate.csv", "-p", "lien.n_epochs=1"], "Did you mean 'line'?"),
        (["karate.csv", "-p", "spectral.exponnt=1"], "Did you mean 'exponent'?"),
        (["karate.csv", "-p", "exponent=99"], "'exponent' parameter of Spectral"),
        (["karate.csv", "--task", "label"], "Unknown task 'label'"),
        (["karate.csv", "--task", "labels"], "--labels FILE"),
        (["karate.csv", "--task", "links", "--labels", "labels.csv"], "--labels are for"),
        (["karate.csv", "--labels", "labelz.csv"], "There is no file labelz.csv"),
        (["karate.csv", "--labels", "one.csv"], "--labels expects one node and its label"),
        (["karate.csv", "--labels", "edges.csv"], "None of the nodes in edges.csv"),
        (["karate.csv", "--labels", "labels.csv", "--label-column", "lable"], "'lable'"),
        (["karate.csv", "--labels", "labels.csv", "-m", "katz"], "'katz' predicts links"),
        (["typo.csv"], "typo.csv, line 3"),
        (["karate.csv", "--operator", "dot"], "Unknown operator 'dot'"),
        (["karate.csv", "--test-size", "2"], "test_size"),
        (["karate.csv", "--plot", "quality.txt"], "--plot quality.txt: expected"),
        (["karate.csv", "--plot", "no/quality.png"], "There is no folder"),
    ],
)
def test_what_cannot_work_is_said_and_nothing_is_written(run, karate, folder, args, said):
    (folder / "typo.csv").write_text("source,target\nalice,bob\nbob;carol\ncarol,dan\n")
    (folder / "one.csv").write_text("node\nk1\nk2\n")
    before = sorted(folder.rglob("*"))
    assert said in run("evaluate", *args, code=2).stderr
    assert sorted(folder.rglob("*")) == before


def test_without_matplotlib_the_extra_is_named(run, karate, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    assert "[viz]" in run("evaluate", karate, "--plot", "a.png", code=2).stderr
