"""graphembed neighbors: the nodes whose vectors are nearest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files, options
from graphembed.cli.ids import as_text, match_ids
from graphembed.cli.output import Column, print_json, print_table

if TYPE_CHECKING:
    from graphembed.vectors import Neighbors


def neighbors(
    vectors_file: Annotated[
        Path, typer.Argument(metavar="VECTORS", help="What graphembed fit wrote.")
    ],
    nodes: Annotated[list[str], typer.Argument(metavar="NODE...", help="Ids of nodes.")],
    k: Annotated[int, typer.Option("-k", help="Neighbours of each node.", min=1)] = 10,
    as_json: options.AsJson = False,
) -> None:
    """Show the nearest neighbours of nodes, best first; a larger score is nearer.

    VECTORS is a .parquet, .npy or word2vec .txt file, or the folder of a saved model.

    **Examples**

    - graphembed neighbors vectors.parquet alice -k 5

    - graphembed neighbors model/ 17 42 --json

    - graphembed neighbors vectors.parquet -- -3 (an id that starts with a dash)
    """
    vectors = files.read_vectors(vectors_file)
    ids = match_ids(nodes, vectors.node_index)
    found = vectors.neighbors(ids, k=k)
    if as_json:
        print_json({
            "vectors": str(vectors_file), "geometry": vectors.geometry, "k": k,
            "neighbors": [
                {"node": node, "neighbors": ranked(found, place)} for place, node in enumerate(ids)
            ],
        })  # fmt: skip
        return
    print_neighbors(ids, found, vectors.geometry)


def print_neighbors(ids: list[Any], found: "Neighbors", geometry: str) -> None:
    """Print one table a node in a terminal, and one table in all in a pipe."""
    import sys

    columns = [Column("rank", number=True), Column("node"), Column(geometry, number=True)]
    tables = [[list(row.values()) for row in ranked(found, place)] for place in range(len(ids))]
    if sys.stdout.isatty():
        for node, rows in zip(ids, tables, strict=True):
            print_table(columns, as_text(rows), title=f"Nearest to {node}")
        return
    joined = [[node, *row] for node, rows in zip(ids, tables, strict=True) for row in rows]
    print_table([Column("query"), *columns], as_text(joined))


def ranked(found: "Neighbors", place: int) -> list[dict[str, Any]]:
    """Return the neighbours of one query as rank, node and score, in plain Python values."""
    pairs = zip(found.ids[place].tolist(), found.scores[place].tolist(), strict=True)
    return [
        {"rank": rank, "node": node, "score": score} for rank, (node, score) in enumerate(pairs, 1)
    ]
