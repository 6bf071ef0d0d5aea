import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphembed.engine import effective_n_jobs, run_blocks, split_by_weight
from graphembed.engine.local import available_cores


@pytest.mark.parametrize("n_jobs", [1, 2, 7])
def test_results_come_in_order(n_jobs: int) -> None:
    blocks = [(i, i + 1) for i in range(50)]
    assert run_blocks(lambda a, b: a + b, blocks, n_jobs=n_jobs) == [a + b for a, b in blocks]


def test_nothing_to_do() -> None:
    assert run_blocks(lambda: 1, []) == []


def test_threads_are_used() -> None:
    barrier = threading.Barrier(3, timeout=30)
    run_blocks(barrier.wait, [()] * 3, n_jobs=3)  # passes only when three run at once


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_first_error_is_raised_and_stops_the_rest(n_jobs: int) -> None:
    started: list[int] = []

    def work(i: int) -> None:
        started.append(i)
        if i == 0:
            raise ValueError("block 0")
        threading.Event().wait(0.01)

    with pytest.raises(ValueError, match="block 0"):
        run_blocks(work, [(i,) for i in range(200)], n_jobs=n_jobs)
    assert len(started) < 200


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_done_is_reported_for_every_block(n_jobs: int) -> None:
    reports: list[int] = []
    run_blocks(lambda _: None, [(i,) for i in range(20)], n_jobs=n_jobs, on_done=reports.append)
    assert sum(reports) == 20


def test_effective_n_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert effective_n_jobs(None) == 1
    assert effective_n_jobs(5) == 5
    assert effective_n_jobs(-1) == available_cores()
    assert effective_n_jobs(-1000) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert effective_n_jobs(-1) == 1
    assert effective_n_jobs(4) == 4
    for bad in (0, 1.5, "2"):
        with pytest.raises(ValueError, match="n_jobs"):
            effective_n_jobs(bad)


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 20))
def test_ranges_cover_all_rows_in_order(counts: list[int], n_blocks: int) -> None:
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ranges = split_by_weight(indptr, n_blocks)
    covered = [row for start, stop in ranges for row in range(start, stop)]
    assert covered == list(range(len(counts)))
    assert len(ranges) <= n_blocks
    assert all(start < stop for start, stop in ranges)


def test_interrupt_stops_between_blocks() -> None:
    code = """
import threading
from graphembed.engine import run_blocks
def work(i):
    if i == 0:
        print("ready", flush=True)
    threading.Event().wait(0.05)
try:
    run_blocks(work, [(i,) for i in range(10_000)], n_jobs=2)
except KeyboardInterrupt:
    print("stopped")
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert output == "stopped\n"


def test_an_interrupt_while_a_thread_starts_lets_the_process_end() -> None:
    """A thread that its pool has not noted is told to end all the same."""
    code = """
import concurrent.futures.thread as pools
from graphembed.engine import run_blocks
class Interrupting(dict):
    def __setitem__(self, thread, queue):
        raise KeyboardInterrupt
pools._threads_queues = Interrupting()
try:
    run_blocks(print, [("a",), ("b",)], n_jobs=2)
except KeyboardInterrupt:
    print("stopped")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "stopped" in run.stdout
