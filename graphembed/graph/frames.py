"""Tables of edges, to and fro: pandas, polars, Arrow and whatever narwhals can read."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from graphembed.exceptions import GraphError
from graphembed.graph.builders import from_edges
from graphembed.graph.graph import Graph

BACKENDS = ("pandas", "polars", "pyarrow")


def from_frame(
    frame: Any,
    *,
    source: str | int | None = None,
    target: str | int | None = None,
    weight: str | int | None = None,
    relation: str | int | None = None,
    nodes: Any = None,
    directed: bool = False,
) -> Graph:
    """Make a graph from a table of edges; see :meth:`graphembed.Graph.from_frame`."""
    names, column = _reader(frame)
    if source is None and target is None:
        both = "source" in names and "target" in names
        source, target = ("source", "target") if both else (0, 1)
    if source is None or target is None:
        raise GraphError("Give both source= and target=, or neither.")

    def pick(key: str | int | None) -> Any:
        return None if key is None else column(_position(key, names))

    return from_edges(
        pick(source),
        pick(target),
        pick(weight),
        relations=pick(relation),
        nodes=nodes,
        directed=directed,
    )


def to_frame(graph: Graph, backend: str = "pandas") -> Any:
    """Return a table of the edges; see :meth:`graphembed.Graph.to_frame`."""
    if backend not in BACKENDS:
        raise ValueError(f"Unknown backend {backend!r} (known: {', '.join(BACKENDS)}).")
    ids, edges = graph.node_index.to_arrow(), graph.edges()
    columns = {"source": ids.take(pa.array(edges[:, 0])), "target": ids.take(pa.array(edges[:, 1]))}
    if graph.weighted:
        columns["weight"] = pa.array(graph.edge_weights())
    if graph.relations is not None:
        names = pa.array(graph.relations, type=pa.large_string())
        columns["relation"] = names.take(pa.array(graph.triples()[:, 1]))
    table = pa.table(columns)
    if backend == "pandas":
        return table.to_pandas()
    if backend == "polars":
        import polars as pl

        return pl.from_arrow(table)
    return table


def _reader(frame: Any) -> tuple[list[Any], Callable[[int], Any]]:
    """Return the names of the columns, and a function that reads one by its position."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        return list(frame.columns), lambda position: frame.iloc[:, position]
    import narwhals.stable.v2 as nw

    table = nw.from_native(frame, pass_through=True)
    if table is frame:
        if not hasattr(frame, "__arrow_c_stream__"):
            raise GraphError(
                "A frame must be a pandas, polars or Arrow table, or have __arrow_c_stream__; "
                f"got {type(frame).__name__}. For arrays use Graph.from_edges."
            )
        try:
            table = nw.from_native(pa.table(frame))
        except pa.ArrowInvalid as error:
            raise GraphError(
                f"A frame must have columns; got a {type(frame).__name__}, which is one."
            ) from error
    if isinstance(table, nw.LazyFrame):
        table = table.collect()
    return table.columns, lambda position: table[:, position].to_native()


def _position(key: str | int, names: Sequence[Any]) -> int:
    if isinstance(key, int) and key not in names:  # pandas may name columns by numbers
        if not -len(names) <= key < len(names):
            raise GraphError(
                f"Column {key} is not there: the frame has {len(names)} columns "
                f"({', '.join(map(str, names))}). An edge needs two."
            )
        return key % len(names)
    if key not in names:
        raise GraphError(f"No column {key!r}; the frame has {', '.join(map(str, names))}.")
    return list(names).index(key)
