"""Files of triples, as graphembed fit, rank and ask take them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import graphembed as ge
from graphembed.store.writing import write_graph

FIT = ("-m", "transe", "-d", 4, "-p", "n_epochs=5")


def facts(run, *args):
    return json.loads(run("fit", *args, "--json").stdout)


def test_it_learns_what_the_library_learns(run, triples):
    lines = run(
        "fit", "train.tsv", "-m", "transe", "--head", 0, "--relation", 1, "--tail", 2, "-d", 8,
        "-p", "norm=1", "--validation", "valid.tsv",
    ).stdout.splitlines()  # fmt: skip
    rows = [line.split("\t") for line in (triples / "train.tsv").read_text().splitlines()]
    expected = ge.TransE(n_components=8, norm=1, random_state=0)
    expected.fit(rows, validation=[("nice", "in", "france")])
    model = ge.load("model")
    np.testing.assert_array_equal(model.embedding_, expected.embedding_)
    np.testing.assert_array_equal(model.relation_embedding_, expected.relation_embedding_)
    assert model.entities_.tolist() == expected.entities_.tolist()
    assert lines[0] == "train.tsv: 10 entities, 9 triples, 2 relations"
    assert lines[1] == "TransE(n_components=8, norm=1, random_state=0)"
    assert lines[3].startswith("valid.tsv: MRR 0.")
    assert lines[3].endswith(f"after {model.best_epoch_} of {model.n_iter_} epochs")
    assert lines[4].startswith("model/: 10 x 8 vectors, ")


def test_vectors_alone_are_written_too(run, triples):
    found = facts(run, "train.tsv", *FIT, "-o", "v.parquet", "--validation", "valid.tsv")
    assert ge.Vectors.from_parquet("v.parquet").matrix.shape == (10, 4)
    assert (found["n_nodes"], found["n_edges"], found["n_relations"]) == (10, 9, 2)
    assert found["n_epochs"] == found["best_epoch"] == 5
    assert 0 < found["validation_mrr"] <= 1
    assert found["parameters"]["n_epochs"] == 5


NAMES = ["tail", "weight", "relation", "head"]
ROWS = [("y", 2.0, "r", "x"), ("z", 1.0, "s", "x")]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "t.feather"])
def test_columns_are_found_by_their_names(run, folder, name):
    table = pa.Table.from_pylist([dict(zip(NAMES, row, strict=True)) for row in ROWS])
    if name == "t.parquet":
        pq.write_table(table, name)
    elif name == "t.feather":
        feather.write_feather(table, name, compression="uncompressed")
    else:
        mark = "," if name == "t.csv" else "\t"
        lines = [NAMES, *(map(str, row) for row in ROWS)]
        (folder / name).write_text("".join(mark.join(line) + "\n" for line in lines))
    assert not facts(run, name, *FIT)["weighted"]
    model = ge.load("model")
    assert model.entities_.tolist() == ["x", "y", "z"]
    assert model.relations_.tolist() == ["r", "s"]
    assert model.triples_.tolist() == [[0, 0, 1], [0, 1, 2]]


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("a r b\n", ()),
        ("Subject Predicate Object\na r b\n", ()),
        ("a b r\n", ("--tail", 1, "--relation", 2)),
        ("a x r b\n", ("--head", 0, "--relation", 2, "--tail", 3)),
        ("from kind to x\na r b 1\n", ("--head", "from", "--relation", "kind", "--tail", "to")),
        ("from kind to x\na r b 1\n", ("--source", 0, "--relation", "kind", "--target", 2)),
    ],
)
def test_columns_may_be_named(run, folder, text, args):
    (folder / "t.txt").write_text(text)
    run("fit", "t.txt", *FIT, *args)
    assert ge.load("model").entities_.tolist() == ["a", "b"]
    assert ge.load("model").relations_.tolist() == ["r"]


def test_ids_of_other_files_are_of_the_kind_that_was_fitted(run, folder):
    (folder / "text.txt").write_text("1 1 x\nx 1 2\n")
    (folder / "numbers.txt").write_text("1 1 2\n2 1 3\n")
    pq.write_table(pa.table({"h": [1], "r": [1], "t": [2]}), "numbers.parquet")
    run("fit", "text.txt", *FIT)
    assert ge.load("model").entities_.tolist() == ["1", "2", "x"]
    run("rank", "model", "numbers.parquet")
    found = json.loads(run("rank", "model", "numbers.txt", "--json").stdout)
    assert (found["n_triples"], found["n_unseen"]) == (2, 1)
    run("fit", "numbers.txt", *FIT, "--validation", "numbers.parquet")
    assert ge.load("model").entities_.tolist() == [1, 2, 3]
    said = run("rank", "model", "text.txt", code=2).stderr
    assert "text.txt: the entities that the model knows are integers, but one is 'x' here." in said


def test_a_store_is_fitted(run, triples):
    columns = ("--head", 0, "--relation", 1, "--tail", 2)
    run("import", "train.tsv", "store/", "--directed", *columns)
    run("fit", "store/", *FIT)
    stored = ge.load("model").embedding_
    run("fit", "train.tsv", *FIT)
    np.testing.assert_array_equal(stored, ge.load("model").embedding_)
    assert "knows its columns" in run("fit", "store/", *FIT, *columns, code=2).stderr
    run("import", "edges.csv", "plain/")
    assert "no relations" in run("fit", "plain/", *FIT, code=2).stderr


def test_a_store_is_fitted_within_a_limit(run, folder):
    rng = np.random.default_rng(0)
    graph = ge.Graph.from_edges(
        *rng.integers(600, size=(2, 3000)), relations=rng.integers(3, size=3000), directed=True
    )
    write_graph(graph, folder / "store", n_partitions=6)
    limited = ("--memory-limit", "1800kB", "--workdir", "work/", "-d", 64, "-p", "n_negatives=64")
    found = facts(run, "store/", "-m", "distmult", *limited, "-p", "n_epochs=2")
    assert found["parameters"]["memory_limit"] == "1800kB"
    assert (folder / "work" / "entities.npy").exists()  # only if memory did not do
    assert len(run("ask", "model", 0, 1, "-k", 3).stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["train.tsv", "-m", "trasne"], "Did you mean 'transe'?"),
        (["train.tsv", *FIT, "-p", "nrom=1"], "Did you mean 'norm'?"),
        (["train.tsv", *FIT, "-p", "norm=3"], "'norm' parameter of TransE"),
        (["train.tsv", *FIT, "--weight", "1"], "has no use for weights"),
        (["train.tsv", *FIT, "--relation", "kind"], "no column 'kind'"),
        (["train.tsv", *FIT, "--relation", "3"], "has no column 3"),
        (["train.tsv", *FIT, "--relation", "0"], "one column has two roles"),
        (["train.tsv", *FIT, "--validation", "vaild.tsv"], "There is no file vaild.tsv"),
        (["train.tsv", *FIT, "-o", "./valid.npy", "--validation", "valid.npy"], "would replace"),
        (["train.tsv", *FIT, "-o", "train.tsv/"], "there is a file of that name"),
        (["trian.tsv", *FIT], "There is no file"),
        (["typo.csv", *FIT], "typo.csv, line 3: expected 3 fields as in the first line, found 2"),
        (["gap.csv", *FIT], "gap.csv, line 2: the target is empty"),
        (["wide.csv", *FIT], "--head 0 --relation 1 --tail 2"),
        (["edges.csv", "--validation", "valid.tsv"], "is for models of knowledge graphs"),
        (["cut.parquet", *FIT], "not a readable Parquet file"),
        (["cut.feather", *FIT], "not a readable Arrow file"),
        (["matrix.mtx", *FIT], "is a matrix"),
    ],
)
def test_what_cannot_work_is_said_and_nothing_is_written(run, triples, args, said):
    (triples / "typo.csv").write_text("rome,in,italy\npisa,in,italy\noslo,in;norway\n")
    (triples / "gap.csv").write_text("rome,in,italy\npisa,in,\n")
    (triples / "wide.csv").write_text("rome,in,italy,1\n")
    (triples / "valid.npy").write_bytes((triples / "valid.tsv").read_bytes())
    for name in ("cut.parquet", "cut.feather", "matrix.mtx"):
        (triples / name).write_bytes(b"PAR1")
    before = sorted(triples.rglob("*"))
    assert said in run("fit", *args, code=2).stderr
    assert sorted(triples.rglob("*")) == before
