import json
import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.exceptions import PersistenceError
from graphembed.graph.ids import NodeIndex
from graphembed.message_passing.weights import Weights
from graphembed.saved_state import StateReader, StateWriter, digest

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


def _no_objects(*_):
    return None


def _round_trip(value, folder, **options):
    writer = StateWriter(folder, _no_objects)
    encoded = json.loads(json.dumps(writer.encode(value, ""), allow_nan=False))
    options = {"mmap": False, "verify": True, **options}
    return StateReader(folder, writer.files, _no_objects, **options).decode(encoded), writer


def _types(value):
    if isinstance(value, list | tuple):
        return type(value), [_types(item) for item in value]
    if isinstance(value, dict):
        return dict, [(_types(key), _types(item)) for key, item in value.items()]
    return type(value)


@given(PLAIN)
def test_plain_values_keep_value_and_type(tmp_path, value):
    again, writer = _round_trip(value, tmp_path)
    assert again == value
    assert _types(again) == _types(value)
    assert writer.files == {}


def test_nan_and_negative_zero(tmp_path):
    again, _ = _round_trip([math.nan, -0.0, -math.inf], tmp_path)
    assert math.isnan(again[0])
    assert math.copysign(1, again[1]) == -1
    assert again[2] == -math.inf


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u2", "?", "c8", ">f4", "U3"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(tmp_path, mmap, dtype, order):
    array = np.asarray(np.arange(12).reshape(3, 4), order=order).astype(dtype)
    again, _ = _round_trip(array, tmp_path, mmap=mmap)
    assert type(again) is np.ndarray
    assert again.dtype == array.dtype
    assert again.flags.writeable is not mmap
    assert_array_equal(again, array)


@pytest.mark.parametrize("shape", [(), (0,), (0, 4), (1, 1, 1)])
@pytest.mark.parametrize("mmap", [False, True])
def test_odd_shapes(tmp_path, shape, mmap):
    again, _ = _round_trip(np.ones(shape), tmp_path, mmap=mmap)
    assert_array_equal(again, np.ones(shape))


@pytest.mark.parametrize("mmap", [False, True])
def test_sparse_matrices(tmp_path, mmap):
    matrix = sp.random_array((5, 7), density=0.4, rng=np.random.default_rng(0), format="csr")
    again, _ = _round_trip(matrix, tmp_path, mmap=mmap)
    assert type(again) is sp.csr_array
    assert_array_equal(again.toarray(), matrix.toarray())
    assert again.shape == (5, 7)
    with pytest.raises(PersistenceError, match="coo_array, which cannot be saved"):
        _round_trip({"a": matrix.tocoo()}, tmp_path / "none")


@pytest.mark.parametrize("ids", [[], [0, 1], [7, -7], ["a", "", "\U0001f600"]])
@pytest.mark.parametrize("mmap", [False, True])
def test_node_indexes(tmp_path, ids, mmap):
    nodes = NodeIndex.from_ids(ids)
    again, _ = _round_trip(nodes, tmp_path, mmap=mmap)
    assert again == nodes
    assert again.find(ids).tolist() == list(range(len(ids)))


def test_a_part_of_a_column_of_strings(tmp_path):
    nodes = NodeIndex(NodeIndex.from_ids(["a", "b", "c"]).to_arrow().slice(1, 2))
    again, _ = _round_trip(nodes, tmp_path)
    assert again.to_numpy().tolist() == ["b", "c"]


def test_views_of_one_array_are_told_apart(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    value = [array, array.T, array[:2], array[:, 1], array.view("i8"), array[:]]
    again, writer = _round_trip(value, tmp_path)
    for one, other in zip(again, value, strict=True):
        assert_array_equal(one, other)
    assert len(writer.files) == 5
    assert again[0] is again[5]


def test_short_lived_arrays_are_told_apart(tmp_path):
    class Fresh:
        pass

    def describe(value):
        return ("Fresh", {"a": np.full(1000, 1.0)}) if isinstance(value, Fresh) else None

    writer = StateWriter(tmp_path, describe)
    writer.encode([Fresh(), np.full(1000, 2.0), Fresh()], "")
    assert len({file["blake2b"] for file in writer.files.values()}) == 2
    assert len(writer.files) == 3


def test_file_names_are_safe_readable_and_distinct(tmp_path):
    value = {"a/b": np.ones(1), "a_b": np.ones(2), "A_B": np.ones(3), "../..": np.ones(4)}
    again, writer = _round_trip({"p": value, "": {"": np.ones(5)}}, tmp_path)
    assert sorted(writer.files) == sorted(path.name for path in tmp_path.iterdir())
    assert {"p.a_b.npy", "p.a_b-2.npy", "p.A_B-3.npy"} <= set(writer.files)
    assert [len(array) for array in again["p"].values()] == [1, 2, 3, 4]


def test_sizes_and_digests_are_those_of_the_files(tmp_path):
    _, writer = _round_trip([np.ones(3), NodeIndex.from_ids(["x"])], tmp_path)
    for name, about in writer.files.items():
        assert about["bytes"] == (tmp_path / name).stat().st_size
        assert about["blake2b"] == digest(tmp_path / name)


@pytest.mark.parametrize("mmap", [False, True])
def test_weights_are_one_file(tmp_path, mmap):
    from safetensors.numpy import load_file

    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    weights = Weights({"a.weight": turned, "step": np.array(3, dtype=np.int64)})
    again, writer = _round_trip([weights, weights], tmp_path, mmap=mmap)
    assert list(writer.files) == ["0.safetensors"]
    for loaded in (*again, load_file(tmp_path / "0.safetensors")):
        assert set(loaded) == set(weights)
        assert all(loaded[name].dtype == weights[name].dtype for name in weights)
        assert all(np.array_equal(loaded[name], weights[name]) for name in weights)
    assert again[0] is again[1]
    assert type(again[0]) is Weights


def test_weights_that_are_none(tmp_path):
    encoded = StateWriter(tmp_path, _no_objects)
    value = encoded.encode(Weights(a=np.ones(2)), "")
    (name,) = encoded.files
    (tmp_path / name).write_bytes(b"\x80" * encoded.files[name]["bytes"])
    reader = StateReader(tmp_path, encoded.files, _no_objects, mmap=False, verify=False)
    with pytest.raises(PersistenceError, match="weights of a network"):
        reader.decode(value)
