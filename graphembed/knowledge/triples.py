"""Triples from outside (graphs, arrays, lists, tables) made plain: row numbers and their ids."""

from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.graph.columns import IdColumn, as_ids
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex

Rows = npt.NDArray[np.int64]

COLUMNS = ("head", "relation", "tail")
# What the columns of a table are called elsewhere.
_NAMES = (
    COLUMNS, ("h", "r", "t"), ("subject", "predicate", "object"), ("s", "p", "o"),
    ("source", "relation", "target"),
)  # fmt: skip
_SHAPE = "triples (head, relation, tail): a Graph with relations, or a table of shape (n, 3)"
_SEARCHED = 100_000  # names among which a similar one is looked for
_SHOWN = 5


class Triples(NamedTuple):
    """Triples as rows, each once, ascending, and whose rows they are.

    Attributes
    ----------
    rows : ndarray of shape (n_triples, 3), int64
        Rows of head, relation and tail.
    entities, relations : NodeIndex
        Maps of ids to rows.
    """

    rows: Rows
    entities: NodeIndex
    relations: NodeIndex


class TripleColumns(NamedTuple):
    """Triples as columns of ids."""

    heads: IdColumn
    relations: IdColumn
    tails: IdColumn


def index_triples(X: Any) -> Triples:
    """Return triples as rows of the entities and relations that they name.

    Parameters
    ----------
    X : Graph, or array-like or table of shape (n_triples, 3)
        A directed graph with relations, whose nodes are all entities, in its order; or ids (int
        or str) of head, relation and tail, whose entities and relations are those that occur,
        ascending. Repeated triples are one.

    Returns
    -------
    Triples

    Raises
    ------
    GraphError
        If ``X`` holds no triples, or is something else.

    Examples
    --------
    >>> from graphembed.knowledge.triples import index_triples
    >>> triples = index_triples([("rome", "in", "italy"), ("oslo", "in", "norway")])
    >>> triples.entities.to_numpy().tolist()
    ['italy', 'norway', 'oslo', 'rome']
    >>> triples.rows.tolist()
    [[2, 0, 1], [3, 0, 0]]
    """
    if isinstance(X, Graph):
        rows = canonical_rows(_graph_rows(X))
        entities, relations = X.node_index, NodeIndex.from_ids(list(X.relations or ()))
    else:
        columns = triple_columns(X)
        entities, (heads, tails) = NodeIndex.factorize(columns.heads, columns.tails)
        relations, (kinds,) = NodeIndex.factorize(columns.relations)
        rows = canonical_rows(np.column_stack([heads, kinds, tails]))
    if not len(rows):
        raise GraphError("There are no triples to learn from; give at least one.")
    return Triples(rows, entities, relations)


def triple_rows(X: Any, entities: NodeIndex, relations: NodeIndex) -> Rows:
    """Return triples as rows of known entities and relations, in the order given.

    Parameters
    ----------
    X : Graph, or array-like or table of shape (n_triples, 3)
    entities, relations : NodeIndex

    Returns
    -------
    ndarray of shape (n_triples, 3), int64

    Raises
    ------
    UnknownNodeError
        If an entity or a relation is not known.
    GraphError
        If ``X`` does not hold triples.
    """
    columns = triple_columns(X)
    return np.column_stack(
        [
            known_rows(entities, columns.heads),
            known_rows(relations, columns.relations, "relations"),
            known_rows(entities, columns.tails),
        ]
    )


def extend(
    X: Any, entities: NodeIndex, relations: NodeIndex, *, new_relations: bool = True
) -> Triples:
    """Return triples of known and of new entities and relations; those that are new come last.

    Parameters
    ----------
    X : Graph, or array-like or table of shape (n_triples, 3)
        All nodes of a graph are entities.
    entities, relations : NodeIndex
        What is known. It keeps its rows.
    new_relations : bool, default=True
        Whether relations may be new.

    Returns
    -------
    Triples
        Each once. The new entities and relations are in ascending order.

    Raises
    ------
    UnknownNodeError
        If a relation is new and may not be.
    GraphError
        If ``X`` does not hold triples, or its ids are of another kind than the known ones.
    """
    columns = triple_columns(X)
    ends = [columns.heads, columns.tails]
    if isinstance(X, Graph):
        ends.append(as_ids(X.node_index.to_arrow()))
    entities = _grown(entities, ends, "entities")
    if new_relations:
        relations = _grown(relations, [columns.relations], "relations")
    kinds = known_rows(relations, columns.relations, "relations")
    heads, tails = entities.find(columns.heads), entities.find(columns.tails)
    return Triples(canonical_rows(np.column_stack([heads, kinds, tails])), entities, relations)


def known_rows(index: NodeIndex, ids: Any, noun: str = "entities") -> Rows:
    """Return the row of each id; the error for unknown ones names similar ids.

    Parameters
    ----------
    index : NodeIndex
    ids : int, str or array-like of them
    noun : str, default="entities"
        What the ids are.

    Returns
    -------
    ndarray of shape (n_ids,), int64

    Raises
    ------
    UnknownNodeError
        If an id is not known.

    Examples
    --------
    >>> from graphembed.graph.ids import NodeIndex
    >>> from graphembed.knowledge.triples import known_rows
    >>> known_rows(NodeIndex.from_ids(["greece", "italy"]), "grece")
    Traceback (most recent call last):
    graphembed.exceptions.UnknownNodeError: 1 of the given entities is not among the 2 known \
ones: 'grece'. Did you mean 'greece'?
    """
    column = as_ids(ids, noun)
    rows = index.find(column)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        unknown = list(dict.fromkeys(_take(column, missing).tolist()))
        raise UnknownNodeError(_unknown_message(index, unknown, noun))
    return rows


def canonical_rows(rows: npt.NDArray[Any]) -> Rows:
    """Return each row of triples once, in ascending order of head, relation and tail."""
    rows = rows.astype(np.int64)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return rows[first]


def triple_columns(X: Any) -> TripleColumns:
    """Return the ids of heads, relations and tails.

    Parameters
    ----------
    X : Graph, or array-like or table of shape (n_triples, 3)
        An array of int, str or objects, a list of triples, or a table (pandas, polars, Arrow or
        any other that narwhals reads). The columns of a table are found by name (head, relation,
        tail; h, r, t; subject, predicate, object; source, relation, target); a table of exactly
        three may have other names.

    Raises
    ------
    GraphError
        If it is none of these.
    """
    if isinstance(X, Graph):
        rows, ids = _graph_rows(X), X.node_index.to_arrow()
        names = pa.array(list(X.relations or ()), type=pa.large_string())
        columns = [ids.take(pa.array(rows[:, 0])), names.take(pa.array(rows[:, 1])),
                   ids.take(pa.array(rows[:, 2]))]  # fmt: skip
    elif isinstance(X, str | bytes) or hasattr(X, "__fspath__"):
        raise GraphError(
            f"Expected {_SHAPE}; got the path {str(X)!r}. Read the file first, with "
            "graphembed.read_edges(path, source=0, relation=1, target=2, directed=True)."
        )
    elif isinstance(X, list | tuple):
        columns = _of_list(X)
    elif is_table(X):
        columns = _of_table(X)
    else:
        columns = _of_array(X)
    return TripleColumns(
        *(as_ids(column, f"{name}s") for column, name in zip(columns, COLUMNS, strict=True))
    )


def holds_triples(X: Any) -> bool:
    """Return whether ``X`` has the form of triples, rather than of a column of ids."""
    if isinstance(X, list | tuple):
        return bool(X) and _is_row(X[0]) and len(X[0]) != 1
    if isinstance(X, Graph):
        return True
    shape = getattr(X, "shape", None)
    lazy = hasattr(type(X), "collect_schema")  # a table that does not know its shape yet
    return lazy or (shape is not None and len(shape) == 2 and shape[1] != 1)


def is_table(X: Any) -> bool:
    """Return whether ``X`` is a data frame of some library."""
    # Of the type: to ask a lazy table itself would make it work.
    return hasattr(type(X), "columns") or (
        hasattr(X, "__arrow_c_stream__") and not isinstance(X, pa.ChunkedArray)
    )


def _graph_rows(graph: Graph) -> npt.NDArray[np.int32]:
    rows = graph.triples()
    if not graph.directed:
        raise GraphError(
            "Triples have a direction, and this graph is undirected: which end was the head is "
            "lost. Build it with directed=True; if its relations are symmetric, give its triples "
            "both ways round."
        )
    return rows


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) == 1


def _of_list(X: Any) -> list[Any]:
    wrong = [row for row in X if not _is_row(row) or len(row) != 3]
    if wrong:
        raise GraphError(
            f"Expected {_SHAPE}; {len(wrong)} of the {len(X)} rows are no triples, the first is "
            f"{wrong[0]!r}."
        )
    return [list(column) for column in zip(*X, strict=True)] if len(X) else [[], [], []]


def _of_table(X: Any) -> list[Any]:
    import narwhals.stable.v2 as nw

    table = nw.from_native(X if hasattr(type(X), "columns") else pa.table(X), pass_through=True)
    if isinstance(table, nw.LazyFrame):
        table = table.collect()
    if not isinstance(table, nw.DataFrame):
        return _of_array(X)
    names = [str(name).strip().lower() for name in table.columns]
    found = [wanted for wanted in _NAMES if set(wanted) <= set(names)]
    if not found and len(names) != 3:
        raise GraphError(
            f"Expected {_SHAPE}; the table has the columns {', '.join(map(str, table.columns))}. "
            "Name three of them head, relation and tail, or give only those three."
        )
    wanted = found[0] if found else names
    return [table[:, names.index(name)].to_native() for name in wanted]


def _of_array(X: Any) -> list[Any]:
    array = np.asarray(X)
    if array.ndim != 2 or array.shape[1] != 3:
        found = f"shape {array.shape}" if array.ndim else f"a {type(X).__name__}"
        raise GraphError(f"Expected {_SHAPE}; got {found}.")
    if array.dtype.kind == "O":
        # Ints of one column beside str of another: each is of its own kind.
        return [column.tolist() for column in array.T]
    return list(array.T)


def _grown(index: NodeIndex, columns: list[IdColumn], noun: str) -> NodeIndex:
    """Return the index with unknown ids behind the known ones, in ascending order."""
    known = "str" if index.kind == "str" else "ints"
    new = []
    for column in columns:
        if len(column) and ("ints" if isinstance(column, np.ndarray) else "str") != known:
            raise GraphError(
                f"The ids of the fitted {noun} are {known}, those given are of the other kind, so "
                "that none would be recognised. Convert them."
            )
        new.append(_take(column, np.flatnonzero(index.find(column) < 0)))
    added, _ = NodeIndex.factorize(*new)
    if not len(added):
        return index
    return NodeIndex.from_ids(np.concatenate([index.to_numpy(), added.to_numpy()]))


def _take(column: Any, places: Rows) -> Any:
    return column[places] if isinstance(column, np.ndarray) else column.take(pa.array(places))


def _unknown_message(index: NodeIndex, unknown: list[Any], noun: str) -> str:
    shown = ", ".join(map(repr, unknown[:_SHOWN]))
    if len(unknown) > _SHOWN:
        shown += f" and {len(unknown) - _SHOWN} more"
    verb = "is" if len(unknown) == 1 else "are"
    message = f"{len(unknown)} of the given {noun} {verb} not among the {len(index)} known ones: "
    return f"{message}{shown}. {_hint(index, unknown[0])}"


def _hint(index: NodeIndex, name: Any) -> str:
    if isinstance(name, str) and index.kind == "str" and len(index) <= _SEARCHED:
        known = index.to_numpy().tolist()
        same = [other for other in known if other.casefold() == name.casefold()]
        close = same[:1] or get_close_matches(name, known, n=3)
        if close:
            return f"Did you mean {' or '.join(map(repr, close))}?"
    return "Check the spelling and the type of the ids (1 and '1' differ)."
