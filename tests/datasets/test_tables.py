import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.datasets.tables import (
    arrays,
    csr,
    indicator,
    mask,
    node_labels,
    number,
    read_table,
)


def test_comments_first_and_windows_line_ends():
    table = read_table(b"# a\r\n# b\r\n1\t2\r\n3\t4\r\n", ["source", "target"])
    assert table.to_pydict() == {"source": [1, 3], "target": [2, 4]}


def test_a_header_names_the_columns_or_is_skipped():
    content = b"id,target\n0,5\n"
    assert read_table(content, delimiter=",").to_pydict() == {"id": [0], "target": [5]}
    named = read_table(content, ["node", "label"], delimiter=",", skip=1)
    assert named.to_pydict() == {"node": [0], "label": [5]}


def test_quotes_mean_something_only_between_commas():
    assert read_table(b'a,b\n"x, y",1\n', delimiter=",")["a"].to_pylist() == ["x, y"]
    assert read_table(b'"x\t1\n', ["name", "number"])["name"].to_pylist() == ['"x']


def test_text_that_looks_like_numbers_or_nulls_stays_text():
    table = read_table(b"0012\tNA\nnull\t7\n", ["head", "tail"], strings=["head", "tail"])
    assert table.to_pydict() == {"head": ["0012", "null"], "tail": ["NA", "7"]}


def test_a_line_with_too_many_columns_is_an_error():
    with pytest.raises(ValueError, match="Expected 2 columns, got 3"):
        read_table(b"1\t2\n1\t2\t3\n", ["source", "target"])


def test_number_gives_ascending_names():
    codes, names = number([7, -1, 7, 3])
    assert_array_equal(codes, [2, 0, 2, 1])
    assert names == ("-1", "3", "7")


def test_nodes_without_a_value_are_labelled_minus_one():
    fields = node_labels(np.array([2, 0]), np.array(["l", "c"]), 4)
    assert_array_equal(fields["labels"], [0, -1, 1, -1])
    assert fields["label_names"] == ("c", "l")


def test_a_pair_that_is_listed_twice_is_one():
    matrix = indicator([0, 0, 1], [2, 2, 0], (2, 3), np.int8)
    assert_array_equal(matrix.toarray(), [[0, 0, 1], [1, 0, 0]])
    assert matrix.dtype == np.int8


def test_arrays_refuse_pickles():
    buffer = io.BytesIO()
    np.savez(buffer, rows=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        arrays(buffer.getvalue())


def test_csr_fills_in_ones():
    parts = {
        "adj_indptr": np.array([0, 1, 2]),
        "adj_indices": np.array([1, 0], dtype=np.int16),
        "adj_shape": np.array([2, 3]),
    }
    assert_array_equal(csr(parts, "adj_").toarray(), [[0, 1, 0], [1, 0, 0]])


def test_mask():
    assert_array_equal(mask(np.array([2, 0]), 4), [True, False, True, False])
