"""Run ours and the peers side by side; print one table; write one JSON report a row.

    python benchmarks/run.py --make-peers        # once: the peers' own virtual environments
    python benchmarks/run.py                     # every row
    python benchmarks/run.py spmm import         # some rows
    python benchmarks/run.py --list

Run it as a file, with the Python that graphembed is installed in. Not as ``python -m``: that puts
the repository root on the module search path.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.contender import Settings
from harness.machine import describe
from harness.peers import GROUPS, make_peers, named, peer_python
from harness.report import make_report, print_table, write_report
from rows import all_rows

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/run.py", description="Run ours and the peers side by side."
    )
    add = parser.add_argument
    add("rows", nargs="*", metavar="ROW", help="rows to run (default: all; see --list)")
    add("--list", action="store_true", help="list the rows and stop")
    add("--make-peers", action="store_true", help="make the peers' environments and stop")
    add("--no-peers", action="store_true", help="leave the peers out")
    add("--threads", type=int, default=2, help="threads of every library (default: 2)")
    add("--rounds", type=int, help="processes per contender (default: the row's own number)")
    add("--n-shuffles", type=int, default=5, help="splits of a classification (default: 5)")
    add("--peers", type=Path, default=ROOT / ".venv-peers", help="folder of the first environment")
    add("--cache", type=Path, default=ROOT / ".cache" / "benchmarks", help="folder of large inputs")
    add("--out", type=Path, default=FOLDER / "results", help="folder of the JSON reports")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every contender came back with figures, 1 if one failed, 2 for a bad call."""
    options = parse(arguments)
    if options.make_peers:
        for group in GROUPS:
            requirements = named(FOLDER / "requirements-peers.txt", group)
            make_peers(named(options.peers, group), requirements)
        return 0
    rows = all_rows()
    if options.list:
        width = max(map(len, rows)) + 2
        for row in rows.values():
            print(f"{row.name:<{width}}{row.title}")
        return 0
    if unknown := [name for name in options.rows if name not in rows]:
        print(f"Unknown row {unknown[0]!r} (known: {', '.join(rows)}).", file=sys.stderr)
        return 2
    chosen = [rows[name] for name in options.rows or rows]
    wanted = () if options.no_peers else {group for row in chosen for group in row.peer_groups}
    peers = {group: peer_python(named(options.peers, group)) for group in wanted}
    if not all(python.exists() for python in peers.values()):
        message = "The peers are not installed: run --make-peers first, or pass --no-peers."
        print(message, file=sys.stderr)
        return 2
    reports = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as workspace:
        settings = Settings(
            threads=options.threads,
            rounds=options.rounds,
            n_shuffles=options.n_shuffles,
            workspace=Path(workspace),
            cache=options.cache,
            peer_pythons=peers,
        )
        for row in chosen:
            print(f"{row.name}: {row.title}", file=sys.stderr, flush=True)
            about = describe(ROOT, options.threads)
            reports.append(make_report(row, row.run(settings), about))
            write_report(reports[-1], options.out)
    print_table(reports)
    return int(any(m["error"] for report in reports for m in report["measurements"]))


if __name__ == "__main__":
    sys.exit(main())
