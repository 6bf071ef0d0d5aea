import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed import Graph
from graphembed.exceptions import UnknownNodeError
from graphembed.graph.transforms import disjoint_union
from graphembed.message_passing.targets import Targets, decode

GRAPH = Graph.from_edges(["b", "c", "d"], ["a", "b", "c"])  # nodes a, b, c, d
NAN = np.nan


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        ([3, 5, 3, -1], [3, 5], [0, 1, 0, -1]),
        (np.array([1.0, NAN, 0.0, -1.0]), [0, 1], [1, -1, 0, -1]),
        (["y", "x", None, "y"], ["x", "y"], [1, 0, -1, 1]),
        ([True, False, True, True], [False, True], [1, 0, 1, 1]),
        ([[3], [5], [3], [-1]], [3, 5], [0, 1, 0, -1]),
        (pd.Series([1, 2, pd.NA, 1], dtype="Int64"), [1, 2], [0, 1, -1, 0]),
        (pd.Series(["y", "x"], index=["d", "b"]), ["x", "y"], [-1, 0, -1, 1]),
        ({"d": "y", "a": "x", "b": None}, ["x", "y"], [0, -1, -1, 1]),
    ],
)
def test_one_label_for_each_node(y, classes, codes) -> None:
    targets = Targets.parse(GRAPH, y)
    assert (targets.kind, targets.matrix) == ("multiclass", None)
    assert targets.classes_.tolist() == classes
    assert targets.codes.dtype == np.int64
    assert targets.codes.tolist() == codes
    assert_array_equal(targets.mask, targets.codes >= 0)


@pytest.mark.parametrize(
    "y",
    [
        [[1, 0], [NAN, NAN], [1, 1], [0, 0]],
        np.array([[1, 0], [-1, -1], [1, 1], [0, 0]]),
        sp.csr_array([[1, 0], [NAN, 0], [1, 1], [0, 0]]),
        sp.csr_matrix([[1, 0], [-1, -1], [1, 1], [0, 0]]),
        pd.DataFrame([[1, 0], [None, None], [1, 1], [0, 0]], columns=["x", "y"]),
        {"a": ["x"], "c": {"x", "y"}, "d": []},
    ],
)
def test_any_number_of_labels(y) -> None:
    targets = Targets.parse(GRAPH, y)
    assert (targets.kind, targets.codes) == ("multilabel", None)
    assert targets.classes_.tolist() == (["x", "y"] if isinstance(y, dict) else [0, 1])
    assert targets.matrix.dtype == np.float32
    assert_array_equal(targets.matrix, [[1, 0], [0, 0], [1, 1], [0, 0]])
    assert targets.mask.tolist() == [True, False, True, True]


def test_classes_of_an_earlier_call_are_kept() -> None:
    targets = Targets.parse(GRAPH, ["z", None, "z", "z"], classes=["x", "y", "z"])
    assert targets.codes.tolist() == [2, -1, 2, 2]
    assert targets.classes_.tolist() == ["x", "y", "z"]
    several = Targets.parse(GRAPH, {"a": ["z", "x"], "d": []}, classes=["x", "y", "z"])
    assert several.matrix[[0, 3]].tolist() == [[1, 0, 1], [0, 0, 0]]
    assert several.mask.tolist() == [True, False, False, True]
    named = Targets.parse(GRAPH, np.eye(4)[:, :3], classes=["x", "y", "z"])
    assert named.classes_.tolist() == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("y", "classes", "error", "said"),
    [
        (None, None, ValueError, "needs y"),
        ([1, 2], None, ValueError, "each of the 4 nodes"),
        ([-1, None, NAN, -1], None, ValueError, "all 4 nodes are unlabelled"),
        (np.full((4, 2), NAN), None, ValueError, "all 4 nodes are unlabelled"),
        ([1, -1, 1, -1], None, ValueError, "only one class, 1; .*number classes from 0"),
        ([0.5, 1.0, 2.0, 1.0], None, ValueError, "0.5, which is not whole"),
        ([[1, 0], [1, 1], [0, 3], [0, 0]], None, ValueError, "row 2, column 1 is 3"),
        ([[1, 0], [1, NAN], [0, 1], [0, 0]], None, ValueError, "row 1, column 1 is nan"),
        ([["x", "y"]] * 4, None, ValueError, "matrix of 0s and 1s"),
        (["x", "w", "x", "x"], ["x", "y"], ValueError, "'w', which is not among the 2 classes"),
        (np.eye(4), ["x", "y"], ValueError, "must have 2 columns"),
        ({"z": 1}, None, UnknownNodeError, "'z'"),
    ],
)
def test_unusable_labels_are_named(y, classes, error, said) -> None:
    with pytest.raises(error, match=said):
        Targets.parse(GRAPH, y, classes=classes)


def test_labels_of_several_graphs_follow_each_other() -> None:
    other = Graph.from_edges([7], [9])
    joined = disjoint_union([GRAPH, other, other])
    targets = Targets.parse_all([GRAPH, other, other], [["x", "y", None, "x"], None, {9: "z"}])
    assert len(targets.mask) == joined.n_nodes
    assert targets.classes_.tolist() == ["x", "y", "z"]
    assert targets.codes.tolist() == [0, 1, -1, 0, -1, -1, -1, 2]
    mixed = Targets.parse_all([GRAPH, other], [[1, 2, 1, 2], ["a", "b"]])
    assert mixed.classes_.tolist() == ["1", "2", "a", "b"]


def test_classes_of_an_earlier_call_are_those_of_several_graphs() -> None:
    other = Graph.from_edges([7], [9])
    known = ["x", "y", "z"]
    targets = Targets.parse_all([GRAPH, other], [None, ["z", "y"]], classes=known)
    assert targets.classes_.tolist() == known
    assert targets.codes.tolist() == [-1, -1, -1, -1, 2, 1]
    one = Targets.parse_all([other], [["z", None]], classes=known)
    assert one.codes.tolist() == [2, -1], "one class is enough, where more are known"
    with pytest.raises(ValueError, match="'w', which is not among the 3 classes"):
        Targets.parse_all([GRAPH, other], [["x", "y", "z", "x"], ["w", None]], classes=known)
    several = Targets.parse_all([other], [{7: ["z", "x"]}], classes=known)
    assert_array_equal(several.matrix, [[1, 0, 1], [0, 0, 0]])


def test_values_are_codes_or_the_matrix() -> None:
    targets = Targets.parse(GRAPH, ["y", "x", None, "y"])
    assert targets.values.tolist() == [1, 0, -1, 1]
    targets = Targets.parse(GRAPH, np.eye(4)[:, :2])
    assert targets.values.dtype == np.float32
    assert_array_equal(targets.values, np.eye(4)[:, :2])


def test_labels_of_another_form_are_told_of() -> None:
    targets = Targets.parse(GRAPH, ["y", "x", None, "y"])
    targets.check_kind("multiclass")
    with pytest.raises(ValueError, match="fit has any number of labels for each, and these have"):
        targets.check_kind("multilabel")


def test_indicators_of_several_graphs_follow_each_other() -> None:
    other = Graph.from_edges([7], [9])
    targets = Targets.parse_all([other, GRAPH, other], [None, np.eye(4), sp.eye_array(2, 4)])
    assert_array_equal(targets.matrix, np.vstack([np.zeros((2, 4)), np.eye(4), np.eye(2, 4)]))
    assert targets.mask.tolist() == [False] * 2 + [True] * 6
    by_id = Targets.parse_all([other, GRAPH], [{7: ["y", "z"]}, {"a": ["x", "y"], "b": []}])
    assert by_id.classes_.tolist() == ["x", "y", "z"]
    assert_array_equal(by_id.matrix[:3], [[0, 1, 1], [0, 0, 0], [1, 1, 0]])
    assert by_id.mask.tolist() == [True, False, True, True, False, False]


@pytest.mark.parametrize(
    ("ys", "said"),
    [
        ([[1, 2, 1, 2]], "needs one y of each"),
        ([None, None], "no graph has labels"),
        ([[1, 2, 1, 2], np.eye(4)], "of one form.*\\(4,\\), \\(4, 4\\)"),
        ([np.eye(4)[:, :2], np.eye(4)], "the same columns"),
        ([[1, 2, 1, 2], {"a": ["x", "y"]}], "Put single labels in lists"),
    ],
)
def test_labels_of_several_graphs_must_match(ys, said) -> None:
    with pytest.raises(ValueError, match=said):
        Targets.parse_all([GRAPH, GRAPH], ys)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=4, max_size=4))
def test_decoded_scores_are_the_labels(y) -> None:
    if len({*y} - {None}) < 2:
        return
    targets = Targets.parse(GRAPH, y)
    scores = np.eye(len(targets.classes_))[targets.codes[targets.mask]]
    assert targets.decode(scores).tolist() == [label for label in y if label is not None]


def test_several_labels_are_decoded_by_sign() -> None:
    found = decode("multilabel", np.array(["x", "y"]), [[-0.1, 0.1], [3, 0]])
    assert found.dtype == np.int64
    assert found.tolist() == [[0, 1], [1, 0]]
