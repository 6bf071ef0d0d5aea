"""graphembed neighbors: the nodes whose vectors are nearest."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files
from graphembed.cli.output import Column, print_json, print_table

if TYPE_CHECKING:
    from graphembed.graph.ids import NodeIndex
    from graphembed.vectors import Neighbors

# So many ids at most are compared with a misspelt one; ten thousand take about a tenth of a second.
MAX_COMPARED = 10_000


def neighbors(
    vectors_file: Annotated[
        Path, typer.Argument(metavar="VECTORS", help="What graphembed fit wrote.")
    ],
    nodes: Annotated[list[str], typer.Argument(metavar="NODE...", help="Ids of nodes.")],
    k: Annotated[int, typer.Option("-k", help="Neighbours of each node.", min=1)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document.")] = False,
) -> None:
    """Show the nearest neighbours of nodes, best first; a larger score is nearer.

    VECTORS is a .parquet, .npy or word2vec .txt file, or the folder of a saved model.

    **Examples**

    - graphembed neighbors vectors.parquet alice -k 5

    - graphembed neighbors model/ 17 42 --json

    - graphembed neighbors vectors.parquet -- -3 (an id that starts with a dash)
    """
    vectors = files.read_vectors(vectors_file)
    ids = match_nodes(nodes, vectors.node_index)
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
            print_table(columns, _as_text(rows), title=f"Nearest to {node}")
        return
    joined = [[node, *row] for node, rows in zip(ids, tables, strict=True) for row in rows]
    print_table([Column("query"), *columns], _as_text(joined))


def _as_text(rows: list[list[Any]]) -> list[list[Any]]:
    # Ids are names, not amounts: no thousands separators in them.
    return [[cell if isinstance(cell, float) else str(cell) for cell in row] for row in rows]


def ranked(found: "Neighbors", place: int) -> list[dict[str, Any]]:
    """Return the neighbours of one query as rank, node and score, in plain Python values."""
    pairs = zip(found.ids[place].tolist(), found.scores[place].tolist(), strict=True)
    return [
        {"rank": rank, "node": node, "score": score} for rank, (node, score) in enumerate(pairs, 1)
    ]


def match_nodes(texts: list[str], index: "NodeIndex") -> list[Any]:
    """Turn what was typed into ids of the index.

    Raises
    ------
    UnknownNodeError
        If a node is unknown; the message names ids that are spelt alike.
    """
    from graphembed.exceptions import UnknownNodeError

    ids = [_as_id(text, index.kind) for text in texts]
    for text, node in zip(texts, ids, strict=True):
        if node is None:
            raise UnknownNodeError(
                f"Unknown node {text!r}: the {len(index):,} nodes have integer ids, such as "
                f"{index.take([0])[0] if len(index) else '(none)'}."
            )
    for node, row in zip(ids, index.find(ids).tolist(), strict=True):
        if row < 0:
            near = similar(node, index) if isinstance(node, str) else []
            some = ", ".join(map(str, index.take(range(min(3, len(index))))))
            hint = f"Did you mean {', '.join(near)}?" if near else f"Known are {some}, ..."
            raise UnknownNodeError(f"Unknown node {node!r} among {len(index):,}. {hint}")
    return ids


def _as_id(text: str, kind: str) -> Any:
    if kind == "str":
        return text
    try:
        node = int(text)
    except ValueError:
        return None
    return node if -(2**63) <= node < 2**63 else None


def similar(node: str, index: "NodeIndex", n: int = 3) -> list[str]:
    """Return ids that are spelt like this one, comparing no more than `MAX_COMPARED` of them.

    Those that differ in case only come first, then those that contain it, then near spellings
    among the ids that share a beginning or an end with it.
    """
    import pyarrow.compute as pc

    ids = index.to_arrow()
    containing = ids.filter(pc.match_substring(ids, node, ignore_case=True))[:MAX_COMPARED]
    found = sorted(containing.to_pylist(), key=lambda other: (len(other), other))
    length = pc.utf8_length(ids)
    close = pc.less_equal(pc.abs(pc.subtract(length, len(node))), 2)
    ends = pc.or_(pc.starts_with(ids, node[:2]), pc.ends_with(ids, node[-2:]))
    compared = ids.filter(pc.and_(close, ends))[:MAX_COMPARED].to_pylist()
    found += difflib.get_close_matches(node, compared, n=n, cutoff=0.6)
    return list(dict.fromkeys(found))[:n]
