"""The commands that the README and the guides show end well."""

import re
import shlex
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from graphembed.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/command_line.rst"]
EDGES = """source,target,weight
alice,bob,1
bob,carol,2
carol,alice,1
carol,dan,1
dan,erin,1
erin,frank,1
frank,dan,3
frank,gina,1
gina,erin,2
alice,gina,1
"""
LABELS = "node,label\nalice,a\nbob,a\ncarol,a\ndan,b\nerin,b\nfrank,b\ngina,b\n"
CITIES = [("rome", "italy"), ("oslo", "norway"), ("paris", "france"), ("lima", "peru")]
FACTS = [fact for a, b in CITIES for fact in ((a, "in", b), (b, "capital", a))]


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^ *\$ graphembed (.*?)(?: +#.*)?$", text, re.MULTILINE)
    return [command for command in found if command != "quickstart"]  # it has its own tests


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the commands name."""
    monkeypatch.chdir(tmp_path)
    Path("edges.csv").write_text(EDGES)
    Path("follows.tsv").write_text(EDGES.replace(",", "\t"))
    Path("labels.csv").write_text(LABELS)
    triples = "".join("\t".join(fact) + "\n" for fact in FACTS)
    for name in ("triples.tsv", "train.tsv", "valid.tsv", "test.tsv"):
        Path(name).write_text(triples)
    table = pyarrow.csv.read_csv("edges.csv")
    Path("edges").mkdir()
    pyarrow.parquet.write_table(table, "edges.parquet")
    pyarrow.parquet.write_table(table, "edges/1.parquet")
    heads, relations, tails = zip(*FACTS, strict=True)
    facts = pyarrow.table({"s": heads, "p": relations, "o": tails})
    pyarrow.parquet.write_table(facts, "facts.parquet")
    return tmp_path


def words(command: str) -> list[str]:
    """Split as a shell does, which puts the names of files in the place of ``*``."""
    split = shlex.split(command)
    quoted = f'"{split[1]}"' in command if len(split) > 1 else False
    return [
        name
        for word in split
        for name in ([word] if quoted or "*" not in word else sorted(map(str, Path().glob(word))))
    ]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore")  # so few nodes are not worth much
def test_commands_end_well(page: str, folder: Path) -> None:
    shown = commands(page)
    assert len(shown) > 5
    for command in shown:
        result = CliRunner().invoke(app, words(command))
        assert result.exit_code == 0, f"{command}: {result.output}"
