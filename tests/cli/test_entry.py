import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import graphembed
from graphembed.cli.entry import BROKEN_PIPE, describe, report
from graphembed.exceptions import UnknownNodeError

COMMAND = [sys.executable, "-m", "graphembed"]


def test_version(run):
    assert run("--version").stdout == f"graphembed {graphembed.__version__}\n"


def test_alone_it_shows_its_help(run):
    alone = run().stdout
    assert "quickstart" in alone
    assert alone.split() == run("--help").stdout.split() == run("-h").stdout.split()


@pytest.mark.parametrize(
    "command",
    ["fit", "neighbors", "links", "evaluate", "import", "info", "datasets", "quickstart"],
)
def test_help_of_each_command_has_an_example(run, command):
    text = run(command, "--help").stdout
    assert "Examples" in text
    assert f"graphembed {command}" in text.split("Examples")[1]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["fitt"], "No such command 'fitt'"),
        (["fit", "--outptu", "x"], "No such option: --outptu"),
        (["neighbors"], "Missing argument"),
        (["neighbors", "vectors.parquet", "a", "-k", "0"], "-k"),
        (["neighbors", "vectors.parquet", "a"], "There is no file vectors.parquet."),
        (["info", "nothing.csv"], "nothing.csv"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(run, args, said):
    assert said in run(*args, code=2).stderr


def test_usage_errors_point_at_help(run):
    assert run("fit", "-d", "x", code=2).stderr.endswith("See: graphembed fit --help\n")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnknownNodeError("Unknown node 'x'."), ("Unknown node 'x'.", 2)),
        (ValueError("bad value"), ("bad value", 2)),
        (OSError(errno.ENOSPC, "No space left", "v.npy"), ("v.npy: No space left.", 2)),
        (FileNotFoundError("There is no file x."), ("There is no file x.", 2)),
        (MemoryError("8 TB"), ("Out of memory. 8 TB", 2)),
    ],
)  # fmt: skip
def test_errors_of_the_outside_are_told_as_they_are(error, expected):
    assert describe(error) == expected


def test_a_bug_says_that_it_is_one():
    message, code = describe(ZeroDivisionError("division by zero"))
    assert message.startswith("ZeroDivisionError: division by zero. This is a bug")
    assert code == 1


@pytest.mark.parametrize("where", [["--debug", "fit"], ["fit", "--debug"]])
def test_debug_lets_the_error_through(run, where):
    result = run(*where, "edges.csv", "-p", "density=9", code=1)
    assert isinstance(result.exception, ValueError)


def test_debug_by_environment(run, monkeypatch):
    monkeypatch.setenv("GRAPHEMBED_DEBUG", "1")
    assert isinstance(run("info", "nothing.csv", code=1).exception, FileNotFoundError)
    monkeypatch.setenv("GRAPHEMBED_DEBUG", "0")
    run("info", "nothing.csv", code=2)


def test_debug_after_two_dashes_is_a_node(run, fitted):
    assert "'--debug'" in run("neighbors", fitted, "--", "--debug", code=2).stderr


def test_abort_counts_as_an_interruption(capsys):
    assert report(typer.Abort()) == 130
    assert capsys.readouterr().err == "graphembed: interrupted\n"


def test_ctrl_c_is_one_line_and_130(process):
    quickstart = process("quickstart")
    assert quickstart.stdout.readline().startswith("1. ")  # four more stages are to come
    quickstart.send_signal(signal.SIGINT)
    _, errors = quickstart.communicate()
    assert quickstart.returncode == 130
    assert errors == "graphembed: interrupted\n"


def test_a_reader_that_leaves_ends_it_silently(process):
    datasets = process("datasets")
    datasets.stdout.close()  # as `| head` does, long before the first line is there
    assert datasets.stderr.read() == ""
    assert datasets.wait() == BROKEN_PIPE


def test_a_full_disk_is_one_line():
    command = [*COMMAND, "datasets"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr == b"graphembed: error: No space left on device.\n"


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom graphembed.cli import main\nsys.argv = ['graphembed', 'fit', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'numba', 'pyarrow', 'torch', 'sklearn', 'tqdm'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_odd_encoding_does_not_end_it(run, process, folder, monkeypatch):
    (folder / "polish.csv").write_text("source,target\nŁeba,Gdańsk\n", encoding="utf-8")
    run("fit", "polish.csv", "-d", 2)
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    shown, errors = process("neighbors", "vectors.parquet", "Łeba").communicate()
    assert errors == ""
    assert shown.split()[-2] == "Gda\\u0144sk"
