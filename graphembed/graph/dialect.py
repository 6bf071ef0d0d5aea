"""Find out how a text file of edges is written: delimiter, header, columns."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graphembed.exceptions import FileFormatError
from graphembed.graph.blocks import read_blocks, without_comments
from graphembed.graph.edge_columns import Chosen, Wanted, choose_columns, find_endpoints

# What may separate the fields of a table, best first.
_TABLES = {".csv": ",;\t", ".tsv": "\t", ".tab": "\t"}
_SAMPLE = 100
_BLANKS = re.compile("[ \\t\\n]+")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True)
class Dialect:
    """How a line of text is cut into fields.

    Parameters
    ----------
    delimiter : str
        What stands between two fields.
    runs : bool, default=False
        Whether any run of blanks and tabs counts as one delimiter.
    quoted : bool, default=False
        Whether a field may stand in double quotes.
    comments : bool, default=True
        Whether lines of ``#`` or ``%`` are comments anywhere, or only at the top.
    """

    delimiter: str
    runs: bool = False
    quoted: bool = False
    comments: bool = True

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Cut lines into fields."""
        if self.runs:
            # Not split(): that would also split at other white space, as pyarrow does not.
            return ([word for word in _BLANKS.split(line) if word] for line in lines)
        if self.quoted:
            return csv.reader(lines, delimiter=self.delimiter)
        return (line.rstrip("\n").split(self.delimiter) for line in lines)


@dataclass(frozen=True)
class Layout:
    """What is known of a file once its first lines have been seen."""

    dialect: Dialect
    header: bool
    multiline: bool
    n_columns: int
    chosen: Chosen


def find_layout(path: Path, suffix: str, wanted: Wanted, header: bool | None) -> Layout:
    """Look at the first lines: delimiter, header, columns."""
    comments = suffix not in _TABLES
    sample = b"".join(_first(without_comments(read_blocks(path), everywhere=comments)))
    if b"\0" in sample:
        raise FileFormatError(
            f"{path} holds binary data, not text. Readable: csv, tsv, whitespace lists (each also "
            ".gz or .zst), .parquet, .feather, .arrow, .mtx."
        )
    start = b"\n".join(sample.split(b"\n", 1000)[:1000]).decode(errors="replace")
    lines = [line for line in start.split("\n") if line.strip()]
    if comments:
        lines = [line for line in lines if not line.lstrip().startswith(("#", "%"))]
    lines = lines[:_SAMPLE]
    if not lines:
        raise FileFormatError(f"{path} is empty: it has no line of data.")
    try:
        dialect = _find_dialect(lines, suffix)
        rows = [row for row in dialect.rows(lines) if row]
    except csv.Error as error:
        raise FileFormatError(f"{path} is not a table: a quoted field is too long.") from error
    if len(rows[0]) < 2:
        raise FileFormatError(
            f"{path} has one column only: its first line is {lines[0][:80]!r}. An edge needs a "
            "source and a target; fields cut at blanks are read from .txt, .edges or .edgelist."
        )
    if header is None:
        header = wanted.by_name or _has_header(rows)
    if header and len(rows) < 2:
        raise FileFormatError(f"{path} has a header ({lines[0][:80]!r}) but no line of data.")
    names = [name.strip() for name in rows[0]] if header else None
    chosen = choose_columns(names, len(rows[0]), wanted, str(path))
    multiline = dialect.quoted and b'"' in sample
    return Layout(dialect, bool(header), multiline, len(rows[0]), chosen)


def _first(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks until there are lines enough to judge by."""
    n_lines = 0
    for block in blocks:
        yield block
        n_lines += block.count(b"\n", 0, 1 << 16)
        if n_lines > 1:
            return


def _find_dialect(lines: list[str], suffix: str) -> Dialect:
    table = _TABLES.get(suffix)
    if table is not None:
        found = [mark for mark in table if _agree(lines, Dialect(mark, quoted=True))]
        return Dialect((found or table)[0], quoted=True, comments=False)
    runs = Dialect(" " if any(" " in line for line in lines) else "\t", runs=True)
    if _agree(lines, Dialect("\t")):
        fields = [line.split("\t") for line in lines]
        numeric = all(is_number(word) for line in lines[1:] or lines for word in line.split())
        aligned = not all(map(all, fields)) and len({len(line.split()) for line in lines}) == 1
        return runs if numeric or aligned else Dialect("\t")
    for mark in ",;":
        # networkx ends a line with a dict, whose commas are none of ours.
        if _agree([line.partition("{")[0] for line in lines], Dialect(mark, quoted=True)):
            return Dialect(mark, quoted=True)
    return runs


def _agree(lines: list[str], dialect: Dialect) -> bool:
    """Return whether most lines have as many fields as the first, and more than one."""
    widths = [len(row) for row in dialect.rows(lines)]
    return widths[0] > 1 and 2 * widths.count(widths[0]) > len(widths)


def _has_header(rows: list[list[str]]) -> bool:
    first, others = rows[0], rows[1:]
    if find_endpoints(first) is not None:
        return True
    if not others or any(map(is_number, first)):
        return False
    columns = zip(*(row for row in others if len(row) == len(first)), strict=False)
    return any(all(map(is_number, column)) for column in columns)


def is_number(text: str) -> bool:
    """Return whether pyarrow would read this as a float, other than NaN or infinity."""
    return _NUMBER.fullmatch(text) is not None
