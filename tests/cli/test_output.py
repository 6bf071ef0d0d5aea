import json
import os
import pty
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.cli import output
from graphembed.cli.output import Column, fit_widths, show

TERMINAL_CODE = """
from graphembed.cli.output import Column, print_pairs, print_table
columns = [Column("node"), Column("score", number=True), Column("text", clip=True),
           Column("extra", wide=True)]
print_table(columns, [("[b]alice", 0.5, "word " * 40, "more")], title="Title")
print_pairs([("citation", "word " * 40)], title="name")
"""


def drawn(width):
    """What is printed on a terminal of this width."""
    main, child = pty.openpty()
    environment = os.environ | {"COLUMNS": str(width), "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", TERMINAL_CODE], stdout=child, env=environment, check=True)
    os.close(child)
    text = os.read(main, 1 << 16).decode()
    os.close(main)
    return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_is_filled_but_not_overrun(width):
    lines = drawn(width)
    assert all(len(line) <= width for line in lines)
    assert any(line.startswith("[b]alice") and "…" in line for line in lines)
    assert any("extra" in line for line in lines) == (width >= output.WIDE)
    assert sum("word" in line for line in lines) > 2  # wrapped, not cut


def test_a_pipe_gets_every_letter(capsys):
    output.print_table([Column("text", clip=True), Column("extra", wide=True)], [("x" * 300, "y")])
    assert capsys.readouterr().out.splitlines()[1] == "x" * 300 + "  y"


def test_a_table_may_be_empty(capsys):
    output.print_table([Column("node"), Column("n", number=True)], [])
    assert capsys.readouterr().out == "node  n\n"


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 200)), min_size=1, max_size=6),
    st.integers(20, 200),
)
def test_widths_fit_where_they_can(columns, room):
    needed = [width for _, width in columns]
    widths = fit_widths([Column("c", clip=clip) for clip, _ in columns], needed, room)
    gutters = output.GUTTER * len(columns)
    for (clip, need), width in zip(columns, widths, strict=True):
        assert width <= max(need, output.MIN_WIDTH) if clip else width == need
    least = sum(output.MIN_WIDTH if clip else need for clip, need in columns)
    if least + gutters <= room:
        assert sum(widths) + gutters <= room


def test_json_has_no_nan(capsys):
    import numpy as np

    output.print_json({"a": float("nan"), "b": np.float32(0.5), "c": np.arange(2), 1: (None, True)})
    document = json.loads(capsys.readouterr().out)
    assert document == {"a": None, "b": 0.5, "c": [0, 1], "1": [None, True]}


@given(st.text())
def test_what_is_shown_is_printable(text):
    assert show(text).isprintable()


def test_numbers_as_people_read_them():
    assert [show(value) for value in (True, 1234, 0.12345, "ö")] == ["yes", "1,234", "0.123", "ö"]
    assert output.count(1, "node") == "1 node"
    assert output.show_size(10**15) == "1000.0 TB"


def test_no_color_is_heeded(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.style("x", bold=True).startswith("\x1b")
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.style("x", bold=True) == "x"
