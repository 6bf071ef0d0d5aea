"""The small things that a row is made of.

This file is read by the peers' interpreter too: it imports nothing but the standard library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Result = float | int | bool | str | None | list[float]


def _as_is(result: Any) -> Any:
    return result


@dataclass(frozen=True)
class Job:
    """Work to be timed.

    Parameters
    ----------
    run : callable
        Does the work and returns its result; called several times.
    finish : callable, default=identity
        Turns the result into the array that is handed back (rows in the order of the input).
        Not timed.
    notes : dict
        What ``run`` found out on the way, such as the time of a phase; of its last call.
    """

    run: Callable[[], Any]
    finish: Callable[[Any], Any] = _as_is
    notes: dict[str, Result] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """One way of doing the work of a row.

    Parameters
    ----------
    name : str
        What the table shows.
    function : callable
        A function at the top of a rows file, ``function(arrays, *, threads, **params) -> Job``.
        ``arrays`` are the row's inputs by name. It builds the library's own input object, which
        is timed apart from the work, and imports the library inside its body.
    imports : tuple of str
        Modules that are imported before any clock starts.
    distributions : tuple of str
        Installed distributions whose versions are reported, the library's own first.
    params : mapping, optional
        Further arguments of ``function``; must be JSON.
    peer : bool, default=False
        Run by the interpreter of a virtual environment of the peers.
    peer_group : str, default=""
        Which of the peers' environments; see :data:`harness.peers.GROUPS`.
    reference : bool, default=False
        The contender that ratios are taken to: ours.
    same_work : bool, default=True
        Whether it does the work of the others, so that a ratio means something; a measured limit
        of the machine does not.
    once : bool, default=False
        Takes minutes: one call in one process, with no turn for a cold one. What it compiles
        before the first call of ``run`` is not timed.
    """

    name: str
    function: Callable[..., Job]
    imports: tuple[str, ...]
    distributions: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    peer: bool = False
    peer_group: str = ""
    reference: bool = False
    same_work: bool = True
    once: bool = False


@dataclass(frozen=True)
class Settings:
    """How a run is made; the same for every contender.

    Parameters
    ----------
    threads : int
        Threads of every library.
    rounds : int or None
        Fresh processes per contender, interleaved; None leaves it to the row.
    n_shuffles : int
        Random splits of a classification score.
    workspace : Path
        Temporary folder: inputs, outputs, compiler caches.
    cache : Path
        Folder that is kept: inputs that take long to make.
    peer_pythons : mapping of str to Path
        Interpreter of each group of peers; peers whose group is missing are left out.
    timeout : float
        Seconds after which one process is stopped.
    """

    threads: int
    rounds: int | None
    n_shuffles: int
    workspace: Path
    cache: Path
    peer_pythons: Mapping[str, Path]
    timeout: float = 1800.0


@dataclass
class Measurement:
    """What was measured of one contender; times in seconds, memory in bytes.

    Parameters
    ----------
    contender : str
        Its name.
    reference : bool
        Whether ratios are taken to it.
    same_work : bool
        Whether it has a ratio.
    versions : dict
        Version by distribution.
    params : dict
        What its function was given.
    import_seconds, build_seconds, cold_seconds : float or None
        Import of its modules; making its input object; first call of a fresh process whose
        compiler cache is empty.
    warm_seconds : list of float
        Every later call, of all processes.
    rss_before_bytes, peak_rss_bytes : int or None
        Resident memory when the input object is ready, and the most that the process ever had;
        the medians of all processes.
    results : dict
        Quality, bandwidth and the like.
    error : str or None
        Why there are no figures.
    """

    contender: str
    reference: bool = False
    same_work: bool = True
    versions: dict[str, str] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    import_seconds: float | None = None
    build_seconds: float | None = None
    cold_seconds: float | None = None
    warm_seconds: list[float] = field(default_factory=list)
    rss_before_bytes: int | None = None
    peak_rss_bytes: int | None = None
    results: dict[str, Result] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Row:
    """One line of the benchmark: what is compared, and how.

    Parameters
    ----------
    name : str
        Name on the command line and of the report.
    title : str
        One sentence: the work, its size, and what the result column holds.
    run : callable
        ``run(settings) -> list of Measurement``.
    peer_groups : tuple of str, default=()
        The groups of peers it needs.
    """

    name: str
    title: str
    run: Callable[[Settings], list[Measurement]]
    peer_groups: tuple[str, ...] = ()
