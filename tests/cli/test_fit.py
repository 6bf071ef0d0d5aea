import json

import numpy as np
import pytest

import graphembed as ge
from graphembed.datasets.synthetic import rmat
from graphembed.embedders import line
from graphembed.store.writing import write_graph
from graphembed.training import buckets
from graphembed.training.edges import LineTrainer


def test_it_writes_what_the_library_computes(run):
    result = run("fit", "edges.csv", "-m", "fastrp", "-d", 8, "-o", "v.parquet")
    written = ge.Vectors.from_parquet("v.parquet")
    graph = ge.read_edges("edges.csv")
    expected = ge.FastRP(n_components=8, random_state=0).fit(graph)
    np.testing.assert_array_equal(written.matrix, expected.embedding_)
    np.testing.assert_array_equal(written.nodes, expected.nodes_)
    first, method, seconds, last = result.stdout.splitlines()
    assert first == "edges.csv: 6 nodes, 7 edges, undirected, weighted"
    assert method == "FastRP(n_components=8, random_state=0)"
    assert seconds.startswith("read ")
    assert last.startswith("v.parquet: 6 x 8 vectors, ")
    assert result.stderr == ""


@pytest.mark.parametrize("name", ["v.npy", "v.txt", "v.PARQUET", "model/"])
def test_the_name_of_the_output_says_the_format(run, name):
    run("fit", "edges.csv", "-d", 8, "-o", name)
    near = run("neighbors", name.rstrip("/"), "alice", "-k", 1).stdout
    assert near.split()[-2] == "bob"


def test_a_folder_holds_the_model(run):
    run("fit", "edges.csv", "-d", 8, "-o", "model/")
    run("fit", "edges.csv", "-d", 4, "-o", "model/")  # replaces its own
    assert ge.load("model").embedding_.shape == (6, 4)


def test_columns_directions_and_parameters_reach_the_library(run, folder):
    (folder / "e.tsv").write_text("1\tx\t2\t5\n2\ty\t3\t1\n")
    facts = json.loads(
        run(
            "fit", "e.tsv", "-m", "fastrp", "--source", 0, "--target", 2, "--weight", 3,
            "--relation", 1, "--directed", "-d", 4, "-p", "weights=[1, 1]", "-p", "normalize=False",
            "--random-state", 7, "--n-jobs", 1, "--json",
        ).stdout
    )  # fmt: skip
    assert (facts["n_nodes"], facts["n_edges"]) == (3, 2)
    assert facts["directed"]
    assert facts["weighted"]
    assert facts["parameters"]["weights"] == [1, 1]
    assert facts["parameters"]["normalize"] is False
    assert facts["parameters"]["random_state"] == 7
    assert facts["parameters"]["n_jobs"] == 1
    assert facts["shape"] == [3, 4]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Which graph?"),
        (["edges.csv", "-m", "fastpr"], "Did you mean 'fastrp'?"),
        (["edges.csv", "-p", "exponnt=0.5"], "Did you mean 'exponent'?"),
        (["edges.csv", "-p", "exponent"], "KEY=VALUE"),
        (["edges.csv", "-p", "exponent=high"], "'exponent' parameter of Spectral"),
        (["edges.csv", "-d", "0"], "'n_components' parameter of Spectral"),
        (["edges.csv", "-d", "8", "-p", "n_components=9"], "given twice"),
        (["edges.csv", "--weight", "wieght"], "weight"),
        (["edges.csv", "-o", "v.csv"], ".parquet"),
        (["edges.csv", "-o", "no/such/v.parquet"], "There is no folder"),
        (["edges.csv", "-o", "taken.parquet"], "is a folder"),
        (["edges.csv", "-o", "edges.csv/"], "there is a file of that name"),
        (["edges.csv", "-o", "full/"], "holds other files"),
        (["e.npy", "-o", "./e.npy"], "would replace the file of edges"),
    ],
)
def test_what_cannot_work_is_said_and_nothing_is_written(run, folder, args, said):
    (folder / "taken.parquet").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "thesis.tex").write_text("")
    before = sorted(folder.rglob("*"))
    assert said in run("fit", *args, code=2).stderr
    assert sorted(folder.rglob("*")) == before


def test_a_store_is_fitted_within_a_limit(run):
    run("import", "edges.csv", "store/")
    options = ("-m", "fastrp", "-d", 32, "-p", "weights=[1, 1]")
    run("fit", "edges.csv", *options, "-o", "expected.parquet")
    facts = json.loads(
        run("fit", "store/", *options, "--memory-limit", "1200", "-o", "v.parquet", "--json").stdout
    )
    assert facts["parameters"]["memory_limit"] == "1200"
    assert (facts["n_nodes"], facts["n_edges"], facts["weighted"]) == (6, 7, True)
    expected, found = (ge.Vectors.from_parquet(f) for f in ("expected.parquet", "v.parquet"))
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    np.testing.assert_array_equal(found.nodes, expected.nodes)
    for args, said in [
        (("--directed",), "Leave out --directed"),
        (("--weight", "2"), "Leave out --weight"),
        (("-m", "fastrp", "--memory-limit", "much"), "memory_limit must be"),
        (("-m", "fastrp", "--memory-limit", "100"), "memory_limit is too low"),
        (
            ("-m", "deepwalk", "--memory-limit", "1GB"),
            "atth, complex, distmult, fastrp, line, re",
        ),
        (
            ("-m", "deepwalk", "--workdir", "w"),
            "atth, complex, distmult, fastrp, graphsage, line, re",
        ),
        (
            ("-m", "fastrp", "--resume"),
            "Methods that have it: atth, complex, distmult, graphsage, line, re",
        ),
        (("-m", "line", "--resume"), "--resume needs --workdir"),
        (("-m", "line", "--workdir", "edges.csv"), "edges.csv is a file"),
        (("-m", "line", "--workdir", "./store"), "--workdir and EDGES are both"),
        (("-m", "line", "--workdir", "out", "-o", "out/"), "--workdir and -o are both"),
    ]:
        assert said in run("fit", "store/", *args, code=2).stderr


def test_a_run_that_was_interrupted_is_resumed(run, folder, monkeypatch):
    """The steps before the interrupt are not done again, and the bits are those of one run."""
    write_graph(rmat(9, 8, random_state=0), folder / "store", n_partitions=6)
    monkeypatch.setattr(line, "BUFFER_BYTES", 0)  # of so small a graph, they are small
    open_run = buckets.open_run
    monkeypatch.setattr(  # a checkpoint after each step
        buckets, "open_run", lambda *args, **kw: open_run(*args, **kw | {"checkpoint_every": 0.0})
    )
    steps, interrupts, train = [], [30], LineTrainer.train

    def counted(self, step, *args):
        if len(steps) in interrupts:
            raise KeyboardInterrupt
        steps.append((step.epoch, step.number))
        return train(self, step, *args)

    monkeypatch.setattr(LineTrainer, "train", counted)
    command = (
        "fit", "store/", "-m", "line", "-d", 16, "-p", "order=second", "-p", "n_epochs=2",
        "--memory-limit", "72000", "--workdir", "line/", "--resume", "-o",
    )  # fmt: skip
    stopped = run(*command, "v.parquet", code=130).stderr
    assert "Stopped in epoch 2 of 2. The run is in line/run" in stopped
    assert "--resume" in stopped
    assert not (folder / "v.parquet").exists()
    without = [word for word in command if word != "--resume"]
    assert "There is a run in line/run" in run(*without, "v.parquet", code=2).stderr
    interrupts.clear()
    run(*command, "v.parquet")
    assert steps == [(epoch, number) for epoch in (0, 1) for number in range(21)]
    assert not (folder / "line" / "run").exists()

    monkeypatch.setattr(LineTrainer, "train", train)
    whole = [word if word != "line/" else "other/" for word in command]
    facts = json.loads(run(*whole, "whole.parquet", "--json").stdout)
    assert facts["parameters"]["workdir"] == "other/"
    expected, found = (ge.Vectors.from_parquet(f) for f in ("whole.parquet", "v.parquet"))
    np.testing.assert_array_equal(found.matrix, expected.matrix)
    np.testing.assert_array_equal(found.nodes, expected.nodes)


def test_the_output_is_checked_before_anything_is_read(run):
    assert "There is no folder" in run("fit", "missing.csv", "-o", "no/v.npy", code=2).stderr


def test_a_bad_line_is_named(run, folder):
    (folder / "bad.csv").write_text("source,target\n1,2\n3\n")
    assert "bad.csv" in run("fit", "bad.csv", code=2).stderr


def test_list_parameters(run):
    shown = run("fit", "--list-parameters").stdout
    assert "regularization" in shown
    assert "Columns of the embedding" in shown
    listed = json.loads(run("fit", "--list-parameters", "--json").stdout)
    names = [parameter["name"] for parameter in listed["parameters"]]
    assert set(names) == set(ge.Spectral().get_params())
    assert all(parameter["description"] for parameter in listed["parameters"])


def test_an_interrupted_run_with_one_file_for_its_state_says_how_to_go_on(
    folder, capsys, monkeypatch
):
    from graphembed.cli.fit import fit_or_say_how_to_go_on
    from graphembed.message_passing import trainer

    def stop(end):
        if end.epoch == 2:
            raise KeyboardInterrupt

    def interrupted():
        model = ge.GraphSAGE(4, hidden=4, workdir="run", callbacks=stop, random_state=0)
        with pytest.raises(KeyboardInterrupt):
            fit_or_say_how_to_go_on(model, ge.datasets.load("karate").graph)
        return capsys.readouterr().err

    assert interrupted() == ""  # there is nothing to go on from yet
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", 0)
    assert interrupted().endswith("in run. The option is --resume.\n")
    assert (folder / "run" / "checkpoint.safetensors").is_file()
