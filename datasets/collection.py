"""Readers of sets of several graphs.

Named graphs come back under ``"members"``, each with the fields that it would have alone.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.datasets.readers import Fields, Files, edge_list, matlab
from graphembed.datasets.tables import mask, number
from graphembed.graph.builders import from_rows
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex

_LABELS = "_labels"
_N_FOLDS = 10


def edge_lists(
    files: Files, *, graphs: Mapping[str, Mapping[str, Any]] | None = None, **options: Any
) -> Fields:
    """Read an edge list for each role, and its labels from the role ``NAME_labels``.

    Parameters
    ----------
    files : mapping of str to bytes
        The edge lists.
    graphs : mapping of str to mapping, optional
        Further options of single graphs.
    **options : mapping
        Options of :func:`~graphembed.datasets.readers.edge_list` for all of them.
    """
    members = {}
    for name in sorted(files):
        if not name.endswith(_LABELS):
            roles = {"edges": files[name], "labels": files.get(name + _LABELS, b"")}
            members[name] = edge_list(roles, **options, **(graphs or {}).get(name, {}))
    return {"members": members}


def matlab_files(files: Files, *, edges: str) -> Fields:
    """Read a MATLAB file for each role."""
    return {
        "members": {name: matlab({"matrices": files[name]}, edges=edges) for name in sorted(files)}
    }


def disjoint_union(members: Mapping[str, Graph]) -> Graph:
    """Return one graph that holds several, its ids written ``NAME/ID``.

    Weighted if one of them is; the edges of the others then weigh 1.
    """
    graphs = list(members.values())
    starts = np.cumsum([0, *(graph.n_nodes for graph in graphs)])[:-1]
    pairs = [graph.edges() + start for graph, start in zip(graphs, starts, strict=True)]
    sources, targets = np.concatenate(pairs).T
    weighted = any(graph.weighted for graph in graphs)
    return from_rows(
        sources,
        targets,
        weights=np.concatenate([g.edge_weights() for g in graphs]) if weighted else None,
        nodes=NodeIndex.from_ids(
            [f"{name}/{node}" for name, graph in members.items() for node in graph.nodes]
        ),
        directed=graphs[0].directed,
    )


def small_graphs(files: Files) -> Fields:
    """Read ``graphs`` for whole-graph classification, and ``folds``.

    The text has the number of graphs; then for each graph a line of its size and label, and for
    each node a line of its tag, its number of neighbours and the neighbours. Tags become
    features, one column each.
    """
    lines = [line.split() for line in files["graphs"].splitlines()]
    sizes, labels, nodes = [], [], []
    position = 1
    while position < len(lines):
        size = int(lines[position][0])
        sizes.append(size)
        labels.append(int(lines[position][1]))
        nodes += lines[position + 1 : position + 1 + size]
        position += 1 + size
    tags, _ = number([int(node[0]) for node in nodes])
    features = np.eye(tags.max() + 1, dtype=np.float32)[tags]
    degrees = [len(node) - 2 for node in nodes]
    targets = np.array([int(other) for node in nodes for other in node[2:]], dtype=np.int64)
    sources = np.repeat(np.arange(len(nodes)), degrees)
    starts = np.cumsum([0, *sizes])
    owner_start = np.repeat(starts[:-1], sizes)[sources]
    union = from_rows(
        sources,
        targets + owner_start,
        nodes=NodeIndex.range(len(nodes)),
        directed=False,
        features=features,
    )
    return {
        "graph": union,
        "graphs": {k: _block(union, starts[k], starts[k + 1]) for k in range(len(sizes))},
        "graph_labels": number(labels)[0],
        "splits": _folds(json.loads(files["folds"]), len(sizes)),
    }


def _block(union: Graph, start: int, stop: int) -> Graph:
    """Cut a range of rows that has no edges to the outside."""
    first, last = union.indptr[start], union.indptr[stop]
    features: Any = union.features
    return Graph(
        union.indptr[start : stop + 1] - first,
        union.indices[first:last] - np.int32(start),
        nodes=NodeIndex.range(stop - start),
        directed=False,
        features=features[start:stop],
    )


def _folds(rows: Mapping[str, Sequence[int]], n_graphs: int) -> dict[str, npt.NDArray[np.bool_]]:
    return {
        part: np.column_stack(
            [mask(np.array(rows[f"{part}-{fold}"]), n_graphs) for fold in range(1, _N_FOLDS + 1)]
        )
        for part in ("train", "test")
    }
