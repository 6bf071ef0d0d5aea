"""Measure contenders in fresh processes, one at a time, taking turns."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from harness.contender import Contender, Measurement, Result, Settings

ROOT = Path(__file__).resolve().parents[1]
THREAD_VARIABLES = (
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


class MeasurementError(RuntimeError):
    """A contender's process did not come back with figures."""


def environment(threads: int, numba_cache: Path | None = None) -> dict[str, str]:
    """Return the environment of a measured process: threads fixed, module search path clean."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    env["PYTHONHASHSEED"] = "0"
    if numba_cache is not None:
        env["NUMBA_CACHE_DIR"] = str(numba_cache)
    return env


def interpreter(contender: Contender, settings: Settings) -> Path:
    """Return the Python that runs this contender."""
    if not contender.peer:
        return Path(sys.executable)
    if contender.peer_group not in settings.peer_pythons:
        raise MeasurementError("The peers are not installed: run with --make-peers first.")
    return settings.peer_pythons[contender.peer_group]


def run_once(
    contender: Contender,
    inputs: Mapping[str, Path],
    settings: Settings,
    *,
    calls: int,
    numba_cache: Path,
    output: Path | None = None,
) -> dict[str, Any]:
    """Run one contender in a fresh process.

    Parameters
    ----------
    contender : Contender
        What to run.
    inputs : mapping of str to Path
        The ``.npy`` files handed over, by name.
    settings : Settings
        Threads, folders, interpreters.
    calls : int
        How often the work is done in this process.
    numba_cache : Path
        Where numba keeps what it compiled.
    output : Path, optional
        Where the result of the last call is written, as ``.npy``.

    Returns
    -------
    dict
        ``versions``, ``import_seconds``, ``build_seconds``, ``seconds`` and
        ``cpu_seconds`` of all threads (one for each call), ``rss_before_bytes``,
        ``peak_rss_bytes``, ``notes``.

    Raises
    ------
    MeasurementError
        If the process fails or takes too long; the message ends with its last line.
    """
    python = interpreter(contender, settings)
    folder = Path(tempfile.mkdtemp(dir=settings.workspace))
    spec = {
        "root": str(ROOT),
        "module": contender.function.__module__,
        "file": inspect.getsourcefile(contender.function),
        "function": contender.function.__name__,
        "imports": contender.imports,
        "distributions": contender.distributions,
        "params": dict(contender.params),
        "threads": settings.threads,
        "inputs": {name: str(path) for name, path in inputs.items()},
        "calls": calls,
        "output": None if output is None else str(output),
    }
    request = folder / "request.json"
    request.write_text(json.dumps(spec), encoding="utf-8")
    command = [str(python), "-P", str(ROOT / "harness" / "worker.py"), str(request)]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(settings.threads, numba_cache),
            capture_output=True,
            text=True,
            timeout=settings.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"stopped after {settings.timeout:.0f} s") from error
    reply = request.with_suffix(".reply")
    if done.returncode != 0 or not reply.exists():
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise MeasurementError(lines[-1])
    measured: dict[str, Any] = json.loads(reply.read_text(encoding="utf-8"))
    return measured


Score = Callable[[Contender, Any], dict[str, Result]]


def compare(
    contenders: Sequence[Contender],
    inputs: Mapping[str, Path],
    settings: Settings,
    *,
    calls: int = 4,
    rounds: int = 3,
    cold: bool = True,
    score: Score | None = None,
) -> list[Measurement]:
    """Measure contenders side by side: A B C, A B C, ...; every turn is a fresh process.

    The first turn (``cold``) has an empty compiler cache and makes one call. In each of the
    ``rounds`` that follow, the first call of the process is not counted. A contender that is
    measured ``once`` takes part in the first of these rounds only, with one call.

    Parameters
    ----------
    contenders : sequence of Contender
        Peers are left out when they are not installed.
    inputs : mapping of str to Path
        The ``.npy`` files handed over.
    settings : Settings
        ``settings.rounds`` goes before ``rounds``.
    calls : int, default=4
        Calls in each process, the uncounted first among them.
    rounds : int, default=3
        Processes per contender after the cold one.
    cold : bool, default=True
        Whether the cold turn is made.
    score : callable, optional
        ``score(contender, array) -> dict`` judges what the last call of the last process
        returned. It runs here: one judge for all.

    Returns
    -------
    list of Measurement
        In the order of ``contenders``; a contender that failed has ``error``.
    """
    contenders = [c for c in contenders if not c.peer or c.peer_group in settings.peer_pythons]
    rounds = settings.rounds or rounds
    shared_cache = Path(tempfile.mkdtemp(prefix="numba-", dir=settings.workspace))
    runs: list[list[dict[str, Any]]] = [[] for _ in contenders]
    firsts: list[float | None] = [None for _ in contenders]
    errors: list[str | None] = [None for _ in contenders]
    outputs = [settings.workspace / f"output-{i}.npy" for i in range(len(contenders))]
    for turn in range(-1 if cold else 0, rounds):
        for i, contender in enumerate(contenders):
            if errors[i] is not None or (contender.once and turn != 0):
                continue
            try:
                if turn < 0:
                    empty = Path(tempfile.mkdtemp(prefix="numba-", dir=settings.workspace))
                    run = run_once(contender, inputs, settings, calls=1, numba_cache=empty)
                    firsts[i] = run["seconds"][0]
                else:
                    runs[i].append(
                        run_once(
                            contender,
                            inputs,
                            settings,
                            calls=1 if contender.once else calls,
                            numba_cache=shared_cache,
                            output=None if score is None else outputs[i],
                        )
                    )
            except MeasurementError as error:
                errors[i] = str(error)
    measurements = [
        _summary(contender, mine, first, error)
        for contender, mine, first, error in zip(contenders, runs, firsts, errors, strict=True)
    ]
    if score is not None:
        for contender, measured, output in zip(contenders, measurements, outputs, strict=True):
            if measured.error is None:
                measured.results |= score(contender, np.load(output, allow_pickle=False))
                output.unlink()
    return measurements


def _summary(
    contender: Contender, runs: list[dict[str, Any]], first: float | None, error: str | None
) -> Measurement:
    measured = Measurement(
        contender=contender.name,
        reference=contender.reference,
        same_work=contender.same_work,
        params=dict(contender.params),
        error=error,
    )
    if error is None:
        measured.versions = runs[0]["versions"]
        measured.import_seconds = median(run["import_seconds"] for run in runs)
        measured.build_seconds = median(run["build_seconds"] for run in runs)
        measured.cold_seconds = first
        measured.warm_seconds = [s for run in runs for s in (run["seconds"][1:] or run["seconds"])]
        measured.rss_before_bytes = int(median(run["rss_before_bytes"] for run in runs))
        measured.peak_rss_bytes = int(median(run["peak_rss_bytes"] for run in runs))
        measured.results = dict(runs[-1]["notes"])
    return measured
