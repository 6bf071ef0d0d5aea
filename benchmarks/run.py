"""Run ours and the peers side by side; print one table; write one JSON report a row.

    python benchmarks/run.py --make-peers        # once: the peers' own virtual environment
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
from harness.peers import make_peers, peer_python
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
    add("--make-peers", action="store_true", help="make the peers' environment and stop")
    add("--no-peers", action="store_true", help="leave the peers out")
    add("--threads", type=int, default=2, help="threads of every library (default: 2)")
    add("--rounds", type=int, help="processes per contender (default: the row's own number)")
    add("--n-shuffles", type=int, default=5, help="splits of a classification (default: 5)")
    add("--peers", type=Path, default=ROOT / ".venv-peers", help="folder of the peers' environment")
    add("--cache", type=Path, default=ROOT / ".cache" / "benchmarks", help="folder of large inputs")
    add("--out", type=Path, default=FOLDER / "results", help="folder of the JSON reports")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every contender came back with figures, 1 if one failed, 2 for a bad call."""
    options = parse(arguments)
    if options.make_peers:
        make_peers(options.peers, FOLDER / "requirements-peers.txt")
        return 0
    rows = all_rows()
    if options.list:
        for row in rows.values():
            print(f"{row.name:<20}{row.title}")
        return 0
    if unknown := [name for name in options.rows if name not in rows]:
        print(f"Unknown row {unknown[0]!r} (known: {', '.join(rows)}).", file=sys.stderr)
        return 2
    peers = peer_python(options.peers)
    if not options.no_peers and not peers.exists():
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
            peer_python=None if options.no_peers else peers,
        )
        for name in options.rows or rows:
            print(f"{name}: {rows[name].title}", file=sys.stderr, flush=True)
            about = describe(ROOT, options.threads)
            reports.append(make_report(rows[name], rows[name].run(settings), about))
            write_report(reports[-1], options.out)
    print_table(reports)
    return int(any(m["error"] for report in reports for m in report["measurements"]))


if __name__ == "__main__":
    sys.exit(main())
