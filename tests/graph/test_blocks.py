import bz2
import gzip

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.exceptions import FileFormatError
from graphembed.graph import blocks
from graphembed.graph.blocks import BlockStream, read_blocks, single_blanks, without_comments

TEXT = b"".join(b"%d %d\n" % (i, i * i) for i in range(5000))


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        TEXT.removesuffix(b"\n"),
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
        bz2.compress(TEXT),
        pa.compress(TEXT, codec="zstd", asbytes=True),
    ],
)
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_blocks_are_whole_lines_of_the_content(tmp_path, monkeypatch, packed, size):
    monkeypatch.setattr(blocks, "_SIZE", size)
    path = tmp_path / "whatever the name"
    path.write_bytes(packed)
    parts = list(read_blocks(path))
    assert b"".join(parts).replace(b"\n\n", b"\n") == TEXT
    assert all(part.endswith(b"\n") for part in parts)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_cut_off_file_is_named(tmp_path, pack):
    path = tmp_path / "edges.gz"
    path.write_bytes(pack(TEXT)[:-100])
    with pytest.raises(FileFormatError, match=r"edges.gz is damaged or cut off"):
        list(read_blocks(path))


def test_utf16_is_named(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("1,2\n", encoding="utf-16")
    with pytest.raises(FileFormatError, match="UTF-16"):
        list(read_blocks(path))


def test_comments_go_at_the_top_or_everywhere():
    parts = [b"# a\n\n", b"% b\n1 2\n#x 3\n", b"%4 5\n"]
    assert b"".join(without_comments(iter(parts), everywhere=True)) == b"1 2\n"
    assert b"".join(without_comments(iter(parts), everywhere=False)) == b"1 2\n#x 3\n%4 5\n"


@given(st.text(alphabet=" \t\nab", min_size=1))
def test_single_blanks_does_what_split_does(text):
    cleaned = single_blanks(f"{text}\n".encode(), b" ").decode()
    assert cleaned.split("\n")[:-1] == [" ".join(line.split()) for line in text.split("\n")]


def test_a_stream_gives_every_byte_once_and_no_early_end():
    stream = BlockStream(iter([b"12345", b"", b"678"]), lambda _: None)
    parts = []
    while part := stream.read(2):
        parts.append(part)
    assert parts == [b"12", b"34", b"5", b"67", b"8"]
