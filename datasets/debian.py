"""Make the bundled graph ``debian`` from the Packages index of any Debian mirror.

``python -m graphembed.datasets.debian Packages.xz -o debian.parquet`` reads one or more files in
the format of Debian's Packages (plain, .gz, .xz, .bz2, .lz4 or .zst) and writes one Parquet table
with a row for each package. The same input gives the same bytes.

What becomes what:

- **Node**: a package of the index, by its name. Rows are in the order of the names. A package
  that is listed more than once is taken from its last entry.
- **Edge**: one relation for each field in ``RELATIONS``. Alternatives (``a | b``) give an edge to
  each; version constraints, architecture qualifiers and restrictions are dropped.
- **Virtual package**: a name that some packages provide and that is none itself. It is no node:
  an edge to it becomes an edge to each package that provides it. A name that is both is the
  package itself.
- **Dropped**: edges to names outside the index (other areas of the archive, packages long gone),
  and edges of a package to itself.
- **Label**: ``Section`` without the area before the slash.
- **Features**: the debtags in ``Tag``, less the ``::TODO`` marks, which say that a facet has not
  been looked at.
"""

import argparse
import lzma
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from graphembed.exceptions import FileFormatError

RELATIONS = (
    "Depends", "Pre-Depends", "Recommends", "Suggests", "Enhances", "Breaks", "Conflicts",
    "Replaces",
)  # fmt: skip
_KEPT = {"Package", "Section", "Description", "Tag", "Provides", *RELATIONS}
_NAME = re.compile(r"\s*([a-z0-9][a-z0-9+.-]*)", re.IGNORECASE)


def read_packages(path: str | Path) -> Iterator[dict[str, str]]:
    """Yield the entries of a Packages file, each as a dict of the fields used here.

    Parameters
    ----------
    path : str or Path
        The file; ``.xz``, ``.gz``, ``.bz2``, ``.lz4`` and ``.zst`` are decompressed.

    Raises
    ------
    FileFormatError
        If a line is neither a field nor the continuation of one, or an entry names no package.
    """
    path = Path(path)
    with _open(path) as file:
        entry: dict[str, str] = {}
        field = ""
        number = 0
        for number, line in enumerate(file, start=1):
            if not line.strip():
                if entry or field:
                    yield _checked(entry, path, number)
                entry, field = {}, ""
            elif line[0] in " \t":
                if not field:
                    raise _bad_line(path, number, line)
                if field in entry and field != "Description":
                    entry[field] += " " + line.strip()
            else:
                field, colon, value = line.partition(":")
                if not colon:
                    raise _bad_line(path, number, line)
                if field in _KEPT:
                    entry[field] = value.strip()
        if entry or field:
            yield _checked(entry, path, number)


def _open(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return TextIOWrapper(pa.input_stream(str(path), compression="detect"), encoding="utf-8")


def _bad_line(path: Path, number: int, line: str) -> FileFormatError:
    return FileFormatError(
        f"{path}, line {number}: expected 'Field: value' or an indented continuation of a field, "
        f"found {line.rstrip()[:60]!r}. Give a Packages file of a Debian archive."
    )


def _checked(entry: dict[str, str], path: Path, number: int) -> dict[str, str]:
    if not entry.get("Package"):
        raise FileFormatError(
            f"{path}: the entry that ends at line {number} has no 'Package' field. "
            "Give a Packages file of a Debian archive."
        )
    return entry


def package_names(field: str) -> list[str]:
    """Return every package name in a relation field, alternatives included.

    Examples
    --------
    >>> from graphembed.datasets.debian import package_names
    >>> package_names("python3:any (>= 3.11~), libblas3 | libblas.so.3, gcc [amd64]")
    ['python3', 'libblas3', 'libblas.so.3', 'gcc']
    """
    matches = (_NAME.match(part) for part in re.split(r"[,|]", field))
    return [match[1] for match in matches if match]


def build_table(entries: Iterable[dict[str, str]], *, release: str = "") -> pa.Table:
    """Turn the entries of Packages files into the table that ``load("debian")`` reads.

    Parameters
    ----------
    entries : iterable of dict
        As :func:`read_packages` yields them.
    release : str, default=""
        What the index was: release, area, architecture and date. Kept in the file.

    Returns
    -------
    pyarrow.Table
        ``node`` (str), ``label`` (str), ``description`` (str), ``features`` (sorted tags) and for
        each relation a column with the sorted row numbers that the edges of the row go to.
    """
    packages = {entry["Package"]: entry for entry in entries}
    names = sorted(packages)
    rows = {name: row for row, name in enumerate(names)}
    targets = _resolve(packages, rows)
    columns: dict[str, pa.Array] = {
        "node": pa.array(names, pa.string()),
        "label": pa.array([_section(packages[name]) for name in names], pa.string()),
        "description": pa.array([packages[name].get("Description", "") for name in names]),
        "features": pa.array([_tags(packages[name]) for name in names], pa.list_(pa.string())),
    }
    for relation in RELATIONS:
        edges = [
            sorted(
                {row for target in package_names(packages[name].get(relation, ""))
                 for row in targets.get(target, ())} - {rows[name]}
            )
            for name in names
        ]  # fmt: skip
        columns[relation] = pa.array(edges, pa.list_(pa.int32()))
    return pa.table(columns).replace_schema_metadata({"release": release})


def _resolve(packages: dict[str, dict[str, str]], rows: dict[str, int]) -> dict[str, set[int]]:
    """Map every known name to rows: a package to itself, a virtual one to its providers."""
    targets: dict[str, set[int]] = {}
    for name, entry in packages.items():
        for provided in package_names(entry.get("Provides", "")):
            targets.setdefault(provided, set()).add(rows[name])
    return targets | {name: {row} for name, row in rows.items()}


def _section(entry: dict[str, str]) -> str:
    return entry.get("Section", "unknown").rpartition("/")[2]


def _tags(entry: dict[str, str]) -> list[str]:
    tags = {tag.strip() for tag in entry.get("Tag", "").split(",")}
    return sorted(tag for tag in tags if tag and not tag.endswith("::TODO"))


def write_table(table: pa.Table, path: str | Path) -> None:
    """Write the table as Parquet, as small as it gets, in one row group."""
    pq.write_table(
        table, path, compression="zstd", compression_level=19, row_group_size=max(1, len(table)),
        write_statistics=False,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m graphembed.datasets.debian",
        description="Make a graph of packages from the Packages index of any Debian mirror.",
    )
    parser.add_argument("packages", nargs="+", type=Path, help="Packages files; later ones win")
    parser.add_argument("-o", "--output", required=True, type=Path, help="Parquet file to write")
    parser.add_argument("--release", default="", help="what the index is; kept in the file")
    options = parser.parse_args(arguments)
    try:
        entries = [entry for path in options.packages for entry in read_packages(path)]
        table = build_table(entries, release=options.release)
        write_table(table, options.output)
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    n_edges = sum(len(table[name].combine_chunks().flatten()) for name in RELATIONS)
    sys.stdout.write(f"{options.output}: {len(table):,} packages, {n_edges:,} edges\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
