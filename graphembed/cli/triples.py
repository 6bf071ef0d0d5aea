"""Files of triples, and the models of knowledge graphs that were fitted to them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphembed.cli import files
from graphembed.cli.output import count

if TYPE_CHECKING:
    import pyarrow as pa

    from graphembed.graph.edge_columns import Wanted
    from graphembed.graph.graph import Graph
    from graphembed.graph.ids import NodeIndex
    from graphembed.knowledge.base import KnowledgeEmbedder

# What columns of triples are called.
NAMES = (
    ("head", "relation", "tail"), ("h", "r", "t"), ("subject", "predicate", "object"),
    ("s", "p", "o"), ("source", "relation", "target"),
)  # fmt: skip


@dataclass(frozen=True)
class TripleColumns:
    """Columns of heads, relations and tails as they were typed: names, positions, or None.

    Those that were not are found by their names (:data:`NAMES`, in any case); of a file with
    three columns of other names, or of none, they are these three.
    """

    head: str | None = None
    relation: str | None = None
    tail: str | None = None

    def wanted(self, path: Path) -> "Wanted":
        """Return what to read of a file.

        Raises
        ------
        FileFormatError
            If a column that was not named cannot be found.
        """
        from graphembed.graph.edge_columns import Wanted

        given = [files.column(text) for text in (self.head, self.relation, self.tail)]
        found = given if None not in given else _default_columns(path)
        head, relation, tail = (
            default if column is None else column
            for column, default in zip(given, found, strict=True)
        )
        return Wanted(head, tail, False, relation)


def _default_columns(path: Path) -> list[Any]:
    from graphembed.exceptions import FileFormatError
    from graphembed.graph.files import first_row

    names = first_row(path)
    lower = [name.strip().lower() for name in names]
    for wanted in NAMES:
        if set(wanted) <= set(lower):
            return [names[lower.index(name)] for name in wanted]
    if len(names) == len(NAMES[0]):
        return [0, 1, 2]
    raise FileFormatError(
        f"Which of the {len(names)} columns of {path} are head, relation and tail? Say it by name "
        "or position, as in --head 0 --relation 1 --tail 2."
    )


def read_triple_graph(path: Path, columns: TripleColumns) -> "Graph":
    """Read a file of triples, or open a store, as a directed graph with relations."""
    if path.is_dir():
        return files.read_graph(
            path, directed=False, source=columns.head, target=columns.tail, weight=None,
            relation=columns.relation,
        )  # fmt: skip
    from graphembed.graph.files import read_edges

    return read_edges(path, directed=True, **vars(columns.wanted(path)))


def read_triples(
    path: Path, columns: TripleColumns, entities: "NodeIndex", relations: "NodeIndex"
) -> "pa.Table":
    """Read a file of triples, row by row, with ids of the kind that others have.

    Parameters
    ----------
    path : Path
    columns : TripleColumns
    entities, relations : NodeIndex
        Whose kinds of ids are meant; others may occur.

    Returns
    -------
    pyarrow.Table
        The columns head, relation and tail.

    Raises
    ------
    FileNotFoundError, FileFormatError
        If the file cannot be read, or its ids are text where they should be integers.
    """
    import pyarrow as pa

    from graphembed.graph.files import read_columns

    found = read_columns(path, columns.wanted(path), strings=entities.kind == "str")
    return pa.table(
        {
            "head": _of_kind(found.source, entities.kind, path, "entities"),
            "relation": _of_kind(found.relation, relations.kind, path, "relations"),
            "tail": _of_kind(found.target, entities.kind, path, "entities"),
        }
    )


def _of_kind(column: Any, kind: str, path: Path, noun: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    from graphembed.exceptions import FileFormatError

    if kind == "str":
        return column.cast(pa.large_string())
    if pa.types.is_integer(column.type):
        return column
    text = column.filter(pc.invert(pc.match_substring_regex(column, r"^-?\d+$")))
    some = (text if len(text) else column)[0].as_py()
    raise FileFormatError(
        f"{path}: the {noun} that the model knows are integers, but one is {some!r} here."
    )


def load_model(path: Path) -> "KnowledgeEmbedder":
    """Load a fitted model of a knowledge graph.

    Raises
    ------
    ValueError
        If there is something else.
    FileNotFoundError
        If there is nothing.
    """
    from graphembed.knowledge.base import KnowledgeEmbedder
    from graphembed.persistence import load

    how = "graphembed fit TRIPLES -m transe -o model/"
    if path.is_file():
        raise ValueError(f"{path} is a file; expected the folder of a model, made by: {how}")
    saved = load(path)
    if not isinstance(saved, KnowledgeEmbedder):
        raise ValueError(
            f"{path} holds a {type(saved).__name__}, which knows no triples. Fit a model of a "
            f"knowledge graph: {how}"
        )
    return saved


def describe_triples(n_entities: int, n_triples: int, n_relations: int) -> str:
    """Return the sizes of a knowledge graph in one line.

    Examples
    --------
    >>> from graphembed.cli.triples import describe_triples
    >>> describe_triples(14_541, 272_115, 237)
    '14,541 entities, 272,115 triples, 237 relations'
    """
    sizes = {"entity": n_entities, "triple": n_triples, "relation": n_relations}
    return ", ".join(count(n, noun) for noun, n in sizes.items())
