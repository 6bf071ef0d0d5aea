"""The first fit on a machine, which compiles, and the first fit of every later process."""

import tempfile
import time
from pathlib import Path
from statistics import median

from harness.contender import Contender, Measurement, Row, Settings
from harness.inputs import save_graph
from harness.measure import MeasurementError, run_once

import graphembed as ge
from rows.fastrp import ours

LATER_PROCESSES = 3


def run(settings: Settings) -> list[Measurement]:
    """Fit in a process with an empty compiler cache, then in processes that find it filled."""
    graph = ge.datasets.load("blogcatalog").graph
    inputs = save_graph(settings.workspace / "first-fit", graph)
    contender = ours("graphembed", n_components=512)
    cache = Path(tempfile.mkdtemp(prefix="numba-", dir=settings.workspace))
    first = _fit("first process ever", contender, inputs, settings, cache)
    later = [
        _fit("later process", contender, inputs, settings, cache) for _ in range(LATER_PROCESSES)
    ]
    later.sort(key=lambda measured: measured.cold_seconds or 0.0)
    return [first, later[len(later) // 2]]


def _fit(
    name: str, contender: Contender, inputs: dict[str, Path], settings: Settings, cache: Path
) -> Measurement:
    measured = Measurement(name, params=dict(contender.params))
    start = time.perf_counter()
    try:
        once = run_once(contender, inputs, settings, calls=4, numba_cache=cache)
    except MeasurementError as error:
        measured.error = str(error)
        return measured
    process = time.perf_counter() - start
    first_call, *others = once["seconds"]
    measured.versions = once["versions"]
    measured.import_seconds = once["import_seconds"]
    measured.build_seconds = once["build_seconds"]
    measured.cold_seconds = first_call
    measured.warm_seconds = others
    measured.rss_before_bytes = once["rss_before_bytes"]
    measured.peak_rss_bytes = once["peak_rss_bytes"]
    # Later calls compile nothing: the difference is compilation, or reading its results.
    measured.results = {
        "compilation s": round(max(0.0, first_call - median(others)), 3),
        "import + build + first fit s": round(
            once["import_seconds"] + once["build_seconds"] + first_call, 3
        ),
        "whole process s (4 fits)": round(process, 3),
        "cache files": sum(1 for path in cache.rglob("*") if path.is_file()),
    }
    return measured


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = (
        "FastRP on BlogCatalog, 512 components: first fit with an empty compiler cache, and later"
    )
    return [Row("first-fit", title, run)]
