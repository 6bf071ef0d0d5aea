import decimal

import numpy as np
import pyarrow as pa
import pytest

from graphembed.exceptions import FileFormatError
from graphembed.graph.edge_columns import Chosen, Wanted, check_table, choose_columns


def choose(names, **wanted):
    return choose_columns(names, len(names), Wanted(**wanted), "f.csv")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["x", "y", "z"], Chosen(0, 1)),
        (["target", "source"], Chosen(1, 0)),
        (["id", "SRC", "Dst"], Chosen(1, 2)),
        (["weight", "from", "to"], Chosen(1, 2, 0)),
        (["head", "relation", "tail"], Chosen(0, 2, None, 1)),
        (["a", "b", "Weight", "relation", "type", "label"], Chosen(0, 1, 2, 3)),
        (["weight", "relation"], Chosen(0, 1)),
    ],
)
def test_default_columns(names, chosen):
    assert choose(names) == chosen


def test_columns_by_name_and_position():
    names = ["a", "b", "weight", "relation"]
    assert choose(names, source="b", target="a", weight=False, relation=False) == Chosen(1, 0)
    assert choose(names, source=np.int64(3), target=0) == Chosen(3, 0, 2)
    assert choose_columns(None, 3, Wanted(weight=2), "f") == Chosen(0, 1, 2)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"source": "sorce"}, "no column 'sorce'. It has: source, target. Did you mean 'source'?"),
        ({"weight": "w"}, "no column 'w'. It has: source, target."),
        ({"source": 2}, "no column 2: its 2 columns are 0 to 1"),
        ({"source": -1}, "no column -1"),
        ({"source": 1}, "two roles"),
        ({"weight": "target"}, "two roles"),
        ({"weight": True}, "a name or a position; got True"),
    ],
)
def test_a_wrong_column_is_named(wanted, message):
    with pytest.raises(FileFormatError) as caught:
        choose(["source", "target"], **wanted)
    assert message in str(caught.value)
    assert "f.csv" in str(caught.value) or wanted == {"weight": True}


def check(source, target, **others):
    table = pa.table({"source": source, "target": target, **others})
    positions = {role: at for at, role in enumerate(table.column_names)}
    return check_table(table, Chosen(**positions), "f.parquet")


@pytest.mark.parametrize(
    "source",
    [
        pa.array([1, 2], pa.int8()),
        pa.array([1, 2], pa.uint64()),
        pa.array([1.0, 2.0]),
        pa.array([1, 2]).dictionary_encode(),
    ],
)
def test_whole_numbers_of_any_type_are_ints(source):
    columns = check(source, pa.array([3, 4]))
    assert columns.source.to_pylist() == [1, 2]
    assert columns.source.type == columns.target.type == pa.int64()


@pytest.mark.parametrize(
    "type_", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.utf8())]
)
def test_one_column_of_strings_makes_both_strings(type_):
    columns = check(pa.array([1, 2]), pa.array(["1", "x"]).cast(type_))
    assert columns.source.to_pylist() == ["1", "2"]
    assert columns.source.type == columns.target.type


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([1, None], "row 2: the source is missing"),
        (["a", ""], "row 2: the source is empty"),
        ([1.5, 2.0], "must hold ints or strings; it is double"),
        ([float("nan"), 2.0], "must hold ints or strings"),
        (np.array([2**63, 1], dtype=np.uint64), "whole number of 64 bits"),
        ([True, False], "it is bool"),
        ([[1], [2]], "it is list"),
    ],
)
def test_bad_ids_are_named(source, message):
    with pytest.raises(FileFormatError, match=r"f\.parquet") as caught:
        check(pa.array(source), pa.array([1, 2]))
    assert message in str(caught.value)


def test_weights_of_any_number_type():
    for weight in ([1, 2], [1.0, 2.0], [decimal.Decimal(1), decimal.Decimal(2)]):
        assert check([1, 2], [3, 4], weight=pa.array(weight)).weight.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, None], "row 2: the weight is missing"),
        ([1.0, float("nan")], "row 2: the weight is not a finite"),
        ([float("-inf"), 1.0], "row 1"),
        ([1.0, 1e39], "row 2"),
        (["1", "2"], "must hold numbers; it is string"),
    ],
)
def test_bad_weights_are_named(weight, message):
    with pytest.raises(FileFormatError, match=message):
        check([1, 2], [3, 4], weight=pa.array(weight))
