"""One small function for each file format of graphs: edge lists, matrices, labels, features.

A reader gets the uncompressed content of each file, by its role, and the options of the catalog,
and returns the fields of a :class:`~graphembed.datasets.Dataset` that it can fill.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from graphembed.datasets.tables import (
    arrays,
    csr,
    indicator,
    mask,
    node_labels,
    read_table,
)
from graphembed.graph.builders import from_edges, from_rows
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex

Files = Mapping[str, bytes]
Fields = dict[str, Any]

_EXTRA_COLUMNS = ("time", "snapshot")
_HGCN_CUTS = (7 / 7, 8 / 7, 9 / 7)


def edge_list(
    files: Files,
    *,
    delimiter: str = "\t",
    skip: int = 0,
    columns: Sequence[str] = ("source", "target"),
    directed: bool = False,
    n_nodes: int | None = None,
    infinite: float | None = None,
    labels: Mapping[str, Any] | None = None,
) -> Fields:
    """Read ``edges``, one a line, and ``labels``, lines of node and label.

    Parameters
    ----------
    files : mapping of str to bytes
        ``edges`` and perhaps ``labels``.
    delimiter, skip : str, int
        Format of ``edges``.
    columns : sequence of str
        Among them ``source`` and ``target``; perhaps ``weight``; ``time`` and ``snapshot`` go to
        the edge table.
    directed : bool
        Whether the edges are.
    n_nodes : int, optional
        If given, the ids are 0 .. n_nodes - 1, isolated nodes among them.
    infinite : float, optional
        If given, what an infinite weight becomes.
    labels : mapping, optional
        If given, the format of ``labels``: ``delimiter``, ``skip``.
    """
    table = read_table(files["edges"], columns, delimiter=delimiter, skip=skip)
    weights = table["weight"].to_numpy() if "weight" in columns else None
    if weights is not None and infinite is not None:
        weights = np.where(np.isinf(weights), infinite, weights)
    graph = from_edges(
        table["source"].to_numpy(),
        table["target"].to_numpy(),
        weights,
        nodes=None if n_nodes is None else NodeIndex.range(n_nodes),
        directed=directed,
    )
    fields: Fields = {"graph": graph}
    if any(name in columns for name in _EXTRA_COLUMNS):
        fields["edge_table"] = table
    if labels is not None:
        known = read_table(files["labels"], ("node", "label"), **labels)
        rows = graph.node_index.rows(known["node"].to_numpy())
        fields |= node_labels(rows, known["label"].to_numpy(), graph.n_nodes)
    return fields


def hypernyms(files: Files) -> Fields:
    """Read pairs of hyponym and hypernym: the ``closure`` and the ``direct`` ones."""
    names = ("source", "target")
    closure = read_table(files["closure"], names, strings=names)
    direct = read_table(files["direct"], (*names, "kind"), strings=names)
    return {
        "graph": from_edges(closure["source"], closure["target"], directed=True),
        "splits": {"direct_pairs": np.column_stack([direct[name].to_numpy() for name in names])},
    }


def memberships(files: Files, *, n_nodes: int, n_labels: int, single_label: bool = False) -> Fields:
    """Read ``edges`` and ``labels``, of which line k lists the nodes that carry label k."""
    graph = edge_list(files, n_nodes=n_nodes)["graph"]
    lines = [line.split() for line in files["labels"].splitlines()]
    columns = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    rows = np.array([int(node) for line in lines for node in line])
    if single_label:
        return {"graph": graph, **node_labels(rows, columns, n_nodes)}
    return {
        "graph": graph,
        "labels": indicator(rows, columns, (n_nodes, n_labels), np.int8),
        "label_names": tuple(str(label) for label in range(n_labels)),
    }


def node_table(
    files: Files, *, key: str = "id", label: str | None = None, n_features: int | None = None
) -> Fields:
    """Read ``edges`` and ``nodes``, tables with a header, and ``features``, lists in JSON.

    The column ``key`` of the node table numbers the nodes from 0 and the column ``label`` is their
    class; the others stay in ``node_table``. A feature is a number that a node has or has not.
    """
    edges = read_table(files["edges"], delimiter=",")
    nodes = read_table(files["nodes"], delimiter=",")
    _, first = np.unique(nodes[key].to_numpy(), return_index=True)
    nodes = nodes.take(first)  # a node that is listed twice counts once
    n_nodes = len(nodes)
    features = None
    if n_features is not None:
        features = _listed_features(files["features"], (n_nodes, n_features))
    sources, targets = (column.to_numpy() for column in edges.columns)
    graph = from_edges(sources, targets, nodes=NodeIndex.range(n_nodes), features=features)
    rest = [name for name in nodes.column_names if name not in (key, label)]
    fields: Fields = {"graph": graph, "node_table": nodes.select(rest) if rest else None}
    if label is not None:
        fields |= node_labels(np.arange(n_nodes), nodes[label].to_numpy(), n_nodes)
    return fields


def genres(files: Files) -> Fields:
    """Read ``edges``, a table with a header, and ``genres``, JSON: each node's list of labels."""
    liked = json.loads(files["genres"])
    names = tuple(sorted({genre for genres in liked.values() for genre in genres}))
    columns = {name: column for column, name in enumerate(names)}
    rows = np.repeat([int(node) for node in liked], [len(genres) for genres in liked.values()])
    chosen = [columns[genre] for genres in liked.values() for genre in genres]
    edges = read_table(files["edges"], delimiter=",")
    sources, targets = (column.to_numpy() for column in edges.columns)
    return {
        "graph": from_edges(sources, targets, nodes=NodeIndex.range(len(liked))),
        "labels": indicator(rows, chosen, (len(liked), len(names)), np.int8),
        "label_names": names,
    }


def csr_arrays(files: Files, *, directed: bool = False) -> Fields:
    """Read an npz file with csr parts ``adj_*`` and ``attr_*`` and the array ``label``."""
    parts = arrays(files["arrays"])
    indptr = parts["adj_indptr"]
    n_nodes = len(indptr) - 1
    graph = from_rows(
        np.repeat(np.arange(n_nodes, dtype=np.int32), np.diff(indptr)),
        parts["adj_indices"].astype(np.int32),
        nodes=NodeIndex.range(n_nodes),
        directed=directed,
        features=csr(parts, "attr_"),
    )
    return {"graph": graph, **node_labels(np.arange(n_nodes), parts["label"], n_nodes)}


def planetoid(files: Files) -> Fields:
    """Read an npz file with ``edges``, ``label``, features ``attr_*`` and a split."""
    parts = arrays(files["arrays"])
    n_nodes = len(parts["label"])
    known = np.flatnonzero(parts["label"] >= 0)
    graph = from_rows(
        *parts["edges"].T,
        nodes=NodeIndex.range(n_nodes),
        directed=False,
        features=csr(parts, "attr_"),
    )
    return {
        "graph": graph,
        "splits": {name: mask(parts[name], n_nodes) for name in ("train", "val", "test")},
        **node_labels(known, parts["label"][known], n_nodes),
    }


def matlab(files: Files, *, edges: str, labels: str | None = None) -> Fields:
    """Read ``matrices``, a MATLAB file with a sparse adjacency and perhaps node x label."""
    from scipy.io import loadmat

    content: Any = io.BytesIO(files["matrices"])
    variables = loadmat(content)
    fields: Fields = {"graph": _of_pattern(variables[edges])}
    if labels is not None:
        matrix = sp.csr_array(variables[labels]).astype(np.int8)
        names = tuple(str(label) for label in range(matrix.shape[1]))
        fields |= {"labels": matrix, "label_names": names}
    return fields


def geom_gcn(files: Files) -> Fields:
    """Read ``edges`` and ``nodes`` (number, features, label) with a header, and ten splits."""
    edges = read_table(files["edges"], ("source", "target"), skip=1)
    nodes = read_table(files["nodes"], ("node", "features", "label"), skip=1)
    nodes = nodes.sort_by("node")
    n_nodes = len(nodes)
    # Features are written "0,1,0,...": one digit at each even place.
    digits = np.frombuffer("".join(nodes["features"].to_pylist()).encode(), dtype=np.uint8)
    features = digits.reshape(n_nodes, -1)[:, ::2] == ord("1")
    graph = from_edges(
        edges["source"].to_numpy(),
        edges["target"].to_numpy(),
        nodes=NodeIndex.range(n_nodes),
        directed=True,
        features=sp.csr_array(features.astype(np.float32)),
    )
    splits = [arrays(files[role]) for role in sorted(files) if role.startswith("split_")]
    return {
        "graph": graph,
        "splits": {
            name: np.column_stack([split[f"{name}_mask"].astype(bool) for split in splits])
            for name in ("train", "val", "test")
        },
        **node_labels(np.arange(n_nodes), nodes["label"].to_numpy(), n_nodes),
    }


def hgcn_airport(files: Files) -> Fields:
    """Read ``edges`` and ``features``, whose last column is cut into four labels."""
    table = read_table(files["features"], ("f0", "f1", "f2", "f3", "activity"))
    features = np.column_stack([column.to_numpy() for column in table.columns])
    fields = edge_list(files, n_nodes=len(features))
    fields["graph"] = fields["graph"].with_features(features[:, :-1])
    classes = np.digitize(features[:, -1], _HGCN_CUTS)
    return fields | node_labels(np.arange(len(features)), classes, len(features))


def hgcn_disease(files: Files) -> Fields:
    """Read ``edges``, ``labels`` (npy) and perhaps ``features`` (a matrix of scipy)."""
    labels = np.load(io.BytesIO(files["labels"]), allow_pickle=False).astype(np.int64)
    fields = edge_list(files, delimiter=",", n_nodes=len(labels))
    if "features" in files:
        features = csr(arrays(files["features"]))
        fields["graph"] = fields["graph"].with_features(features)
    return fields | node_labels(np.arange(len(labels)), labels, len(labels))


def _of_pattern(matrix: Any) -> Graph:
    """Undirected graph of the non-zeros of a square matrix; all of ours are 1."""
    rows, columns = sp.coo_array(matrix).coords
    return from_rows(rows, columns, nodes=NodeIndex.range(matrix.shape[0]), directed=False)


def _listed_features(content: bytes, shape: tuple[int, int]) -> sp.csr_array:
    lists = json.loads(content)
    rows = np.repeat([int(node) for node in lists], [len(listed) for listed in lists.values()])
    columns = [feature for listed in lists.values() for feature in listed]
    return indicator(rows, columns, shape, np.float32)
