import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from graphembed.exceptions import FileFormatError, GraphError
from graphembed.vectors import Vectors

IDS = {
    "range": list(range(40)),
    "int": [3 * i - 7 for i in range(40)],
    "str": [f"nœud-{i}" for i in range(40)],
}


def _vectors(kind="str", dtype=np.float32, geometry="cosine"):
    matrix = np.random.default_rng(0).standard_normal((40, 5)).astype(dtype)
    return Vectors(IDS[kind], matrix, geometry=geometry)


def _same(left, right):
    assert left.node_index == right.node_index
    assert left.geometry == right.geometry
    assert left.matrix.dtype == right.matrix.dtype
    assert_array_equal(left.matrix, right.matrix)


@given(
    arrays(np.float32, (3, 2), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_word2vec_text_keeps_every_bit(tmp_path_factory, matrix):
    path = tmp_path_factory.mktemp("w2v") / "v.txt"
    Vectors(["a", "b", "c"], matrix).to_word2vec(path)
    again = Vectors.from_word2vec(path)
    assert_array_equal(again.matrix.view(np.uint32), matrix.view(np.uint32))


@pytest.mark.parametrize("kind", sorted(IDS))
def test_word2vec_text_can_be_parsed_by_hand(tmp_path, kind):
    vectors = _vectors(kind)
    vectors.to_word2vec(tmp_path / "v.txt")
    header, *lines = (tmp_path / "v.txt").read_text(encoding="utf-8").splitlines()
    assert header == "40 5"
    fields = [line.split(" ") for line in lines]
    assert [field[0] for field in fields] == [str(node) for node in IDS[kind]]
    parsed = np.array([[np.float32(number) for number in field[1:]] for field in fields])
    assert_array_equal(parsed, vectors.matrix)
    _same(Vectors.from_word2vec(tmp_path / "v.txt"), vectors)


def test_word2vec_ids(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("2 1\n007 1\n8 2\n")
    assert Vectors.from_word2vec(path).nodes.tolist() == ["007", "8"]
    assert Vectors.from_word2vec(path, ids="int").nodes.tolist() == [7, 8]
    path.write_text('3 1\n"7" 1 \nNA 2 \nnull 3 \n')  # the original tool ends lines with a space
    assert Vectors.from_word2vec(path).nodes.tolist() == ['"7"', "NA", "null"]
    path.write_text("1 1\n7 1\n")
    assert Vectors.from_word2vec(path).nodes.tolist() == [7]
    assert Vectors.from_word2vec(path, ids="str").nodes.tolist() == ["7"]


@pytest.mark.parametrize("node", ["a b", "a\tb", "a\nb", "", "a\u00a0b", "a\u2003b", "a\u0085"])
def test_word2vec_refuses_ids_with_spaces(tmp_path, node):
    with pytest.raises(GraphError, match="empty or contain white space"):
        Vectors([node, "x"], np.eye(2)).to_word2vec(tmp_path / "v.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: word2vec text starts with two numbers"),
        ("a 1 2\n", "line 1: word2vec text starts with two numbers"),
        ("2 1\na 1\n", "promises 2 vectors in its first line but holds 1"),
        ("2 2\na 1 2\nb 1\n", "an id and 2 numbers on each line"),
        ("2 1\na 1\nb x\n", "an id and 1 numbers on each line"),
        ("2 1\na 1\na 2\n", "distinct"),
    ],
)
def test_word2vec_text_that_is_damaged(tmp_path, text, message):
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        Vectors.from_word2vec(tmp_path / "v.txt")


@pytest.mark.parametrize(
    ("ids", "read"),
    [
        ([2**63 - 1, -(2**63), 1], [2**63 - 1, -(2**63), 1]),
        (["9223372036854775808", "1", "2"], ["9223372036854775808", "1", "2"]),
    ],
)
def test_ids_of_64_bits(tmp_path, ids, read):
    Vectors(ids, np.eye(3)).to_word2vec(tmp_path / "v.txt")
    assert Vectors.from_word2vec(tmp_path / "v.txt").nodes.tolist() == read
