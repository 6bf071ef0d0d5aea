import io
import re
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from graphembed import callbacks
from graphembed.callbacks import PATIENCE, Progress, progress
from graphembed.engine import run_blocks


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.delenv("GRAPHEMBED_PROGRESS", raising=False)
    stream = Terminal()
    # Not sys.stderr itself: pytest puts its own there after the fixtures have run.
    monkeypatch.setattr(callbacks, "sys", SimpleNamespace(stderr=stream, modules=sys.modules))
    return stream


def age(done, seconds):
    """Let a bar have started earlier."""
    done._bar.start_t -= seconds
    done._bar.last_print_t -= seconds


def drawn(stream):
    return re.sub(r"[\r\n\s]+", " ", stream.getvalue()).strip()


def test_quick_work_shows_nothing(terminal):
    with progress(3, "quick", "block") as done:
        for _ in range(3):
            done()
    assert terminal.getvalue() == ""


def test_a_bar_that_need_not_wait_names_the_work_and_is_removed(terminal):
    with progress(2, "FastRP", "block", delay=0) as done:
        done()
        done.describe("second half")  # draws
    text = terminal.getvalue()
    assert "FastRP" in text
    assert "second half" in text
    assert "1/2" in text
    assert text.endswith("\r")  # the line is blank again
    assert text.rsplit("\r", 2)[1].strip() == ""


def test_long_work_is_predicted_from_its_first_units(terminal):
    with progress(1000, "long", "block") as done:
        age(done, 1.0)  # 10 of 1000 a second take 100 s
        assert not done.shown
        done(10)
        assert done.shown
    assert "10/1000" in drawn(terminal)


def test_work_that_will_be_over_soon_is_not_announced(terminal):
    with progress(100, "short", "block") as done:
        age(done, 1.0)
        done(90)
        assert not done.shown
    assert terminal.getvalue() == ""


def test_a_bar_appears_when_patience_is_over(terminal):
    with progress(None, "unknown", "row") as done:
        age(done, PATIENCE)
        done(5)
    assert "5row" in drawn(terminal)


def test_heartbeat_draws_without_being_called(terminal, monkeypatch):
    monkeypatch.setattr(callbacks, "BEAT", 0.005)
    shown = threading.Event()
    with progress(2, "reading", "stage", heartbeat=True) as done:
        refresh = done._bar.refresh
        done._bar.refresh = lambda: (refresh(), shown.set())
        age(done, PATIENCE)
        assert shown.wait(timeout=30)
    assert "reading" in drawn(terminal)
    assert not [t for t in threading.enumerate() if t.name.endswith("(_beat)")]


def test_printing_while_paused_leaves_no_bar_on_the_line(terminal):
    with progress(2, "bar", delay=0) as done, done.paused():
        assert terminal.getvalue().endswith("\r")
        terminal.write("a line\n")
    assert "a line\n\rbar: " in terminal.getvalue()


def test_pausing_a_hidden_bar_draws_nothing(terminal):
    with progress(2, "bar") as done, done.paused():
        pass
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("setting", ["0", "false", "No", "off"])
def test_the_environment_switches_it_off(terminal, monkeypatch, setting):
    monkeypatch.setenv("GRAPHEMBED_PROGRESS", setting)
    with progress(2, "bar", delay=0) as done:
        done()
    assert terminal.getvalue() == ""


def test_the_parameter_wins_over_the_environment(terminal, monkeypatch):
    monkeypatch.setenv("GRAPHEMBED_PROGRESS", "1")
    with progress(2, "bar", delay=0, show=False) as done:
        done()
    assert terminal.getvalue() == ""


def test_no_terminal_no_bar_unless_asked(monkeypatch):
    monkeypatch.delenv("GRAPHEMBED_PROGRESS", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress(2, "bar", delay=0) as done:
        done()
    assert sys.stderr.getvalue() == ""
    monkeypatch.setenv("GRAPHEMBED_PROGRESS", "1")
    with progress(2, "bar", delay=0) as done:
        done()
    assert "0/2" in sys.stderr.getvalue()


def test_stderr_may_be_missing(monkeypatch):
    monkeypatch.delenv("GRAPHEMBED_PROGRESS", raising=False)
    monkeypatch.setattr(sys, "stderr", None)  # pythonw
    with progress(2) as done:
        done()


def test_an_error_passes_and_the_bar_goes(terminal):
    with pytest.raises(ZeroDivisionError), progress(2, "bar", delay=0, heartbeat=True):
        raise ZeroDivisionError
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_run_blocks_drives_it(terminal, n_jobs):
    blocks = [(number,) for number in range(20)]
    with progress(len(blocks), "squares", "block", delay=0) as done:
        squares = run_blocks(lambda number: number**2, blocks, n_jobs=n_jobs, on_done=done)
        assert done._bar.n == 20
    assert squares == [number**2 for number in range(20)]


def test_a_progress_without_a_bar_takes_everything():
    done = Progress()
    done(3)
    done.describe("x")
    with done.paused():
        pass
    assert not done.shown


def test_tqdm_is_not_imported_where_no_bar_can_be_seen():
    code = (
        "import sys; from graphembed.callbacks import progress\n"
        "with progress(1) as done: done()\n"
        "sys.exit('tqdm' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 0, ran.stderr
