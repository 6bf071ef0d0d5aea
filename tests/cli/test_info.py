import json

import numpy as np
import pytest
import scipy.sparse as sp

import graphembed as ge
from graphembed.cli.info import describe_graph
from graphembed.store.writing import write_graph


def test_a_file_of_edges(run):
    facts = json.loads(run("info", "edges.csv", "--json").stdout)
    assert facts["kind"] == "graph"
    assert (facts["nodes"], facts["edges"]) == (6, 7)
    assert facts["weighted"]
    assert not facts["directed"]
    assert facts["degree"] == {"min": 2, "median": 2, "mean": pytest.approx(14 / 6), "max": 3}
    assert facts["weights"]["max"] == 3
    assert (facts["components"], facts["largest_component"], facts["isolated"]) == (1, 6, 0)
    shown = run("info", "edges.csv").stdout
    assert shown.startswith("edges.csv: graph\n")
    assert "min 2, median 2, mean 2.333, max 3" in shown


def test_columns_and_directions(run, folder):
    (folder / "e.txt").write_text("1 a 2\n2 b 3\n")
    facts = json.loads(
        run("info", "e.txt", "--directed", "--target", 2, "--relation", 1, "--json").stdout
    )
    assert facts["relations"] == ["a", "b"]
    assert facts["out_degree"]["max"] == facts["in_degree"]["max"] == 1


def test_isolated_nodes_and_components():
    graph = ge.Graph.from_edges([0, 2], [1, 2], nodes=range(5), directed=True)
    facts = describe_graph(graph)
    assert facts["isolated"] == 2
    assert facts["components"] == 4
    assert facts["largest_component"] == 2


def test_memory_counts_all_arrays():
    features = sp.csr_array(np.eye(3, dtype=np.float32))
    plain = ge.Graph.from_edges([0, 1], [1, 2])
    rich = plain.with_features(features)
    used = sum(
        array.nbytes for array in (features.data, rich.features.indices, rich.features.indptr)
    )
    assert describe_graph(plain)["memory_bytes"] == plain.indptr.nbytes + plain.indices.nbytes
    assert describe_graph(rich)["memory_bytes"] == describe_graph(plain)["memory_bytes"] + used
    assert describe_graph(rich)["features"] == 3


def test_vectors_models_and_graphs(run, fitted):
    facts = json.loads(run("info", fitted, "--json").stdout)
    assert (facts["kind"], facts["nodes"], facts["dimensions"]) == ("vectors", 6, 8)
    assert facts["first_nodes"] == ["alice", "bob", "carol", "dan", "erin"]
    run("fit", "edges.csv", "-d", 8, "-o", "model/")
    model = json.loads(run("info", "model", "--json").stdout)
    assert model["kind"] == "Spectral"
    assert model["parameters"]["n_components"] == 8
    assert "parameters" in run("info", "model").stdout
    ge.save(ge.read_edges("edges.csv"), "graph")
    assert json.loads(run("info", "graph", "--json").stdout)["edges"] == 7


def test_a_parquet_file_of_edges_is_a_graph(run, folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"source": [1, 2], "target": [2, 3]}), "e.parquet")
    assert json.loads(run("info", "e.parquet", "--json").stdout)["edges"] == 2


def test_a_damaged_file_or_folder_is_named(run, folder):
    (folder / "x.parquet").write_text("not parquet")
    (folder / "empty").mkdir()
    assert "x.parquet" in run("info", "x.parquet", code=2).stderr
    assert "empty" in run("info", "empty", code=2).stderr


def test_every_file_that_fit_writes(run, folder):
    for name in ("v.npy", "v.txt", "v.parquet"):
        run("fit", "edges.csv", "-d", 8, "-o", name)
        facts = json.loads(run("info", name, "--json").stdout)
        assert (facts["kind"], facts["nodes"], facts["dimensions"]) == ("vectors", 6, 8)
    (folder / "e.txt").write_text("4 1\n1 2\n")
    assert json.loads(run("info", "e.txt", "--json").stdout)["edges"] == 2
    run("fit", "edges.csv", "-d", 8, "-o", "model/")
    assert "normalize True" in run("info", "model").stdout


def test_a_store(run, folder):
    graph = ge.read_edges(folder / "edges.csv")
    write_graph(graph, folder / "store", n_partitions=2)
    facts = json.loads(run("info", "store", "--verify", "--json").stdout)
    assert (facts["kind"], facts["nodes"], facts["edges"]) == ("store", 6, 7)
    assert (facts["partitions"], facts["node_ids"], facts["weighted"]) == (2, "str", True)
    assert facts["degree"]["max"] == 3
    assert facts["edges_of_a_bucket"]["mean"] == 7 / 4
    assert facts["disk_bytes"] == sum(path.stat().st_size for path in folder.glob("store/*/*"))
    assert facts["verified"] is True
    shown = run("info", "store").stdout
    assert shown.startswith("store: store\n")
    assert "verified" not in shown


def test_a_damaged_store(run, folder):
    graph = ge.Graph.from_edges(["a"], ["b"], relations=["r"], features=np.ones((2, 3)))
    write_graph(graph, folder / "store")
    facts = json.loads(run("info", "store", "--json").stdout)
    assert (facts["relations"], facts["features"]) == (["r"], 3)
    content = bytearray((folder / "store" / "csr" / "indices.npy").read_bytes())
    content[-1] ^= 1
    (folder / "store" / "csr" / "indices.npy").write_bytes(content)
    run("info", "store")  # says nothing about what it does not read
    failed = run("info", "store", "--verify", code=2)
    assert "indices.npy is damaged: its content is not what was written" in failed.stderr
    failed = run("info", "edges.csv", "--verify", code=2)
    assert "--verify is for stores" in failed.stderr
