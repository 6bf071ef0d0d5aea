import subprocess
import sys

import pytest
from typer.testing import CliRunner

from graphembed.cli import app

EDGES = """source,target,weight
alice,bob,1
bob,carol,2
carol,alice,1
dan,erin,1
erin,frank,1
frank,dan,3
carol,dan,1
"""
# Who is where; a city lies in a country, which has a capital.
TRIPLES = """rome	in	italy
pisa	in	italy
milan	in	italy
oslo	in	norway
bergen	in	norway
paris	in	france
lyon	in	france
italy	capital	rome
norway	capital	oslo
"""
COMMAND = [sys.executable, "-m", "graphembed"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with a small file of edges."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edges.csv").write_text(EDGES)
    return tmp_path


@pytest.fixture
def run(folder):
    """Run a command in this process; it must end with the given exit code."""

    def run(*args, code=0):
        result = CliRunner().invoke(app, [str(arg) for arg in args])
        assert result.exit_code == code, result.output
        if code == 2:
            assert result.stdout == ""
            assert result.stderr.startswith("graphembed: error: ")
            assert result.stderr.count("\n") == 1
        return result

    return run


@pytest.fixture
def fitted(run):
    """Vectors of the small file."""
    run("fit", "edges.csv", "-d", 8)
    return "vectors.parquet"


@pytest.fixture
def process(folder):
    """Start the command as a process of its own."""
    started = []

    def start(*args):
        command = [*COMMAND, *map(str, args)]
        pipe = subprocess.PIPE
        one = subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, encoding="utf-8")
        started.append(one)
        return one

    yield start
    for one in started:
        one.kill()
        one.communicate()


@pytest.fixture
def triples(folder):
    """Small files of triples: to learn, to stop by, and to be asked for."""
    (folder / "train.tsv").write_text(TRIPLES)
    (folder / "valid.tsv").write_text("nice\tin\tfrance\n")
    (folder / "test.tsv").write_text("france\tcapital\tparis\nnaples\tin\titaly\n")
    return folder


@pytest.fixture
def model(run, triples):
    """A model of the small file of triples."""
    run("fit", "train.tsv", "-m", "transe", "-d", 8, "-o", "model/")
    return "model/"
