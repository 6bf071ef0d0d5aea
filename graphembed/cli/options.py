"""Options that several commands have, written once."""

from typing import Annotated

import typer

# How a file of edges, or of triples, is described.
Directed = Annotated[
    bool, typer.Option("--directed/--undirected", help="Whether u -> v and v -> u differ.")
]
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        "--head",
        metavar="COLUMN",
        help="Name or position (0 is first) of the sources, or heads of triples.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target", "--tail", metavar="COLUMN", help="The same, of the targets, or tails."
    ),
]
Weight = Annotated[str | None, typer.Option(metavar="COLUMN", help="The same, of the weights.")]
Relation = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The same, of the relations (edge types).")
]

# How a method is set.
NComponents = Annotated[
    int | None,
    typer.Option("--n-components", "-d", help="Columns of the embedding [default: mostly 128]."),
]
RandomState = Annotated[
    int | None, typer.Option(help="The same number gives the same result [default: 0].")
]
NJobs = Annotated[int | None, typer.Option(help="Threads; -1 is all cores [default: -1].")]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="KEY=VALUE", help="Any other parameter; repeatable."),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]
