"""What the commands print: tables, JSON, numbers; colours and bars only in a terminal."""

import difflib
import json
import math
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from graphembed.graph.graph import Graph

WIDE = 110
MIN_WIDTH = 8
GUTTER = 2


@dataclass(frozen=True)
class Column:
    """A column of a table: its header, and how its cells are set."""

    name: str
    number: bool = False
    clip: bool = False  # may be cut short to fit the terminal
    wide: bool = False  # left out of a terminal that is narrower than WIDE


def print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]], *, title: str | None = None
) -> None:
    """Print rows as a table: drawn to fit in a terminal, plain and complete in a pipe."""
    cells = [[show(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        lines = plain_lines(columns, cells)
        typer.echo("\n".join([title, *lines] if title else lines))
        return
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    kept = [place for place, col in enumerate(columns) if console.width >= WIDE or not col.wide]
    needed = [
        max(cell_len(text) for text in (columns[place].name, *(row[place] for row in cells)))
        for place in kept
    ]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title_justify="left")
    table.title = Text(title, "bold") if title else None
    widths = fit_widths([columns[place] for place in kept], needed, console.width)
    for place, width in zip(kept, widths, strict=True):
        column = columns[place]
        table.add_column(
            Text(column.name),
            justify="right" if column.number else "left",
            width=width if column.clip or column.number else None,
            no_wrap=column.clip or column.number,
            overflow="ellipsis" if column.clip else "fold",
        )
    for row in cells:
        table.add_row(*(Text(row[place]) for place in kept))
    console.print(table)


def fit_widths(columns: Sequence[Column], needed: Sequence[int], room: int) -> list[int]:
    """Return the width of each column: columns that may be clipped share what the others leave.

    Examples
    --------
    >>> from graphembed.cli.output import Column, fit_widths
    >>> fit_widths([Column("node"), Column("text", clip=True)], [10, 90], room=80)
    [10, 66]
    """
    clipped = [place for place, column in enumerate(columns) if column.clip]
    left = room - GUTTER * len(columns)
    left -= sum(width for place, width in enumerate(needed) if place not in clipped)
    widths = list(needed)
    for n_before, place in enumerate(sorted(clipped, key=lambda place: needed[place])):
        share = left // (len(clipped) - n_before)
        widths[place] = max(MIN_WIDTH, min(needed[place], share))
        left -= widths[place]
    return widths


def plain_lines(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of an aligned table without any drawing.

    Examples
    --------
    >>> from graphembed.cli.output import Column, plain_lines
    >>> plain_lines([Column("node"), Column("score", number=True)], [["alice", "1"], ["bo", "0.5"]])
    ['node   score', 'alice      1', 'bo       0.5']
    """
    table = [[column.name for column in columns], *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(columns))]
    return [
        "  ".join(
            cell.rjust(width) if column.number else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in table
    ]


def print_pairs(pairs: Sequence[tuple[str, Any]], *, title: str | None = None) -> None:
    """Print names and values, one pair a line, the values under each other."""
    if title:
        typer.echo(style(title, bold=True))
    margin = max(len(name) for name, _ in pairs) + 4
    room = shutil.get_terminal_size().columns - margin if sys.stdout.isatty() else 0
    for name, value in pairs:
        text = show(value)
        lines = (
            textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False)
            if 20 < room < len(text)
            else [text]
        )
        label = style(name.replace("_", " ").ljust(margin - 4), fg="cyan")
        typer.echo(f"  {label}  " + ("\n" + " " * margin).join(lines))


def style(text: str, **look: Any) -> str:
    """Return text with a colour or weight, unless the user wants none (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain else typer.style(text, **look)


def print_json(document: Any) -> None:
    """Print one JSON document; NaN and infinity, which JSON lacks, become null."""
    typer.echo(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def show(value: Any) -> str:
    r"""Return a value as people read it, safe to send to a terminal.

    Examples
    --------
    >>> from graphembed.cli.output import show
    >>> show(62731), show(0.98765), show(None), show("two\nlines")
    ('62,731', '0.988', '', 'two\\nlines')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    # Ids come from files of others; an escape sequence in one must not reach the terminal.
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def show_size(n_bytes: int) -> str:
    """Return a number of bytes in the unit that suits it.

    Examples
    --------
    >>> from graphembed.cli.output import show_size
    >>> show_size(900), show_size(32_500_000)
    ('900 B', '32.5 MB')
    """
    size, units = float(n_bytes), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.1f} {units[0]}"


def count(n: int, noun: str) -> str:
    """Return a number with its noun, in the plural if need be.

    Examples
    --------
    >>> from graphembed.cli.output import count
    >>> count(1, "edge"), count(2000, "edge"), count(3, "entity")
    ('1 edge', '2,000 edges', '3 entities')
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("ty") else f"{noun}s"
    return f"{n:,} {noun if n == 1 else plural}"


def suggest(word: str, known: Sequence[str]) -> str:
    """Return a question naming the known word that is most alike, or nothing.

    Examples
    --------
    >>> from graphembed.cli.output import suggest
    >>> suggest("fastpr", ["fastrp", "line"]), suggest("zzz", ["fastrp"])
    (" Did you mean 'fastrp'?", '')
    """
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""


def describe_graph(graph: "Graph") -> str:
    """Return the sizes of a graph and what kind it is, in one line.

    Examples
    --------
    >>> import graphembed as ge
    >>> from graphembed.cli.output import describe_graph
    >>> describe_graph(ge.datasets.load("karate").graph)
    '34 nodes, 78 edges, undirected, unweighted'
    """
    return ", ".join(
        [
            count(graph.n_nodes, "node"),
            count(graph.n_edges, "edge"),
            "directed" if graph.directed else "undirected",
            "weighted" if graph.weighted else "unweighted",
            *([count(len(graph.relations), "relation")] if graph.relations else []),
        ]
    )


def describe_run(read: str, embedder: Any, watch: "Stopwatch") -> None:
    """Print what was read, how it was fitted, and how long that took."""
    typer.echo(read)
    typer.echo(" ".join(repr(embedder).split()))
    typer.echo(str(watch))


@dataclass
class Stopwatch:
    """Wall-clock seconds of each stage, in the order they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in self.seconds.items())
