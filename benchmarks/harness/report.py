"""Reports: JSON files with every figure, and one table to look at."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from harness.contender import Measurement, Result, Row

FORMAT = 1
REPORT_KEYS = {
    "format": int,
    "row": str,
    "title": str,
    "date": str,
    "git": dict,
    "machine": dict,
    "threads": int,
    "versions": dict,
    "measurements": list,
}
COLUMNS = ("row", "contender", "cold s", "warm s", "x ours", "build s", "before", "peak", "results")


def make_report(
    row: Row, measurements: Sequence[Measurement], about: dict[str, Any]
) -> dict[str, Any]:
    """Return the report of one row as plain JSON types.

    Parameters
    ----------
    row : Row
        What was run.
    measurements : sequence of Measurement
        One for each contender.
    about : dict
        What :func:`harness.machine.describe` says.
    """
    ours = next((_median(m.warm_seconds) for m in measurements if m.reference), None)
    figures = []
    for measured in measurements:
        figure = asdict(measured)
        figure["warm_median_seconds"] = warm = _median(measured.warm_seconds)
        ratio = warm / ours if warm and ours and measured.same_work else None
        figure["times_ours"] = ratio
        figures.append(figure)
    return {
        "format": FORMAT,
        "row": row.name,
        "title": row.title,
        **about,
        "measurements": figures,
    }


def check_report(report: dict[str, Any]) -> None:
    """Raise ValueError if a report lacks a key or has one of the wrong type."""
    for key, kind in REPORT_KEYS.items():
        if not isinstance(report.get(key), kind):
            raise ValueError(f"A report needs {key!r} of type {kind.__name__}.")
    wanted = {*asdict(Measurement("")), "warm_median_seconds", "times_ours"}
    for figure in report["measurements"]:
        if figure.keys() != wanted:
            raise ValueError(f"A measurement has other keys: {sorted(figure.keys() ^ wanted)}.")


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """Write ``folder/<row>.json`` in one step and return its path."""
    check_report(report)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report['row']}.json"
    part = path.with_suffix(".tmp")
    part.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)
    return path


def cells(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the table's lines for one report, as text in the order of ``COLUMNS``."""
    lines = []
    for position, figure in enumerate(report["measurements"]):
        name = report["row"] if position == 0 else ""
        if figure["error"] is not None:
            blank = ("",) * (len(COLUMNS) - 3)
            lines.append((name, figure["contender"], *blank, f"failed: {figure['error']}"))
            continue
        lines.append(
            (
                name,
                figure["contender"],
                seconds(figure["cold_seconds"]),
                seconds(figure["warm_median_seconds"]),
                "" if figure["times_ours"] is None else f"{figure['times_ours']:.2f}",
                seconds(figure["build_seconds"]),
                megabytes(figure["rss_before_bytes"]),
                megabytes(figure["peak_rss_bytes"]),
                results(figure["results"]),
            )
        )
    return lines


def print_table(reports: Sequence[dict[str, Any]]) -> None:
    """Print one table of all reports; as wide as it needs where nobody looks at a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        text = column in ("row", "contender", "results")
        table.add_column(column, justify="left" if text else "right", no_wrap=column != "results")
    for report in reports:
        for line in cells(report):
            table.add_row(*line)
        table.add_section()
    console.print(table, markup=False)


def seconds(value: float | None) -> str:
    """Return a time with three significant digits."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def megabytes(value: int | None) -> str:
    """Return a memory size in MB (10**6 bytes)."""
    return "" if value is None else f"{value / 1e6:,.0f} MB"


def results(found: dict[str, Result]) -> str:
    """Return results as ``name value`` pairs; a list is written ``a / b / c``."""
    return "; ".join(f"{name} {_text(value)}" for name, value in found.items())


def _text(value: Result) -> str:
    if isinstance(value, list):
        return " / ".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
