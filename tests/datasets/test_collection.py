import io
import json

import numpy as np
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.datasets import collection
from graphembed.graph.builders import from_edges


def test_edge_lists_have_options_of_their_own():
    files = {"b": b"1\t0\n", "b_labels": b"0\tx\n1\ty\n", "a": b"0\t1\t2.5\n"}
    options = {"a": {"columns": ["source", "target", "weight"]}, "b": {"labels": {}, "n_nodes": 3}}
    members = collection.edge_lists(files, graphs=options)["members"]
    assert list(members) == ["a", "b"]
    assert_allclose(members["a"]["graph"].edge_weights(), [2.5])
    assert members["b"]["graph"].n_nodes == 3
    assert members["b"]["label_names"] == ("x", "y")


def test_matlab_files():
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"net": sp.csc_matrix(np.array([[0.0, 1.0], [1.0, 0.0]]))})
    members = collection.matlab_files({"Power": buffer.getvalue()}, edges="net")["members"]
    assert members["Power"]["graph"].n_edges == 1


def test_disjoint_union_names_nodes_by_graph():
    first = from_edges([0, 1], [1, 1])
    second = from_edges(["x"], ["y"], [3.0])
    union = collection.disjoint_union({"a": first, "b": second})
    assert union.nodes.tolist() == ["a/0", "a/1", "b/x", "b/y"]
    assert_array_equal(union.edges(), [[0, 1], [1, 1], [2, 3]])
    assert_allclose(union.edge_weights(), [1, 1, 3])


SMALL = b"2\n3 5\n1 1 1\n0 2 0 2\n1 1 1\n2 7\n0 1 1\n0 1 0\n"


def folds():
    rows = {}
    for fold in range(1, 11):
        rows |= {f"train-{fold}": [fold % 2], f"test-{fold}": [1 - fold % 2]}
    return json.dumps(rows).encode()


def test_small_graphs_are_cut_from_their_union():
    fields = collection.small_graphs({"graphs": SMALL, "folds": folds()})
    assert_array_equal(fields["graph"].edges(), [[0, 1], [1, 2], [3, 4]])
    assert list(fields["graphs"]) == [0, 1]
    path, edge = fields["graphs"].values()
    assert_array_equal(path.edges(), [[0, 1], [1, 2]])
    assert_array_equal(path.features, [[0, 1], [1, 0], [0, 1]])
    assert_array_equal(edge.edges(), [[0, 1]])
    assert_array_equal(edge.nodes, [0, 1])
    assert_array_equal(fields["graph_labels"], [0, 1])


def test_folds_are_masks_over_graphs():
    splits = collection.small_graphs({"graphs": SMALL, "folds": folds()})["splits"]
    assert splits["train"].shape == (2, 10)
    assert_array_equal(splits["train"], ~splits["test"])
    assert_array_equal(splits["train"][:, 0], [False, True])
