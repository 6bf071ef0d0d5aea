"""Files of labels: which class a node belongs to."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphembed.cli.files import column
from graphembed.cli.ids import as_id
from graphembed.cli.output import count

if TYPE_CHECKING:
    from graphembed.graph.graph import Graph

NODE_TITLES = frozenset({"node", "nodes", "node_id", "nodeid", "id", "name", "vertex"})


def read_labels(
    path: Path, graph: "Graph", *, node_column: str | None = None, label_column: str | None = None
) -> dict[Any, list[Any]]:
    """Read the labels of nodes, one node and one label a line.

    Parameters
    ----------
    path : Path
        csv, tsv, whitespace-separated text, Parquet or Arrow, as files of edges are read.
    graph : Graph
        Whose nodes are meant; other lines are left out with a warning.
    node_column, label_column : str, optional
        Names or positions; the first two columns by default. A node that occurs on several lines
        has several labels.

    Returns
    -------
    dict of int or str to list
        Labels by node id.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    UnknownNodeError
        If no node of the graph is in it.
    """
    from graphembed.exceptions import FileFormatError, UnknownNodeError

    try:
        names, labels = _columns(path, column(node_column), column(label_column))
    except FileFormatError as error:
        raise FileFormatError(
            f"--labels expects one node and its label a line (source and target stand for them "
            f"below). {error}"
        ) from error
    ids = [as_id(name, graph.node_index.kind) for name in names]
    rows = graph.node_index.find([0 if node is None else node for node in ids]).tolist()
    rows = [-1 if node is None else row for node, row in zip(ids, rows, strict=True)]
    if rows and rows[0] < 0 and str(names[0]).strip().lower() in NODE_TITLES:
        ids, labels, rows, names = ids[1:], labels[1:], rows[1:], names[1:]  # a header
    known: dict[Any, list[Any]] = {}
    for node, label, row in zip(ids, labels, rows, strict=True):
        if row >= 0:
            known.setdefault(node, []).append(label)
    unknown = list(dict.fromkeys(name for name, row in zip(names, rows, strict=True) if row < 0))
    some = ", ".join(repr(name) for name in unknown[:3]) + (", ..." if len(unknown) > 3 else "")
    if not known:
        raise UnknownNodeError(
            f"None of the nodes in {path} is in the graph: {some}. Nodes of the graph are "
            f"{', '.join(repr(node) for node in graph.nodes[:3].tolist())}, ..."
        )
    if unknown:
        are = "is" if len(unknown) == 1 else "are"
        warnings.warn(
            f"{count(len(unknown), 'node')} in {path} {are} not in the graph and left out: {some}.",
            UserWarning,
            stacklevel=2,
        )
    return known


def _columns(path: Path, node: Any, label: Any) -> tuple[list[Any], list[Any]]:
    """Return two columns of a file, as lists."""
    from graphembed.graph.edge_columns import Wanted
    from graphembed.graph.files import read_columns

    found = read_columns(path, Wanted(node, label, False, False))
    return found.source.to_pylist(), found.target.to_pylist()
