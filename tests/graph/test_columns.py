import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from numpy.testing import assert_array_equal

from graphembed.exceptions import GraphError
from graphembed.graph.columns import as_ids, as_weights, combine, encode, one_kind


def test_ids_of_an_int_array_are_not_copied():
    values = np.array([3, 1])
    assert np.shares_memory(as_ids(values), values)


def test_name_of_the_column_is_in_the_message():
    with pytest.raises(GraphError, match=r"^targets\[1\] is missing"):
        as_ids(["a", None], "targets")


def test_a_missing_category_is_found():
    with pytest.raises(GraphError, match=r"ids\[1\] is missing"):
        as_ids(pd.Series(["a", None, "b"], dtype="category"))


def test_one_id_is_a_column():
    assert as_ids(5).tolist() == [5]
    assert as_ids(np.int64(5)).tolist() == [5]
    assert as_ids(np.array(5)).tolist() == [5]
    assert as_ids("abc").to_pylist() == ["abc"]


def test_weights_keep_float32_and_widen_the_rest():
    single = np.ones(2, dtype=np.float32)
    assert as_weights(single, 2) is single
    assert as_weights([True, False], 2).dtype == np.float64
    assert as_weights([], 0).dtype == np.float64
    with pytest.raises(GraphError, match="weights must have an order"):
        as_weights({1.0}, 1)


def test_combine_makes_one_array():
    assert combine(pa.chunked_array([], type=pa.string())).to_pylist() == []
    assert combine(pa.chunked_array([["a"], ["b"]])).to_pylist() == ["a", "b"]


@pytest.mark.parametrize("values", [[5, 7, 5], [0, 2**62, 0], [-(2**63), 2**63 - 1, -1]])
def test_encode_is_undone_by_indexing(values):
    columns = [np.array(values), np.array(values[::-1])]
    unique, codes = encode(columns)
    assert len(np.unique(unique)) == len(unique)
    for column, code in zip(columns, codes, strict=True):
        assert_array_equal(unique[code], column)
        assert code.dtype == np.int32


def test_an_empty_column_is_of_any_kind():
    first, second = one_kind([as_ids([]), as_ids(["a"])])
    assert first.type == second.type


def test_decimals_are_weights_and_strings_are_not():
    decimals = pa.array(["1.5", "2"]).cast(pa.decimal128(10, 2))
    assert as_weights(decimals, 2).tolist() == [1.5, 2.0]
    with pytest.raises(GraphError, match="got str"):
        as_weights(["1.5", "2"], 2)


def test_what_a_tensor_refuses_is_an_error_of_ours():
    with pytest.raises(GraphError, match="requires grad"):
        as_weights(torch.ones(2, requires_grad=True), 2)
