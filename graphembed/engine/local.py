"""Threads over blocks of rows: kernels release the GIL, so plain threads are enough.

Compared with numba's ``prange`` this keeps compilation short, honours ``n_jobs`` exactly, survives
a fork, lets Ctrl-C through between blocks, and feeds a progress bar.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

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
        Number of threads; see :func:`effective_n_jobs`.
    on_done : callable, optional
        Called from this thread with the number of blocks that just finished.

    Notes
    -----
    The first error stops what has not started yet and is raised here. So does Ctrl-C.
    """
    n_threads = min(effective_n_jobs(n_jobs), len(blocks))
    report = on_done or (lambda _: None)
    if n_threads <= 1:
        return [_call(function, block, report) for block in blocks]
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="graphembed")
    try:
        futures = [pool.submit(function, *block) for block in blocks]
        pending: Iterable[Any] = futures
        while pending:
            done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            report(len(done))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _call(
    function: Callable[..., Any], block: tuple[Any, ...], report: Callable[[int], None]
) -> Any:
    result = function(*block)
    report(1)
    return result
