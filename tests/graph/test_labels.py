import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from graphembed import Graph
from graphembed.exceptions import UnknownNodeError
from graphembed.graph.labels import labels_in_rows, number_labels

GRAPH = Graph.from_edges(["b", "c", "d"], ["a", "b", "c"])  # nodes a, b, c, d


@pytest.mark.parametrize(
    ("values", "classes", "codes"),
    [
        (np.array([3, 5, 3, -1]), [3, 5], [0, 1, 0, -1]),
        (np.array([0.0, np.nan, 2.0, -1.0]), [0.0, 2.0], [0, -1, 1, -1]),
        (np.array([True, False]), [False, True], [1, 0]),
        (np.array(["y", "-1"]), ["-1", "y"], [1, 0]),
        (np.array([7, None, pd.NA, "a", np.nan], dtype=object), ["7", "a"], [0, -1, -1, 1, -1]),
        (np.array([None, -1], dtype=object), [], [-1, -1]),
        (np.array([], dtype=np.int64), [], []),
    ],
)
def test_labels_are_numbered_in_ascending_order(values, classes, codes) -> None:
    found, numbers = number_labels(values)
    assert found.tolist() == classes
    assert numbers.dtype == np.int64
    assert numbers.tolist() == codes


def test_labels_come_in_row_order() -> None:
    for labels in ([1, 2, 3, 4], pd.Series([1, 2, 3, 4]), np.array([1, 2, 3, 4])):
        assert labels_in_rows(GRAPH, labels)[0].tolist() == [1, 2, 3, 4]
    by_id = pd.Series(["y", "x"], index=["d", "b"])
    assert labels_in_rows(GRAPH, by_id)[0].tolist() == [None, "x", None, "y"]
    assert labels_in_rows(GRAPH, by_id.to_dict())[0].tolist() == [None, "x", None, "y"]


def test_several_labels_leave_the_unnamed_missing() -> None:
    given = {"a": ["x", "y"], "b": [], "c": {None, "y"}, "d": [None]}
    values, classes = labels_in_rows(GRAPH, given)
    nan = np.nan
    assert classes.tolist() == ["x", "y"]
    assert_array_equal(values, [[1, 1], [0, 0], [0, 1], [nan, nan]])
    assert_array_equal(labels_in_rows(GRAPH, {"b": (1, 0)})[0][0], [nan, nan])


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="each of the 4 nodes"):
        labels_in_rows(GRAPH, [1, 2])
    with pytest.raises(ValueError, match="no node has a label"):
        labels_in_rows(GRAPH, {})
    with pytest.raises(UnknownNodeError, match="'z'"):
        labels_in_rows(GRAPH, {"z": 1})
