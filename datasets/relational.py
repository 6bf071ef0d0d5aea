"""Readers of graphs with relations: knowledge graphs, edge types, users and items."""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.datasets.readers import Fields, Files
from graphembed.datasets.tables import arrays, read_table
from graphembed.graph.builders import from_rows
from graphembed.graph.ids import NodeIndex

_PARTS = ("train", "valid", "test")
_TRIPLE = ("head", "relation", "tail")


def triples(files: Files) -> Fields:
    """Read ``train``, ``valid``, ``test``: lines of head, relation and tail by name.

    Entities and relations are numbered in ascending order of their names.
    """
    tables = [read_table(files[part], _TRIPLE, strings=_TRIPLE) for part in _PARTS]
    ends = [table[name] for table in tables for name in ("head", "tail")]
    entities, rows = NodeIndex.factorize(*ends)
    relations, types = NodeIndex.factorize(*(table["relation"] for table in tables))
    parts = [
        np.column_stack([rows[2 * part], types[part], rows[2 * part + 1]])
        for part in range(len(_PARTS))
    ]
    return _knowledge_graph(parts, entities, tuple(relations.to_numpy().tolist()))


def numbered_triples(files: Files) -> Fields:
    """Read OpenKE's files: triples of numbers as (head, tail, relation), and their names.

    The first line of each file is its number of lines.
    """
    columns = ("head", "tail", "relation")
    parts = []
    for part in _PARTS:
        table = read_table(files[part], columns, delimiter=" ", skip=1)
        parts.append(np.column_stack([table[name].to_numpy() for name in _TRIPLE]))
    entities = NodeIndex.from_ids(_names(files["entities"]))
    return _knowledge_graph(parts, entities, tuple(_names(files["relations"])))


def multiplex(files: Files) -> Fields:
    """Read GATNE's files: edge type, two nodes, and in ``valid`` and ``test`` a label.

    The graph holds the training edges; nodes of all three files are in it.
    """
    columns = ("relation", "source", "target")
    train = read_table(files["train"], columns, delimiter=" ")
    held = {
        name: read_table(files[part], (*columns, "label"), delimiter=" ")
        for name, part in {"val": "valid", "test": "test"}.items()
    }
    tables = [train, *held.values()]
    ends = [table[name].to_numpy() for table in tables for name in ("source", "target")]
    nodes, rows = NodeIndex.factorize(*ends)
    kinds, types = NodeIndex.factorize(*(table["relation"].to_numpy() for table in tables))
    graph = from_rows(
        rows[0],
        rows[1],
        edge_types=types[0],
        nodes=nodes,
        directed=False,
        relations=tuple(str(kind) for kind in kinds.to_numpy().tolist()),
    )
    splits: dict[str, npt.NDArray[Any]] = {}
    for number, (name, table) in enumerate(held.items(), start=1):
        splits[f"{name}_pairs"] = np.column_stack(ends[2 * number : 2 * number + 2])
        splits[f"{name}_relations"] = types[number]
        splits[f"{name}_labels"] = table["label"].to_numpy().astype(np.int8)
    return {"graph": graph, "splits": splits}


def interactions(files: Files, *, n_users: int, n_items: int) -> Fields:
    """Read LightGCN's files: ``train``, the adjacency of users and items; ``test``, item lists.

    Users are nodes ``u0`` .., items ``i0`` ..; an edge joins a user and an item.
    """
    parts = arrays(files["train"])
    indptr = parts["indptr"][: n_users + 1]
    names = [f"u{user}" for user in range(n_users)] + [f"i{item}" for item in range(n_items)]
    nodes = NodeIndex.from_ids(names)
    graph = from_rows(
        np.repeat(np.arange(n_users, dtype=np.int32), np.diff(indptr)),
        parts["indices"][: indptr[-1]],
        nodes=nodes,
        directed=False,
    )
    lines = [np.fromstring(line, dtype=np.int64, sep=" ") for line in files["test"].splitlines()]
    users = np.repeat([line[0] for line in lines], [len(line) - 1 for line in lines])
    items = np.concatenate([line[1:] for line in lines])
    pairs = graph.nodes[np.column_stack([users, n_users + items])]
    return {"graph": graph, "splits": {"test_pairs": pairs}}


def _names(content: bytes) -> list[str]:
    table = read_table(content, ("name", "number"), skip=1, strings=("name",))
    names: list[str] = table.sort_by("number")["name"].to_pylist()
    return names


def _knowledge_graph(
    parts: list[npt.NDArray[Any]], entities: NodeIndex, relations: tuple[str, ...]
) -> Fields:
    train, valid, test = (part.astype(np.int32) for part in parts)
    graph = from_rows(
        train[:, 0],
        train[:, 2],
        edge_types=train[:, 1],
        nodes=entities,
        directed=True,
        relations=relations,
    )
    return {
        "graph": graph,
        "train": train,
        "valid": valid,
        "test": test,
        "entities": graph.nodes,
        "relations": relations,
    }
