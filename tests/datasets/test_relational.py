import io

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from graphembed.datasets import relational
from graphembed.exceptions import GraphEmbedError

FILES = {
    "train": b"b\tlikes\ta\nb\tlikes\ta\na\tknows\tb\n",
    "valid": b"a\tlikes\tb\n",
    "test": b"007\tknows\ta\n",
}


def test_triples_are_numbered_by_name():
    fields = relational.triples(FILES)
    assert fields["entities"].tolist() == ["007", "a", "b"]
    assert fields["relations"] == ("knows", "likes")
    assert_array_equal(fields["train"], [[2, 1, 1], [2, 1, 1], [1, 0, 2]])
    assert_array_equal(fields["valid"], [[1, 1, 2]])
    assert_array_equal(fields["test"], [[0, 0, 1]])


def test_the_graph_of_triples_holds_train_once_and_every_entity():
    graph = relational.triples(FILES)["graph"]
    assert_array_equal(graph.triples(), [[1, 0, 2], [2, 1, 1]])
    assert graph.n_nodes == 3
    assert graph.directed


def test_numbered_triples_put_the_relation_last():
    files = {
        "train": b"2\r\n0 2 1\r\n1 0 0\r\n",
        "valid": b"1\n2 1 0\n",
        "test": b"1\n1 2 1\n",
        "entities": b"3\nc\t2\na\t0\nb\t1\n",
        "relations": b"2\nknows\t1\nlikes\t0\n",
    }
    fields = relational.numbered_triples(files)
    assert_array_equal(fields["train"], [[0, 1, 2], [1, 0, 0]])
    assert fields["entities"].tolist() == ["a", "b", "c"]
    assert fields["relations"] == ("likes", "knows")


def test_numbered_triples_refuse_a_name_twice():
    files = {"train": b"1\n0 1 0\n", "valid": b"1\n0 1 0\n", "test": b"1\n0 1 0\n",
             "entities": b"2\na\t0\na\t1\n", "relations": b"1\nr\t0\n"}  # fmt: skip
    with pytest.raises(GraphEmbedError):
        relational.numbered_triples(files)


def test_multiplex_keeps_edge_types_and_held_out_pairs():
    files = {
        "train": b"1 30 10\n2 30 10\n1 10 30\n",
        "valid": b"1 10 20 1\n1 20 30 0\n",
        "test": b"2 20 30 1\n",
    }
    fields = relational.multiplex(files)
    graph, splits = fields["graph"], fields["splits"]
    assert graph.nodes.tolist() == [10, 20, 30]
    assert graph.relations == ("1", "2")
    assert_array_equal(graph.triples(), [[0, 0, 2], [0, 1, 2]])
    assert_array_equal(splits["val_pairs"], [[10, 20], [20, 30]])
    assert_array_equal(splits["val_labels"], [1, 0])
    assert_array_equal(splits["test_relations"], [1])
    assert splits["test_labels"].dtype == np.int8


def test_interactions_join_users_and_items():
    ratings = np.array([[1, 0, 1], [0, 1, 0]], dtype=np.float32)
    adjacency = sp.bmat([[None, ratings], [ratings.T, None]], format="csr")
    buffer = io.BytesIO()
    sp.save_npz(buffer, adjacency)
    files = {"train": buffer.getvalue(), "test": b"0 1\n1 2 0 \n"}
    fields = relational.interactions(files, n_users=2, n_items=3)
    graph = fields["graph"]
    assert graph.nodes.tolist() == ["u0", "u1", "i0", "i1", "i2"]
    assert graph.nodes[graph.edges()].tolist() == [["u0", "i0"], ["u0", "i2"], ["u1", "i1"]]
    pairs = [["u0", "i1"], ["u1", "i2"], ["u1", "i0"]]
    assert fields["splits"]["test_pairs"].tolist() == pairs
