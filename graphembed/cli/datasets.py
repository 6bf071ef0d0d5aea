"""graphembed datasets: the graphs that can be loaded by name."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import options
from graphembed.cli.output import Column, print_json, print_pairs, print_table, show_size, suggest

if TYPE_CHECKING:
    from graphembed.datasets.catalog import Entry


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One data set.", show_default=False)
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the graphs that can be loaded by name, or say all about one of them.

    In Python, graphembed.datasets.load(NAME) gives the graph with its labels and splits. A set is
    "bundled" with the package, "local" in the folder that GRAPHEMBED_DATA names, "cached" by an
    earlier download, or a "download" from its public source.

    **Examples**

    - graphembed datasets

    - graphembed datasets cora

    - graphembed datasets --json
    """
    from graphembed.datasets import describe
    from graphembed.datasets.catalog import entries

    rows = describe()
    if name is None:
        if as_json:
            print_json(rows)
        else:
            print_catalog(rows)
        return
    row = next((row for row in rows if row["name"] == name), None)
    if row is None:
        hint = suggest(name, [row["name"] for row in rows])
        raise ValueError(f"Unknown data set {name!r}.{hint} All of them: graphembed datasets")
    details = row | more_facts(entries()[name])
    if as_json:
        print_json(details)
        return
    n_bytes = details.pop("bytes")
    details["size"] = show_size(n_bytes) if n_bytes else None
    details["python"] = f'graphembed.datasets.load("{name}")'
    del details["name"]
    print_pairs([(key, value) for key, value in details.items() if value], title=name)


def print_catalog(rows: list[dict[str, Any]]) -> None:
    """Print one line for each data set."""
    columns = [
        Column("name"),
        Column("task", clip=True),
        Column("nodes", number=True),
        Column("edges", number=True),
        Column("labels", number=True),
        Column("features", number=True, wide=True),
        Column("available"),
        Column("license", clip=True, wide=True),
    ]
    # A count of 0 says that there is no such thing: an empty cell reads better.
    print_table(columns, [[row[column.name] or None for column in columns] for row in rows])


def more_facts(entry: "Entry") -> dict[str, Any]:
    """Return what the table has no room for."""
    return dict(entry.counts) | {
        "citation": entry.citation, "source": entry.page or entry.origin, "note": entry.note,
        "published_counts": ", ".join(f"{count:,} {name}" for name, count in entry.listed.items()),
        "differs": entry.differs, "local_only": entry.local_only,
        "bytes": sum(file.bytes for file in entry.files.values()),
    }  # fmt: skip
