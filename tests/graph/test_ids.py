import copy
import io
import pickle  # noqa: TID251  what joblib does between processes; the library itself never does
import subprocess
import sys
from itertools import chain

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.graph import NodeIndex, ids
from graphembed.kernels import hashing

int64 = st.integers(-(2**63), 2**63 - 1)
unique_ids = st.one_of(st.lists(int64, unique=True), st.lists(st.text(max_size=9), unique=True))


@pytest.fixture
def hashed(monkeypatch):
    """Look strings up by hash however few there are."""
    monkeypatch.setattr(ids, "_SMALL", 0)


def test_kinds():
    assert NodeIndex.range(3).kind == "range"
    assert NodeIndex.from_ids([0, 1, 2]) == NodeIndex.range(3)
    assert NodeIndex.from_ids([0, 2, 1]).kind == "int"
    assert NodeIndex.from_ids(["0", "1"]).kind == "str"
    assert NodeIndex.from_ids([]) == NodeIndex.range(0)
    assert NodeIndex.from_ids([0, 2, 1]) != NodeIndex.range(3)
    assert NodeIndex.range(3) != [0, 1, 2]


@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", "ü"],
        np.array(["b", "a", "ü"]),
        np.array(["b", "a", "ü"], dtype=object),
        np.array(["b", "a", "ü"], dtype=np.dtypes.StringDType()),
        pa.array(["b", "a", "ü"]),
        pa.array(["x", "b", "a", "ü"], type=pa.large_string())[1:],
        pa.chunked_array([["b"], ["a", "ü"]]),
        pa.array(["b", "a", "ü"]).dictionary_encode(),
        pa.array(["b", "a", "ü"]).cast(pa.string_view()),
        pd.Series(["b", "a", "ü"]),
        pd.Series(["b", "a", "ü"], dtype="category"),
        pd.Series(["b", "a", "ü"], dtype=object),
        pd.Index(["b", "a", "ü"]),
        pl.Series(["b", "a", "ü"]),
        pl.Series(["b", "a", "ü"], dtype=pl.Categorical),
        iter(["b", "a", "ü"]),
    ],
    ids=lambda values: f"{type(values).__name__}",
)
def test_str_ids_from_anything(values):
    index = NodeIndex.from_ids(values)
    assert index.to_numpy().tolist() == ["b", "a", "ü"]
    assert index.to_arrow().type == pa.large_string()
    assert_array_equal(index.rows(["ü", "b"]), [2, 0])
    assert index == NodeIndex.from_ids(["b", "a", "ü"])
    assert pickle.loads(pickle.dumps(index)) == index  # noqa: S301


@pytest.mark.parametrize(
    "values",
    [
        [7, 3, -1],
        (7.0, 3.0, -1.0),
        np.array([7, 3, -1], dtype=np.int8),
        np.array([7, 3, -1], dtype=object),
        np.array([7.0, 3.0, -1.0], dtype=np.float32),
        pa.chunked_array([[7], [3, -1]]),
        pd.Series([7, 3, -1], dtype="Int64"),
        pd.Series([7.0, 3.0, -1.0]),
        pl.Series([7, 3, -1], dtype=pl.Int16),
        [np.int64(7), np.int32(3), -1],
    ],
    ids=lambda values: f"{type(values).__name__}",
)
def test_int_ids_from_anything(values):
    index = NodeIndex.from_ids(values)
    assert index.to_numpy().dtype == np.int64
    assert index.to_numpy().tolist() == [7, 3, -1]
    assert index.to_arrow().type == pa.int64()
    assert_array_equal(index.rows([-1, 7]), [2, 0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", "b", "a"], "more than once: 'a'"),
        ([5, 5, 6], "more than once: 5"),
        (["a", None], r"ids\[1\] is missing"),
        (["a", float("nan")], r"ids\[1\] is missing"),
        (np.array([1.0, np.nan]), r"ids\[1\] is missing"),
        (pd.Series([1, 2, None]), r"ids\[2\] is missing"),
        (pd.Series([1, None], dtype="Int64"), r"ids\[1\] is missing"),
        (pl.Series(["x", None]), r"ids\[1\] is missing"),
        ([1, "a"], "of one kind"),
        (["a", 1], "of one kind"),
        ([1, True], "of one kind"),
        ([True, False], "int or str; got bool"),
        (np.array([True, False]), "int or str; got bool"),
        ([(1, 2), (3, 4)], "int or str; got list"),
        ([b"a"], "int or str; got binary"),
        ([0.5, 1.0], r"ids\[0\] is 0.5"),
        ([1.0, float("inf")], r"ids\[1\] is inf"),
        ([2**64], "of one kind"),
        (np.array([2**64 - 1], dtype=np.uint64), "64-bit signed"),
        (["\ud800"], "of one kind"),
        ({"a", "b"}, "must have an order"),
        (np.zeros((2, 2), dtype=int), "one-dimensional"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "int or str"),
        (object(), "of one kind"),
    ],
)
def test_unusable_ids(values, message):
    with pytest.raises(GraphError, match=message):
        NodeIndex.from_ids(values)


def test_from_ids_does_not_keep_the_callers_array():
    values = np.array([5, 3])
    index = NodeIndex.from_ids(values)
    values[0] = 9
    assert index.to_numpy().tolist() == [5, 3]
    index.to_numpy()[0] = 9
    assert index.to_numpy().tolist() == [5, 3]


@given(unique_ids, st.data())
def test_look_up_is_the_inverse_of_take(values, data):
    index = NodeIndex.from_ids(values)
    rows = data.draw(st.lists(st.integers(0, len(values) - 1)) if values else st.just([]))
    assert_array_equal(index.rows(index.take(rows)), rows)
    assert [values[row] for row in rows] == index.take(rows).tolist()
    assert index.to_numpy().tolist() == values
    assert len(index) == len(values)


@given(st.lists(st.text(max_size=9), unique=True), st.lists(st.text(max_size=9)))
def test_look_up_by_hash_equals_look_up_by_arrow(known, queries):
    index = NodeIndex.from_ids(known)
    expected = index.find(queries + known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_SMALL", 0)
        patch.setattr(ids, "_BLOCK", 3)
        assert_array_equal(NodeIndex.from_ids(known).find(queries + known), expected)


def test_find_scalars_and_unknown_ids():
    index = NodeIndex.from_ids(["b", "a"])
    assert index.find("a").tolist() == [1]
    assert index.find(["z", "b"]).tolist() == [-1, 0]
    assert index.find([0, 1]).tolist() == [-1, -1]
    assert index.find([]).tolist() == []
    integers = NodeIndex.from_ids([10, 5])
    assert integers.find(5).tolist() == [1]
    assert integers.find([7, 99, -99, 10]).tolist() == [-1, -1, -1, 0]
    assert integers.find("5").tolist() == [-1]
    assert NodeIndex.range(3).find([-1, 2, 3]).tolist() == [-1, 2, -1]
    assert NodeIndex.range(0).find([0]).tolist() == [-1]
    with pytest.raises(UnknownNodeError, match=r"2 of the given nodes.*'y', 'z'"):
        index.rows(["y", "a", "z"])
    with pytest.raises(KeyError, match="1 and '1' differ"):
        integers.rows("5")


def test_take_keeps_the_shape_and_refuses_wrong_rows():
    index = NodeIndex.from_ids(["b", "a"])
    assert index.take([[0, 1], [1, 1]]).tolist() == [["b", "a"], ["a", "a"]]
    for wrong in (NodeIndex.range(2), index, NodeIndex.from_ids([7, 5])):
        for row in (-1, 2):
            with pytest.raises(IndexError, match=r"0 \.\. 1"):
                wrong.take([row])


@pytest.mark.usefixtures("hashed")
def test_colliding_hashes(monkeypatch):
    def collide(offsets, data, start, stop, out):
        out[start:stop] = 3

    monkeypatch.setattr(hashing, "hash_strings", collide)
    names = [f"n{i}" for i in range(50)]
    index = NodeIndex.from_ids(names)
    assert_array_equal(index.rows(names[::-1]), np.arange(50)[::-1])
    assert index.find(["n50", ""]).tolist() == [-1, -1]
    with pytest.raises(GraphError, match="more than once: 'n0', 'n1'"):
        NodeIndex.from_ids([*names, "n1", "n0"])


@pytest.mark.usefixtures("hashed")
def test_duplicates_are_found_by_hash():
    with pytest.raises(GraphError, match="more than once: 'a', 'c'"):
        NodeIndex.from_ids(["a", "b", "c", "a", "c"])


@given(st.data())
def test_factorize_does_not_depend_on_order(data):
    kind = data.draw(st.sampled_from([int64, st.integers(0, 20), st.text(max_size=4)]))
    pairs = data.draw(st.lists(st.tuples(kind, kind), min_size=1))
    shuffled = data.draw(st.permutations(pairs))
    index, codes = NodeIndex.factorize(*zip(*pairs, strict=True))
    other, other_codes = NodeIndex.factorize(*zip(*shuffled, strict=True))
    assert index == other
    expected = sorted(set(chain.from_iterable(pairs)), key=_order)
    assert index.to_numpy().tolist() == expected
    for found, edges in ((codes, pairs), (other_codes, shuffled)):
        assert all(column.dtype == np.int32 for column in found)
        taken = zip(*(index.take(column).tolist() for column in found), strict=True)
        assert list(taken) == list(edges)


def _order(value):
    return value.encode() if isinstance(value, str) else value


def test_factorize_with_known_nodes():
    for values in (["b", "a", "c"], [10, 5, 2**40]):
        index, (codes,) = NodeIndex.factorize([values[1], values[2]], nodes=values)
        assert index.to_numpy().tolist() == values
        assert codes.tolist() == [1, 2]
        assert NodeIndex.factorize([values[0]], nodes=index)[0] is index
    with pytest.raises(UnknownNodeError, match="'d'"):
        NodeIndex.factorize(["a", "d"], nodes=["a"])


def test_factorize_empty_and_mixed_columns():
    for column in ([], pa.array([], type=pa.string())):
        index, (first, second) = NodeIndex.factorize(column, [])
        assert (len(index), len(first), len(second)) == (0, 0, 0)
    index, (first, second) = NodeIndex.factorize([], ["a"])
    assert index.to_numpy().tolist() == ["a"]
    assert (len(first), second.tolist()) == (0, [0])
    with pytest.raises(GraphError, match="all int or all str"):
        NodeIndex.factorize([1], ["a"])


@given(unique_ids)
def test_pickle_and_copy(values):
    index = NodeIndex.from_ids(values)
    for twin in (pickle.loads(pickle.dumps(index)), copy.deepcopy(index)):  # noqa: S301
        assert twin == index
        assert_array_equal(twin.rows(values), np.arange(len(values)))


def test_pickle_of_a_slice_holds_only_the_slice():
    whole = pa.array([f"node{i}" for i in range(10_000)], type=pa.large_string())
    buffer = io.BytesIO()
    pickle.dump(NodeIndex.from_ids(whole[5000:5003]), buffer)
    assert len(buffer.getvalue()) < 1000


def test_keys():
    assert NodeIndex.range(3).keys().tolist() == [0, 1, 2]
    assert NodeIndex.from_ids([5, -1]).keys().tolist() == [5, 2**64 - 1]
    keys = NodeIndex.from_ids(["a", "b", ""]).keys()
    assert keys.dtype == np.uint64
    assert keys[0] == 6774081908283191102
    assert_array_equal(NodeIndex.from_ids(["b", "", "a"]).keys()[[2, 0, 1]], keys)


MEMORY = """
import psutil, threading
import numpy as np, pyarrow as pa, pyarrow.compute as pc
from graphembed.graph import NodeIndex
import graphembed.kernels.hashing

def strings(n):
    return pc.binary_join_element_wise(
        pa.scalar("user", pa.large_string()),
        pc.utf8_lpad(pa.array(np.arange(n)).cast(pa.large_string()), 8, "0"),
        pa.scalar("", pa.large_string()))

warm = NodeIndex.from_ids(strings(10_000))
warm.find(strings(10))
process, peak, stop = psutil.Process(), [0], threading.Event()
names = strings(2_000_000)
pa.default_memory_pool().release_unused()
before = process.memory_info().rss - names.nbytes

def watch():
    while not stop.wait(0.005):
        peak[0] = max(peak[0], process.memory_info().rss)

thread = threading.Thread(target=watch)
thread.start()
index = NodeIndex.from_ids(names)
assert index.find(names[-3:]).tolist() == [1_999_997, 1_999_998, 1_999_999]
stop.set()
thread.join()
print((peak[0] - before) / 2_000_000)
"""


def test_ten_million_strings_fit_in_a_gigabyte():
    result = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=60
    )
    assert float(result.stdout) < 100  # bytes a string: at the peak, with the strings themselves
