"""graphembed info: what is in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphembed.cli import files, options
from graphembed.cli.output import print_json, print_pairs, show_size

if TYPE_CHECKING:
    from graphembed.graph.graph import Graph
    from graphembed.store.store import GraphStore
    from graphembed.vectors import Vectors


def info(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Edges, vectors, a saved folder or a store.")
    ],
    directed: options.Directed = False,
    source: options.Source = None,
    target: options.Target = None,
    weight: options.Weight = None,
    relation: options.Relation = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every byte of a store and check it.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Describe a file of edges or vectors, the folder of a saved model or graph, or a store.

    Of a graph: its nodes and edges, degrees, isolated nodes, connected components, and the
    memory it takes. Edges are read as graphembed fit reads them, with the same options.

    **Examples**

    - graphembed info edges.csv

    - graphembed info follows.parquet --directed --weight n_messages

    - graphembed info vectors.parquet --json

    - graphembed info store/ --verify
    """
    content = read_any(
        file, directed=directed, source=source, target=target, weight=weight, relation=relation
    )
    facts = {"file": str(file), **describe(content)}
    if verify:
        facts |= verified(content)
    if as_json:
        print_json(facts)
        return
    shown = {name: value for name, value in facts.items() if name not in ("file", "kind")}
    print_pairs(
        [(name.removesuffix("_bytes"), readable(name, value)) for name, value in shown.items()],
        title=f"{file}: {facts['kind']}",
    )


def read_any(file: Path, **columns: Any) -> Any:
    """Read a store, a saved folder, a file of vectors, or else a file of edges."""
    if file.is_dir():
        from graphembed.persistence import load
        from graphembed.store.format import MANIFEST
        from graphembed.store.store import GraphStore

        if (file / MANIFEST).exists():
            return GraphStore(file)

        return load(file)
    checks: dict[str, Callable[[Path], bool]] = {
        ".parquet": holds_vectors,
        ".npy": Path.is_file,
        ".txt": is_word2vec,
    }
    check = checks.get(file.suffix.lower())
    if check is not None and check(file):
        return files.read_vectors(file)
    return files.read_graph(file, **columns)


def holds_vectors(file: Path) -> bool:
    """Whether a Parquet file has a column of lists, which edges never have."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except pa.ArrowInvalid:
        return False  # not Parquet after all: read_edges says so, naming the file
    return any(pa.types.is_nested(field.type) for field in schema)


def is_word2vec(file: Path) -> bool:
    """Whether a text file begins as vectors do, with "nodes components", and edges never do."""
    if not file.is_file():
        return False
    with file.open("rb") as lines:
        top, first = lines.readline(100).split(), lines.readline(1 << 20).split()
    # A line of three fields or more after one of two is a bad line of edges.
    return len(top) == 2 and top[1].isdigit() and len(first) == int(top[1]) + 1 > 2


def describe(content: Any) -> dict[str, Any]:
    """Return the facts about a graph, a store, vectors or an embedder."""
    from graphembed.graph.graph import Graph
    from graphembed.store.store import GraphStore
    from graphembed.vectors import Vectors

    if isinstance(content, GraphStore):
        return {"kind": "store", **describe_store(content)}
    if isinstance(content, Graph):
        return {"kind": "graph", **describe_graph(content)}
    if isinstance(content, Vectors):
        return {"kind": "vectors", **describe_vectors(content)}
    facts = {"kind": type(content).__name__, **describe_vectors(content.vectors_)}
    if hasattr(content, "relation_index_"):
        facts["relations"] = content.relations_.tolist()
        facts["triples"] = len(content.triples_)
    return facts | {"parameters": content.get_params()}


def describe_graph(graph: "Graph") -> dict[str, Any]:
    """Return sizes, degrees, components and memory of a graph."""
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    facts: dict[str, Any] = {
        "nodes": graph.n_nodes, "edges": graph.n_edges, "directed": graph.directed,
        "weighted": graph.weighted, "node_ids": graph.node_index.kind,
    }  # fmt: skip
    if graph.relations is not None:
        facts["relations"] = list(graph.relations)
    if graph.features is not None:
        facts["features"] = graph.features.shape[1]
    if graph.weights is not None and len(graph.weights):
        facts["weights"] = summary(graph.weights)
    into = np.bincount(graph.indices, minlength=graph.n_nodes)
    facts["isolated"] = int(np.count_nonzero((graph.degrees == 0) & (into == 0)))
    degrees = {"out_degree": graph.degrees, "in_degree": into}
    if not graph.directed:
        degrees = {"degree": graph.degrees}
    facts |= {name: summary(values) for name, values in degrees.items()}
    n_components, labels = connected_components(graph.adjacency, directed=graph.directed)
    facts["components"] = n_components
    facts["largest_component"] = int(np.bincount(labels).max())
    return facts | {"memory_bytes": memory_of(graph)}


def describe_store(store: "GraphStore") -> dict[str, Any]:
    """Return what a store holds, without reading its edges."""
    import numpy as np

    facts: dict[str, Any] = {
        "nodes": store.n_nodes, "edges": store.n_edges, "directed": store.directed,
        "weighted": store.weighted, "node_ids": store.manifest.node_kind,
        "partitions": store.n_partitions,
    }  # fmt: skip
    if store.relations is not None:
        facts["relations"] = list(store.relations)
    if store.manifest.features is not None:
        facts["features"] = store.manifest.n_features
    name = "out_degree" if store.directed else "degree"
    facts[name] = summary(store.degrees)
    if store.n_partitions > 1:
        facts["edges_of_a_bucket"] = summary(np.array(store.manifest.bucket_edges))
    return facts | {"disk_bytes": store.nbytes}


def verified(content: Any) -> dict[str, Any]:
    """Check every byte of a store.

    Raises
    ------
    StoreError
        If it is damaged, or not a store.
    """
    from graphembed.exceptions import StoreError
    from graphembed.store.store import GraphStore

    if not isinstance(content, GraphStore):
        raise StoreError(
            "--verify is for stores. Saved folders are checked whenever they are loaded."
        )
    content.verify()
    return {"verified": True}


def memory_of(graph: "Graph") -> int:
    """Return the bytes of a graph's own arrays, ids included."""
    features = graph.features
    parts = [graph.indptr, graph.indices, graph.weights, graph.edge_types]
    parts += [features] if not hasattr(features, "indptr") else [
        features.data, features.indices, features.indptr,
    ]  # fmt: skip
    ids = 0 if graph.node_index.kind == "range" else graph.node_index.to_arrow().nbytes
    return int(ids + sum(part.nbytes for part in parts if part is not None))


def describe_vectors(vectors: "Vectors") -> dict[str, Any]:
    """Return the shape, type and memory of vectors."""
    matrix = vectors.matrix
    return {
        "nodes": len(vectors), "dimensions": matrix.shape[1], "geometry": vectors.geometry,
        "dtype": str(matrix.dtype), "node_ids": vectors.node_index.kind,
        "first_nodes": vectors.node_index.take(range(min(5, len(vectors)))).tolist(),
        "memory_bytes": matrix.nbytes,
    }  # fmt: skip


def summary(values: Any) -> dict[str, Any]:
    """Return the smallest, median, mean and largest of some numbers."""
    import numpy as np

    names = ("min", "median", "mean", "max")
    numbers = (values.min(), np.median(values), values.mean(dtype=np.float64), values.max())
    return {name: number.item() for name, number in zip(names, numbers, strict=True)}


def readable(name: str, value: Any) -> Any:
    """Return a fact as it is printed for people."""
    if name.endswith("_bytes"):
        return show_size(value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items())
    if isinstance(value, list):
        more = f", ... ({len(value)} in all)" if len(value) > 8 else ""
        return ", ".join(map(str, value[:8])) + more
    return value


def _short(number: Any) -> str:
    if isinstance(number, float):
        return f"{number:,.4g}" if abs(number) < 10_000 else f"{number:,.0f}"
    plain = isinstance(number, int) and not isinstance(number, bool)
    return f"{number:,}" if plain else str(number)
