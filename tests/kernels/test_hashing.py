import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from graphembed.kernels import hashing
from graphembed.testing import reference

strings = st.lists(st.text(max_size=20), max_size=20)


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compile before hypothesis looks at the clock."""
    _find(["a"], ["a"], _hash(["a"]), _hash(["a"]))


def _buffers(values):
    array = pa.array(values, type=pa.large_string())
    _, offsets, data = array.buffers()
    offsets = np.frombuffer(offsets, dtype=np.int64)[: len(values) + 1]
    return np.r_[offsets, 0][: len(values) + 1], np.frombuffer(data or b"", dtype=np.uint8)


def _hash(values):
    hashes = np.zeros(len(values), dtype=np.uint64)
    hashing.hash_strings(*_buffers(values), 0, len(values), hashes)
    return hashes


def _find(queries, known, query_hashes, known_hashes):
    order = np.argsort(known_hashes, kind="stable").astype(np.int32)
    rows = np.zeros(len(queries), dtype=np.int64)
    hashing.find_strings(
        query_hashes, *_buffers(queries), known_hashes[order], order, *_buffers(known),
        0, len(queries), rows,
    )  # fmt: skip
    return rows


@given(strings)
def test_hash_agrees_with_the_reference(values):
    assert_array_equal(_hash(values), reference.hash_strings(values))


def test_hash_never_changes():
    # Keys are written to disk, so these numbers are a promise.
    assert _hash(["", "a", "alice in wonderland"]).tolist() == [
        16294208416658607535, 6774081908283191102, 11402293903972385336,
    ]  # fmt: skip


def test_hash_of_a_range_leaves_the_rest():
    hashes = np.zeros(3, dtype=np.uint64)
    hashing.hash_strings(*_buffers(["a", "b", "c"]), 1, 2, hashes)
    assert_array_equal(hashes, [0, _hash(["b"])[0], 0])


def test_padding_and_length_are_told_apart():
    assert len(set(_hash(["", "\0", "\0\0", "a", "a\0", "a" * 8, "a" * 9]).tolist())) == 7


def test_hashes_spread_over_all_bits():
    hashes = _hash([f"node{i}" for i in range(20_000)])
    assert len(np.unique(hashes)) == 20_000
    ones = [np.mean(hashes >> np.uint64(bit) & np.uint64(1)) for bit in range(64)]
    assert np.abs(np.array(ones) - 0.5).max() < 0.02


@given(strings, st.lists(st.text(max_size=20), unique=True, max_size=20))
def test_find_agrees_with_the_reference(queries, known):
    queries = queries + known[::2]
    found = _find(queries, known, _hash(queries), _hash(known))
    assert_array_equal(found, reference.find_strings(queries, known))


@given(st.lists(st.text(max_size=3), max_size=9), st.lists(st.text(max_size=3), unique=True))
def test_find_when_all_hashes_collide(queries, known):
    queries = queries + known
    hashes = np.full(max(len(queries), len(known)), 7, dtype=np.uint64)
    found = _find(queries, known, hashes[: len(queries)], hashes[: len(known)])
    assert_array_equal(found, reference.find_strings(queries, known))
