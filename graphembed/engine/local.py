"""Threads over blocks of rows: kernels release the GIL, so plain threads are enough.

Compared with numba's ``prange`` this keeps compilation short, honours ``n_jobs`` exactly, survives
a fork, lets Ctrl-C through between blocks, and feeds a progress bar.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

REPORT_EVERY = 0.2  # seconds between reports while only other threads work
THREAD_LIMITS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


def effective_n_jobs(n_jobs: int | None) -> int:
    """Return the number of threads that ``n_jobs`` asks for, by scikit-learn's rules.

    ``None`` is 1, ``-1`` is every core this process may use (fewer if ``OMP_NUM_THREADS`` or
    ``NUMBA_NUM_THREADS`` say so, as joblib does in its workers), ``-2`` all but one of them.

    Raises
    ------
    ValueError
        If ``n_jobs`` is 0 or not an int.

    Examples
    --------
    >>> from graphembed.engine import effective_n_jobs
    >>> effective_n_jobs(None), effective_n_jobs(3)
    (1, 3)
    """
    if n_jobs is None:
        return 1
    if not isinstance(n_jobs, Integral) or n_jobs == 0:
        raise ValueError(f"n_jobs must be None or an int other than 0; got {n_jobs!r}.")
    if n_jobs > 0:
        return int(n_jobs)
    limits = [int(value) for name in THREAD_LIMITS if (value := os.environ.get(name, "")).isdigit()]
    return max(1, min([available_cores(), *limits]) + 1 + int(n_jobs))


def available_cores() -> int:
    """Return the cores this process may use: affinity and container limits included."""
    import joblib

    return int(joblib.cpu_count())


def split_by_weight(indptr: npt.NDArray[np.int64], n_blocks: int) -> list[tuple[int, int]]:
    """Cut rows into at most ``n_blocks`` ranges of about equal work (entries plus rows).

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
        Row pointers of a CSR matrix.
    n_blocks : int
        Number of ranges wanted.

    Returns
    -------
    list of (start, stop)
        Non-empty ranges that cover all rows in order.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.engine import split_by_weight
    >>> split_by_weight(np.array([0, 9, 10, 11, 12]), 2)
    [(0, 1), (1, 4)]
    """
    n_rows = len(indptr) - 1
    work = np.asarray(indptr, dtype=np.int64) + np.arange(n_rows + 1)
    goals = np.linspace(0, work[-1], n_blocks + 1)[1:-1]
    cuts = np.unique(np.concatenate([[0], np.searchsorted(work, goals), [n_rows]]))
    return [(int(start), int(stop)) for start, stop in pairwise(cuts)]


def run_blocks(
    function: Callable[..., Any],
    blocks: Sequence[tuple[Any, ...]],
    *,
    n_jobs: int | None = -1,
    on_done: Callable[[int], None] | None = None,
) -> list[Any]:
    """Call ``function(*block)`` for every block, on threads, and return the results in order.

    Parameters
    ----------
    function : callable
        Releases the GIL for most of its work, and writes only what belongs to its block.
    blocks : sequence of tuples
        The arguments of each call.
    n_jobs : int or None, default=-1
        Number of threads, this one included; see :func:`effective_n_jobs`.
    on_done : callable, optional
        Called from this thread with the number of blocks that just finished.

    Notes
    -----
    The first error stops what has not started yet and is raised here. So does Ctrl-C. Within a
    block, further calls run in the thread of the block.
    """
    inside = getattr(_inside, "block", False)
    n_threads = 1 if inside else min(effective_n_jobs(n_jobs), len(blocks))
    run = _Run(function, blocks, on_done)
    helpers: list[Future[None]] = []
    try:
        # Within the try: an interrupt between two of them must stop the one that runs already.
        for _ in range(n_threads - 1):
            helpers.append(_submit(n_threads, run.work))  # noqa: PERF401
        run.work(report=True)
        while helpers and wait(helpers, timeout=REPORT_EVERY).not_done:
            run.report()
    finally:
        run.stop()
        wait(helpers)
    for helper in helpers:
        helper.result()
    run.report()
    return run.results


class _Run:
    """Blocks that several threads take one by one."""

    def __init__(
        self,
        function: Callable[..., Any],
        blocks: Sequence[tuple[Any, ...]],
        on_done: Callable[[int], None] | None,
    ) -> None:
        self.function, self.blocks, self.on_done = function, blocks, on_done
        self.results: list[Any] = [None] * len(blocks)
        self._left = deque(range(len(blocks)))
        self._finished: deque[int] = deque()  # both are safe to share between threads

    def work(self, report: bool = False) -> None:
        """Take blocks until none is left."""
        outer = getattr(_inside, "block", False)
        _inside.block = True
        try:
            while self._left:
                try:
                    number = self._left.popleft()
                except IndexError:  # another thread was faster
                    return
                self.results[number] = self.function(*self.blocks[number])
                self._finished.append(number)
                if report:
                    self.report()
        except BaseException:
            self.stop()
            raise
        finally:
            _inside.block = outer

    def stop(self) -> None:
        """Leave the blocks that nobody has taken."""
        self._left.clear()

    def report(self) -> None:
        """Tell how many blocks have finished since the last report."""
        n_done = 0
        while self._finished:
            self._finished.popleft()
            n_done += 1
        if n_done and self.on_done is not None:
            self.on_done(n_done)


_inside = threading.local()
_pools: dict[int, ThreadPoolExecutor] = {}
# Threads do not survive a fork: the child makes its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def _submit(n_threads: int, work: Callable[[], None]) -> Future[None]:
    """Have one of the helping threads do some work."""
    pool = _pool(n_threads)
    try:
        return pool.submit(work)
    except BaseException:
        # An interrupt may leave a new thread that its pool has not noted; nobody would tell it at
        # exit, which would wait for it forever. What tells it is the end of the pool.
        _pools.pop(n_threads, None)
        pool.shutdown(wait=False)
        raise


def _pool(n_threads: int) -> ThreadPoolExecutor:
    """Return the threads that help the calling one, kept from call to call."""
    if n_threads not in _pools:
        _pools[n_threads] = ThreadPoolExecutor(n_threads - 1, thread_name_prefix="graphembed")
    return _pools[n_threads]
