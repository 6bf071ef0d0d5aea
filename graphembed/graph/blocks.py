"""Stream a text file, plain or compressed, in blocks of whole lines."""

import io
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from graphembed.exceptions import FileFormatError

_SIZE = 4 << 20
PATIENCE = 0.1  # seconds to wait for a thread that is done
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
_COMMENT = re.compile(rb"(?m)^[#%].*\n")
_BLANK = re.compile(rb"(?m)^ +\n")
_TOP = re.compile(rb"(?:[ \t]*\n|[#%].*\n)*")


def compression(path: Path) -> str | None:
    """Return what a file is compressed with, by its first bytes rather than by its name."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def read_blocks(path: Path) -> Iterator[bytes]:
    r"""Yield the content of a file in blocks of whole lines that end in ``\n``.

    A byte order mark is left out; ``\r\n`` and ``\r`` become ``\n``; a missing last line end is
    added.

    Parameters
    ----------
    path : Path
        A plain file, or one compressed with gzip, zstd or bzip2.

    Raises
    ------
    FileFormatError
        If the compressed data is damaged or cut off, or the text is UTF-16.
    """
    rest = b""
    first = True
    for chunk in _chunks(path):
        if first:
            if chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise FileFormatError(f"{path} is UTF-16; convert it to UTF-8 (iconv -f UTF-16).")
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
            first = False
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield _unix(rest + chunk[:cut])
            rest = chunk[cut:]
        else:
            rest += chunk
    if rest:
        yield _unix(rest + b"\n")


def _chunks(path: Path) -> Iterator[bytes]:
    method = compression(path)
    try:
        with pa.input_stream(str(path), compression=method) as stream:
            while chunk := stream.read(_SIZE):
                yield chunk
    except (OSError, pa.ArrowException) as error:
        raise FileFormatError(
            f"{path} is damaged or cut off ({method} data: {error}). Fetch or write it again."
        ) from error


def _unix(block: bytes) -> bytes:
    if b"\r" not in block:
        return block
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def without_comments(blocks: Iterator[bytes], *, everywhere: bool) -> Iterator[bytes]:
    """Yield blocks without lines of ``#`` or ``%``: at the top, or everywhere; none is empty."""
    at_top = True
    for block in blocks:
        if at_top:
            top = _TOP.match(block)
            block = block[top.end() :] if top else block
            at_top = not block
        # One byte is found ten times faster than two, and most blocks have neither.
        if everywhere and (b"#" in block or b"%" in block):
            block = _drop_comments(block)
        if block:
            yield block


def _drop_comments(block: bytes) -> bytes:
    if b"\n#" in block or b"\n%" in block or block.startswith((b"#", b"%")):
        return _COMMENT.sub(b"", block)
    return block


def without_blank_lines(block: bytes) -> bytes:
    """Return a block without lines of spaces alone; pyarrow skips empty ones by itself."""
    return _BLANK.sub(b"", block) if b" " in block and b" \n" in block else block


def single_blanks(block: bytes, blank: bytes) -> bytes:
    """Return a block with every run of spaces and tabs as one ``blank``, none round a line."""
    other = b"\t" if blank == b" " else b" "
    if other in block:
        block = block.replace(other, blank)
    text = np.frombuffer(block, dtype=np.uint8)
    is_blank = text == ord(blank)
    ends_line = text == ord("\n")
    keep = np.ones(len(text), dtype=bool)
    keep[0] = not is_blank[0]
    keep[1:] = ~(is_blank[1:] & (is_blank[:-1] | ends_line[:-1]))
    trailing = bool((is_blank[:-1] & ends_line[1:]).any())
    if not keep.all():
        block = text[keep].tobytes()
    return block.replace(blank + b"\n", b"\n") if trailing else block


class BlockStream(io.RawIOBase):
    """A readable file made of blocks, for pyarrow.

    Parameters
    ----------
    blocks : iterator of bytes
        The content.
    check : callable
        Called with each block before it is read; what it raises ends the reading.
    """

    SIZE = 2 * _SIZE  # room for a block and what was left of the one before

    def __init__(self, blocks: Iterator[bytes], check: Callable[[bytes], None]) -> None:
        super().__init__()
        self._blocks = blocks
        self._check = check
        self._left = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes of one block; nothing at the end only."""
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._check(block)
            self._left = block
        cut = len(self._left) if size < 0 else size
        part, self._left = self._left[:cut], self._left[cut:]
        return part


def read_csv(make_stream: Callable[[], Any], **options: Any) -> pa.Table:
    """Read a stream of Python's with pyarrow, which has let go of it when this returns.

    A thread of pyarrow's may hold a stream a moment longer than it reads. If Python ended
    meanwhile, the thread would wait for it in vain, and end the process by a signal.

    Parameters
    ----------
    make_stream : callable
        Returns a readable file, which nobody else holds.
    **options
        Of ``pyarrow.csv.read_csv``.

    Returns
    -------
    pyarrow.Table
    """
    import pyarrow.csv

    stream = make_stream()
    let_go = threading.Event()
    weakref.finalize(stream, let_go.set)
    try:
        return pyarrow.csv.read_csv(stream, **options)
    finally:
        del stream
        let_go.wait(PATIENCE)
