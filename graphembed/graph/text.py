"""Read edges from text: csv, tsv and whitespace lists, plain or compressed.

A file is streamed in blocks of whole lines: comments and a header are taken out, runs of blanks
made one, and pyarrow's multi-threaded reader parses what is left, of the used columns only. It
cannot say on which line it failed; a second, slow reading (`bad_line`) then finds the line.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from graphembed.exceptions import FileFormatError
from graphembed.graph.blocks import (
    BlockStream,
    read_blocks,
    read_csv,
    single_blanks,
    without_blank_lines,
    without_comments,
)
from graphembed.graph.dialect import Dialect, Layout, find_layout, is_number
from graphembed.graph.edge_columns import EdgeColumns, Wanted, is_bad_weight, is_empty

_INTEGRAL = r"^-?(0|[1-9][0-9]*)(\.0*)?$"


def read_text(
    path: Path, suffix: str, wanted: Wanted, *, header: bool | None = None, strings: bool = False
) -> EdgeColumns:
    """Read the columns of edges of a text file.

    Parameters
    ----------
    path : Path
        A file, plain, gzip, zstd or bzip2.
    suffix : str
        The format: ``".csv"``, ``".tsv"``, ``".tab"``; anything else is found out.
    wanted : Wanted
        The columns.
    header : bool, optional
        Whether the first line names the columns; found out by default.
    strings : bool, default=False
        Whether ids that look like ints are strings.

    Returns
    -------
    EdgeColumns

    Raises
    ------
    FileFormatError
        Naming the file and, where there is one, the line.
    """
    layout = find_layout(path, suffix, wanted, header)
    columns = parse_blocks(lambda: data_blocks(path, layout), path, layout, strings=strings)
    if columns.relation is None:
        return columns
    relation = as_ints([columns.relation]) or [columns.relation]
    return replace(columns, relation=relation[0])


def first_fields(path: Path, suffix: str) -> list[str]:
    """Return the fields of the first line of a text file, be it a header or not.

    Parameters
    ----------
    path, suffix
        As of :func:`read_text`.

    Raises
    ------
    FileFormatError
        If there is none.
    """
    layout = find_layout(path, suffix, Wanted(), header=False)
    _, _, fields = next(_numbered(path, layout))
    return [field.strip() for field in fields]


def parse_blocks(
    blocks: Callable[[], Iterator[bytes]], path: Path, layout: Layout, *, strings: bool = False
) -> EdgeColumns:
    """Read the columns of some blocks of lines.

    Parameters
    ----------
    blocks : callable
        Returns an iterator over blocks of :func:`data_blocks`, all of them or some; may be called
        twice.
    path : Path
        The file, for messages.
    layout : Layout
        What is known of it.
    strings : bool, default=False
        Whether ids that look like ints are strings.

    Returns
    -------
    EdgeColumns
        Relations are strings as they are written.

    Raises
    ------
    FileFormatError
        Naming the file and the line.
    """
    chosen = layout.chosen
    table = None if strings else _parse_ints(blocks(), layout)
    if table is None:
        try:
            table = _parse(blocks(), layout, pa.string(), lambda _: None)
        except pa.ArrowInvalid as error:
            raise bad_line(path, layout, error) from error
    columns = {role: table[str(at)] for role, at in chosen.roles().items()}
    source, target = _tidy([columns["source"], columns["target"]], path, layout, keep=strings)
    weight = relation = None
    if chosen.weight is not None:
        weight = columns["weight"].to_numpy()
        if is_bad_weight(weight).any():
            raise bad_line(path, layout)
    if chosen.relation is not None:
        (relation,) = _tidy([columns["relation"]], path, layout, keep=True)
    return EdgeColumns(source, target, weight, relation)


class _LeadingZeroError(Exception):
    """An id may be written like 007, which an int would not keep."""


def _parse_ints(blocks: Iterator[bytes], layout: Layout) -> pa.Table | None:
    delimiter = ord(layout.dialect.delimiter)

    def refuse_leading_zeros(block: bytes) -> None:
        if _may_have_leading_zero(block, delimiter):
            raise _LeadingZeroError

    try:
        return _parse(blocks, layout, pa.int64(), refuse_leading_zeros)
    except (pa.ArrowInvalid, _LeadingZeroError):
        return None


def _may_have_leading_zero(block: bytes, delimiter: int) -> bool:
    """Return whether any field, of any column, begins with 0 and another digit."""
    text = np.frombuffer(block, dtype=np.uint8)
    zeros = np.flatnonzero(text[:-1] == ord("0"))
    zeros = zeros[text[zeros + 1] - np.uint8(ord("0")) < 10]  # unsigned: one comparison
    if len(zeros) and zeros[0] == 0:
        return True
    before = text[zeros - 1]
    return bool(np.isin(before, [delimiter, *b'\n "+-']).any())


def _parse(
    blocks: Iterator[bytes],
    layout: Layout,
    id_type: pa.DataType,
    check: Callable[[bytes], None],
) -> pa.Table:
    roles = layout.chosen.roles()
    types = {str(at): id_type for at in roles.values()}
    if "weight" in roles:
        types[str(roles["weight"])] = pa.float64()
    if "relation" in roles:
        types[str(roles["relation"])] = pa.string()
    dialect = layout.dialect
    return read_csv(
        lambda: BlockStream(blocks, check),
        read_options=pacsv.ReadOptions(
            column_names=[str(at) for at in range(layout.n_columns)], block_size=BlockStream.SIZE
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char='"' if dialect.quoted else False,
            newlines_in_values=layout.multiline,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[],
        ),
    )


def data_blocks(path: Path, layout: Layout) -> Iterator[bytes]:
    """Yield the lines of data, in blocks, as pyarrow can read them."""
    dialect = layout.dialect
    blocks = read_blocks(path)
    if dialect.runs:
        blocks = (single_blanks(block, dialect.delimiter.encode()) for block in blocks)
    else:
        blocks = map(without_blank_lines, blocks)
    header = layout.header
    for block in without_comments(blocks, everywhere=dialect.comments):
        yield block[block.index(b"\n") + 1 :] if header else block
        header = False


def _tidy(
    columns: list[pa.ChunkedArray], path: Path, layout: Layout, *, keep: bool
) -> list[pa.ChunkedArray]:
    """Trim ids; make them ints if all of them are, unless they are kept as strings."""
    if pa.types.is_integer(columns[0].type):
        return columns
    columns = [pc.ascii_trim_whitespace(column) for column in columns]
    if any(pc.any(is_empty(column)).as_py() for column in columns):
        raise bad_line(path, layout)
    return columns if keep else as_ints(columns) or columns


def as_ints(columns: list[pa.ChunkedArray]) -> list[pa.ChunkedArray] | None:
    """Return columns of strings as int64 if all of them are whole numbers, else None."""
    for column in columns:
        for chunk in column.chunks:
            if not pc.all(pc.match_substring_regex(chunk, _INTEGRAL)).as_py():
                return None
    try:
        return [pc.replace_substring_regex(c, r"\.0*$", "").cast(pa.int64()) for c in columns]
    except pa.ArrowInvalid:  # more than 64 bits
        return None


def bad_line(path: Path, layout: Layout, error: Exception | None = None) -> FileFormatError:
    """Read a file again, slowly, and return the error that names its first bad line."""
    for number, line, fields in _numbered(path, layout):
        problem = _problem(fields, layout)
        if problem is not None:
            shown = line.rstrip("\n").encode(errors="surrogateescape").decode(errors="replace")
            shown = shown if len(shown) <= 100 else shown[:100] + "..."
            return FileFormatError(f"{path}, line {number}: {problem}. The line is {shown!r}.")
    return FileFormatError(f"{path} could not be read as text: {error}.")


def _numbered(path: Path, layout: Layout) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each row of data: number and text of the line it begins on, and its fields."""
    pulled: list[tuple[int, str]] = []

    def lines() -> Iterator[str]:
        for number, line in _data_lines(path, layout.dialect):
            pulled.append((number, line))
            yield line

    rows = layout.dialect.rows(lines())
    if layout.header:
        next(rows)
    pulled.clear()
    try:
        for row in rows:
            yield (*pulled[0], row)
            pulled.clear()  # a quoted field may go over several lines
    except csv.Error:
        yield (*pulled[0], [])


def _data_lines(path: Path, dialect: Dialect) -> Iterator[tuple[int, str]]:
    raw = (line for block in read_blocks(path) for line in block.splitlines(keepends=True))
    at_top = True
    for number, content in enumerate(raw, 1):
        line = content.decode(errors="surrogateescape")
        start = line.lstrip(" \t" if dialect.runs or at_top else " ")
        comment = (start if dialect.runs else line).startswith(("#", "%"))
        if start != "\n" and not (comment and (at_top or dialect.comments)):
            at_top = False
            yield number, line


def _problem(fields: list[str], layout: Layout) -> str | None:
    if len(fields) != layout.n_columns:
        return f"expected {layout.n_columns} fields as in the first line, found {len(fields)}"
    for role, at in layout.chosen.roles().items():
        value = fields[at].strip(" \t\n\v\f\r")
        if not value:
            return f"the {role} is empty"
        if any("\udc80" <= letter <= "\udcff" for letter in value):
            return f"the {role} is not UTF-8; convert the file, for example with iconv"
        if role == "weight":
            if not is_number(value):
                return f"the weight {value!r} is not a finite number"
            if is_bad_weight(np.array(float(value))):
                return f"the weight {value} is too large for float32"
    return None
