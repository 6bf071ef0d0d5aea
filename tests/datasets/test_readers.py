import io
import json

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.datasets import readers
from graphembed.exceptions import UnknownNodeError

TRIANGLE = b"0\t1\n1\t2\n2\t0\n"


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_edge_list_keeps_the_ids_of_the_file():
    graph = readers.edge_list({"edges": b"30\t7\n7\t12\n"})["graph"]
    assert_array_equal(graph.nodes, [7, 12, 30])
    assert not graph.directed
    assert not graph.weighted


def test_edge_list_with_weights_and_isolated_nodes():
    files = {"edges": b"0 1 -2.5\n1 0 4\n"}
    columns = ["source", "target", "weight"]
    graph = readers.edge_list(files, delimiter=" ", columns=columns, directed=True, n_nodes=4)[
        "graph"
    ]
    assert graph.n_nodes == 4
    assert_allclose(graph.edge_weights(), [-2.5, 4])


def test_edge_list_replaces_infinite_weights_on_request():
    columns = ["source", "target", "weight"]
    graph = readers.edge_list({"edges": b"0\t1\tinf\n1\t2\t3\n"}, columns=columns, infinite=1)[
        "graph"
    ]
    assert_allclose(graph.edge_weights(), [1, 3])


def test_edge_list_with_labels_that_have_a_format_of_their_own():
    files = {"edges": b"10,20\n20,30\n", "labels": b"node label\n30 c\n10 n\n"}
    fields = readers.edge_list(files, delimiter=",", labels={"delimiter": " ", "skip": 1})
    assert_array_equal(fields["labels"], [1, -1, 0])
    assert fields["label_names"] == ("c", "n")


def test_edge_list_keeps_times_in_a_table():
    columns = ["source", "target", "weight", "time"]
    fields = readers.edge_list({"edges": b"5\t3\t-1\t1289241911.5\n"}, columns=columns)
    assert fields["edge_table"].column_names == columns
    assert fields["edge_table"]["time"].to_pylist() == [1289241911.5]


def test_edge_list_refuses_an_id_out_of_range():
    with pytest.raises(UnknownNodeError, match="2"):
        readers.edge_list({"edges": TRIANGLE}, n_nodes=2)


def test_hypernyms_point_from_hyponym_to_hypernym():
    files = {
        "closure": b"dog.n.01\tcanine.n.02\ndog.n.01\t'animal.n.01\ncanine.n.02\t'animal.n.01\n",
        "direct": b"dog.n.01\tcanine.n.02\t@\ncanine.n.02\t'animal.n.01\t@i\n",
    }
    fields = readers.hypernyms(files)
    graph = fields["graph"]
    assert graph.directed
    assert graph.nodes[graph.edges()].tolist() == [
        ["canine.n.02", "'animal.n.01"],
        ["dog.n.01", "'animal.n.01"],
        ["dog.n.01", "canine.n.02"],
    ]
    assert fields["splits"]["direct_pairs"].tolist() == [
        ["dog.n.01", "canine.n.02"],
        ["canine.n.02", "'animal.n.01"],
    ]


def test_memberships_are_a_line_for_each_label():
    fields = readers.memberships({"edges": TRIANGLE, "labels": b"0\t2\n2\n"}, n_nodes=4, n_labels=2)
    assert_array_equal(fields["labels"].toarray(), [[1, 0], [0, 0], [1, 1], [0, 0]])


def test_memberships_with_one_label_a_node_are_a_column():
    files = {"edges": TRIANGLE, "labels": b"0\t2\n1\n"}
    fields = readers.memberships(files, n_nodes=3, n_labels=2, single_label=True)
    assert_array_equal(fields["labels"], [0, 1, 0])


NODE_FILES = {
    "edges": b"id_1,id_2\n0,1\n1,1\n",
    "nodes": b"id,days,mature,new_id\n9,3,True,1\n8,5,False,0\n9,4,True,1\n",
    "features": b'{"1": [2, 0, 2], "0": []}',
}


def test_node_table_is_in_the_order_of_the_nodes_each_once():
    fields = readers.node_table(NODE_FILES, key="new_id", label="mature", n_features=3)
    assert_array_equal(fields["labels"], [0, 1])
    assert fields["label_names"] == ("False", "True")
    assert fields["node_table"].to_pydict() == {"id": [8, 9], "days": [5, 3]}
    assert_array_equal(fields["graph"].features.toarray(), [[0, 0, 0], [1, 0, 1]])
    assert fields["graph"].n_edges == 2


def test_node_table_without_label_and_features():
    fields = readers.node_table({**NODE_FILES, "nodes": b"id,target\n1,7\n0,2\n"})
    assert fields["node_table"].to_pydict() == {"target": [2, 7]}
    assert fields["graph"].features is None
    assert "labels" not in fields


def test_genres_become_a_matrix():
    files = {"edges": b"a,b\n0,2\n", "genres": b'{"2": ["Rock", "Pop"], "0": ["Rock"], "1": []}'}
    fields = readers.genres(files)
    assert fields["label_names"] == ("Pop", "Rock")
    assert_array_equal(fields["labels"].toarray(), [[0, 1], [0, 0], [1, 1]])
    assert fields["graph"].n_nodes == 3


def test_csr_arrays_may_be_read_undirected():
    content = npz(
        adj_indptr=np.array([0, 1, 3]), adj_indices=np.array([1, 0, 1]), label=np.array([4, 2]),
        attr_indptr=np.array([0, 1, 1]), attr_indices=np.array([2]), attr_shape=np.array([2, 3]),
    )  # fmt: skip
    fields = readers.csr_arrays({"arrays": content})
    assert fields["graph"].n_edges == 2
    assert_array_equal(fields["labels"], [1, 0])
    assert_array_equal(fields["graph"].features.toarray(), [[0, 0, 1], [0, 0, 0]])
    assert readers.csr_arrays({"arrays": content}, directed=True)["graph"].n_edges == 3


def test_planetoid_split_and_unlabelled_nodes():
    content = npz(
        edges=np.array([[0, 1], [1, 2]]), label=np.array([1, -1, 0], dtype=np.int16),
        attr_indptr=np.array([0, 1, 1, 2]), attr_indices=np.array([0, 1]),
        attr_shape=np.array([3, 2]), attr_data=np.array([0.5, 2.0]),
        train=np.array([2]), val=np.array([0]), test=np.array([1]),
    )  # fmt: skip
    fields = readers.planetoid({"arrays": content})
    assert_array_equal(fields["labels"], [1, -1, 0])
    assert_array_equal(fields["splits"]["train"], [False, False, True])
    assert_allclose(fields["graph"].features.toarray(), [[0.5, 0], [0, 0], [0, 2]])


def test_matlab():
    buffer = io.BytesIO()
    adjacency = sp.csc_matrix(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=float))
    group = sp.csc_matrix(np.array([[1, 0], [1, 1], [0, 0]], dtype=float))
    scipy.io.savemat(buffer, {"network": adjacency, "group": group})
    fields = readers.matlab({"matrices": buffer.getvalue()}, edges="network", labels="group")
    assert_array_equal(fields["graph"].edges(), [[0, 1], [1, 2]])
    assert_array_equal(fields["labels"].toarray(), group.toarray())
    assert fields["labels"].dtype == np.int8


def test_geom_gcn():
    files = {
        "edges": b"node_id\tnode_id\n1\t0\n1\t1\n",
        "nodes": b"node_id\tfeature\tlabel\n1\t0,1,1\t4\n0\t1,0,0\t3\n",
    }
    for fold in range(2):
        masks = {f"{part}_mask": np.array([part == "train", part != "train"]) for part in
                 ("train", "val", "test")}  # fmt: skip
        files[f"split_{fold}"] = npz(**masks)
    fields = readers.geom_gcn(files)
    assert fields["graph"].directed
    assert_array_equal(fields["graph"].features.toarray(), [[1, 0, 0], [0, 1, 1]])
    assert_array_equal(fields["labels"], [0, 1])
    assert_array_equal(fields["splits"]["train"], [[True, True], [False, False]])


def test_hgcn_airport_cuts_the_last_column_into_labels():
    rows = [[1, 2, 3, 4, activity] for activity in (0.5, 1.0, 1.2, 8.0)]
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    fields = readers.hgcn_airport({"edges": TRIANGLE, "features": text.encode()})
    assert_array_equal(fields["labels"], [0, 1, 2, 3])
    assert_array_equal(fields["graph"].features, [[1, 2, 3, 4]] * 4)


def test_hgcn_disease_with_and_without_features():
    files = {"edges": b"0,1\n0,2\n", "labels": npy(np.array([0.0, 1.0, 1.0]))}
    fields = readers.hgcn_disease(files)
    assert_array_equal(fields["labels"], [0, 1, 1])
    assert fields["graph"].features is None
    buffer = io.BytesIO()
    sp.save_npz(buffer, sp.csr_matrix(np.diag([1.0, 2.0, 3.0])))
    fields = readers.hgcn_disease({**files, "features": buffer.getvalue()})
    assert_array_equal(fields["graph"].features.toarray(), np.diag([1, 2, 3]))


def test_labels_in_json_may_be_in_any_order():
    shuffled = {"edges": b"a,b\n0,1\n", "genres": json.dumps({"1": ["x"], "0": ["y"]}).encode()}
    assert_array_equal(readers.genres(shuffled)["labels"].toarray(), [[0, 1], [1, 0]])
