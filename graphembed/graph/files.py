"""Read a graph from a file of edges, and write one."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import scipy.io
import scipy.sparse as sp

from graphembed.atomic import replaced_file
from graphembed.exceptions import FileFormatError, GraphError
from graphembed.graph.blocks import compression, read_blocks
from graphembed.graph.builders import from_rows, from_scipy, orient
from graphembed.graph.edge_columns import (
    Chosen,
    Column,
    EdgeColumns,
    Wanted,
    check_table,
    choose_columns,
)
from graphembed.graph.frames import to_frame
from graphembed.graph.graph import Graph
from graphembed.graph.ids import NodeIndex
from graphembed.graph.text import first_fields, read_text

_COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
PARQUET = (".parquet", ".pq")
ARROW = (".feather", ".arrow", ".ipc")
# Formats that would be read as nonsense, or not at all, if they were taken for lists of edges.
_FOREIGN = {
    **dict.fromkeys((".graphml", ".gml", ".gexf", ".net"), "networkx and Graph.from_networkx"),
    **dict.fromkeys((".json", ".jsonl", ".xlsx", ".xls", ".xml"), "pandas and Graph.from_frame"),
    **dict.fromkeys((".npz", ".npy"), "NumPy or SciPy and Graph.from_scipy"),
}


def read_edges(
    path: str | os.PathLike[str],
    *,
    source: Column = None,
    target: Column = None,
    weight: Column = None,
    relation: Column = None,
    directed: bool = False,
    nodes: Any = None,
    header: bool | None = None,
) -> Graph:
    r"""Read a graph from a file of edges, one edge a line or row.

    Parameters
    ----------
    path : str or path-like
        The file; ``~`` is the home folder. Its name says what it is:

        ==================================  =======================================================
        ``.csv``, ``.tsv``, ``.tab``        table of text; fields may stand in double quotes
        ``.parquet``, ``.pq``               Parquet
        ``.feather``, ``.arrow``, ``.ipc``  Arrow, file or stream
        ``.mtx``                            Matrix Market, coordinate format
        anything else                       text; fields are cut at tabs, commas, semicolons or
                                            runs of blanks, whichever the first 100 lines agree on
        ==================================  =======================================================

        Text and ``.mtx`` may be compressed with gzip, zstd or bzip2, whatever the name says.
        A ``.csv`` without commas is cut at semicolons or tabs.
    source, target : str or int, optional
        Columns of the two ends, by name or by position from 0. By default the columns named
        source and target, src and dst, from and to, or head and tail (in any case), else the
        first two.
    weight, relation : str, int or False, optional
        Columns of weights and of edge types. By default the columns named ``weight`` and
        ``relation`` if there are such; any other column is ignored. ``False`` ignores these too.
    directed : bool, default=False
        Whether ``u -> v`` and ``v -> u`` are different edges. If not, they are one edge, and
        their weights are summed.
    nodes : NodeIndex or array-like of int or str, optional
        All node ids in row order; by default the ids that occur, ascending. Strings make ids of
        a text file strings even if they look like ints.
    header : bool, optional
        Whether the first line of a text file names the columns. By default it does if a column
        is asked for by name; or if it holds a pair of the names above; or if no field of it is
        a number and some column holds nothing but numbers on the (first 100) lines below.

    Returns
    -------
    Graph
        Relations are named in ascending order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileFormatError
        If the file is empty, damaged, a folder or of another format (``.graphml``, ``.json``,
        ...), or a column does not exist, or a line has more
        or fewer fields than the first one, an empty id, a weight that is no finite number, or
        text that is not UTF-8. The message names the line (counted from 1, with comments and
        header) or the row (counted from 1).
    UnknownNodeError
        If an id is not among ``nodes``.

    Notes
    -----
    **Ids in text** are ints if all ids of both columns are whole numbers of 64 bits (``1.0`` is
    1), otherwise all are strings, as they are written: with one ``007`` or ``x`` among them, 1
    is the string ``"1"``. Blanks round an id are not part of it. **Ids in Parquet and Arrow**
    keep their type, int or string; whole floats are ints; if one column holds ints and the other
    strings, all are strings.

    **Comments**: lines that begin with ``#`` or ``%``, at the top of csv and tsv files, anywhere in
    other text. Empty lines are skipped.

    **Matrix Market**: node ids are the row numbers from 0, as `scipy.io.mmread` gives them, unless
    ``nodes`` names the rows; all rows are nodes. A symmetric matrix gives an undirected graph in
    which each pair counts once; the entries of any other are edges.

    The columns that are used are parsed on all cores and are held in memory together; others are
    skipped. A compressed ``.mtx`` file is unpacked in memory.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from graphembed import read_edges
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "friends.csv"
    >>> _ = path.write_text("from,to,weight\nann,bob,2\nbob,cid,0.5\n")
    >>> read_edges(path)
    Graph(n_nodes=3, n_edges=2, undirected, weighted)

    Head, relation and tail without a header, as knowledge graphs come:

    >>> path = path.with_suffix(".tsv")
    >>> _ = path.write_text("oslo\tcapital_of\tnorway\n")
    >>> read_edges(path, source=0, relation=1, target=2, directed=True).relations
    ('capital_of',)
    """
    file = existing_file(path)
    suffix = format_of(file)
    wanted = Wanted(source, target, weight, relation)
    if nodes is not None and not isinstance(nodes, NodeIndex):
        nodes = NodeIndex.from_ids(nodes)
    if suffix == ".mtx":
        return _read_matrix(file, wanted, directed, nodes)
    strings = nodes is not None and nodes.kind == "str"
    return _graph(read_columns(file, wanted, header=header, strings=strings), directed, nodes)


def read_columns(
    path: str | os.PathLike[str],
    wanted: Wanted,
    *,
    header: bool | None = None,
    strings: bool = False,
) -> EdgeColumns:
    """Read the columns of edges of a file other than a matrix, as they stand there.

    Parameters
    ----------
    path : str or path-like
    wanted : Wanted
        The columns.
    header : bool, optional
        As of :func:`read_edges`.
    strings : bool, default=False
        Whether ids in text that look like ints are strings.

    Returns
    -------
    EdgeColumns

    Raises
    ------
    FileNotFoundError, FileFormatError
        As of :func:`read_edges`.
    """
    file = existing_file(path)
    suffix = format_of(file)
    if suffix == ".mtx":
        raise FileFormatError(f"{path} is a matrix: it has no columns to choose.")
    if suffix in (*PARQUET, *ARROW):
        return _read_table(file, suffix, wanted)
    return read_text(file, suffix, wanted, header=header, strings=strings)


def first_row(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the columns of a typed table, or the fields of the first line of text.

    Raises
    ------
    FileNotFoundError, FileFormatError
        As of :func:`read_edges`.
    """
    file = existing_file(path)
    suffix = format_of(file)
    if suffix == ".mtx":
        raise FileFormatError(f"{path} is a matrix: it has no columns to choose.")
    if suffix not in (*PARQUET, *ARROW):
        return first_fields(file, suffix)
    try:
        if suffix in PARQUET:
            return list(pq.read_schema(file).names)
        with pa.memory_map(str(file)) as source:
            return list(_opened(source).schema.names)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, suffix, error) from error


def write_edges(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the edges of a graph as a table that `read_edges` reads.

    The columns are ``source``, ``target``, and ``weight`` and ``relation`` if the graph has them;
    an undirected edge is written once. Isolated nodes, node features and the row order are not
    written: `graphembed.save` keeps a whole graph.

    Parameters
    ----------
    graph : Graph
        What to write.
    path : str or path-like
        Ends in ``.parquet``, ``.csv`` or ``.tsv``; the text forms may end in ``.gz`` or ``.zst``
        on top. The file appears whole or not at all; an older one is replaced.

    Raises
    ------
    GraphError
        If the name says no known format.
    """
    file = Path(path).expanduser()
    suffixes = [suffix.lower() for suffix in file.suffixes]
    method = _COMPRESSED.get(suffixes[-1]) if suffixes else None
    suffix = "".join(suffixes[-2:-1] if method else suffixes[-1:])
    if suffix not in (".parquet", ".csv", ".tsv") or (method and suffix == ".parquet"):
        raise GraphError(
            f"Cannot tell the format from the name {file.name!r}. "
            "Use .parquet, .csv or .tsv (the last two also with .gz or .zst)."
        )
    table = to_frame(graph, "pyarrow")
    with replaced_file(file) as temporary:
        if suffix == ".parquet":
            pq.write_table(table, temporary)
        else:
            options = pacsv.WriteOptions(delimiter="," if suffix == ".csv" else "\t")
            with pa.output_stream(str(temporary), compression=method) as stream:
                pacsv.write_csv(table, stream, options)


def format_of(file: Path) -> str:
    """Return the ending of a name, that of compression aside, which says what a file is.

    Raises
    ------
    FileFormatError
        If it stands for something that is not a list of edges.
    """
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in _FOREIGN:
        raise FileFormatError(
            f"{file} is no list of edges, by its name. Read it with {_FOREIGN[suffix]}."
        )
    return suffix


def existing_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that is there, ``~`` written out."""
    file = Path(path).expanduser()
    if not file.exists():
        raise FileNotFoundError(f"There is no file {file.absolute()}.")
    if not file.is_file():
        raise FileFormatError(f"{file} is not a file but a folder or a device; name one file.")
    return file


def _graph(columns: EdgeColumns, directed: bool, nodes: NodeIndex | None) -> Graph:
    types = relations = None
    if columns.relation is not None:
        names, (types,) = NodeIndex.factorize(columns.relation)
        relations = tuple(map(str, names.to_numpy().tolist()))
    index, (sources, targets) = NodeIndex.factorize(columns.source, columns.target, nodes=nodes)
    return from_rows(
        sources,
        targets,
        weights=columns.weight,
        edge_types=types,
        nodes=index,
        directed=directed,
        relations=relations,
    )


def _read_table(path: Path, suffix: str, wanted: Wanted) -> EdgeColumns:
    try:
        if suffix in PARQUET:
            table, chosen = _parquet(path, wanted)
        else:
            table, chosen = _arrow(path, wanted)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, suffix, error) from error
    if table.num_rows == 0:
        raise FileFormatError(f"{path} is empty: it has no rows.")
    return check_table(table, chosen, str(path))


def _unreadable(path: Path, suffix: str, error: Exception) -> FileFormatError:
    kind = "Parquet" if suffix in PARQUET else "Arrow"
    return FileFormatError(f"{path} is not a readable {kind} file: {error}.")


def _parquet(path: Path, wanted: Wanted) -> tuple[pa.Table, Chosen]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        chosen = choose_columns(names, len(names), wanted, str(path))
        used = {names[at] for at in chosen.roles().values()}
        table = file.read(columns=[*used])
    # Of a name that occurs twice, both columns are read.
    return by_role(table, names, [at for at, name in enumerate(names) if name in used], chosen)


def _arrow(path: Path, wanted: Wanted) -> tuple[pa.Table, Chosen]:
    with pa.memory_map(str(path)) as source:
        names = _opened(source).schema.names
        chosen = choose_columns(names, len(names), wanted, str(path))
        read = sorted(chosen.roles().values())
        table = _opened(source, pa.ipc.IpcReadOptions(included_fields=read)).read_all()
    return by_role(table, names, read, chosen)


def _opened(source: Any, options: pa.ipc.IpcReadOptions | None = None) -> Any:
    """Return the reader of an Arrow file or stream, whichever it is."""
    source.seek(0)
    try:
        return pa.ipc.open_file(source, options=options)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source, options=options)


def by_role(
    table: pa.Table, names: list[str], read: list[int], chosen: Chosen
) -> tuple[pa.Table, Chosen]:
    """Return the columns by their roles; ``read`` are the positions in the file of all read."""
    # Names may repeat, and readers differ in the order of columns.
    left = {name: [at for at in read if names[at] == name] for name in names}
    place = {left[name].pop(0): column for column, name in enumerate(table.column_names)}
    return pa.table({role: table.column(place[at]) for role, at in chosen.roles().items()}), chosen


def _read_matrix(path: Path, wanted: Wanted, directed: bool, nodes: NodeIndex | None) -> Graph:
    if wanted != Wanted():
        raise FileFormatError(f"{path} is a matrix: it has no columns to choose. Leave them out.")
    content = _plain(path)
    try:
        field, symmetry = scipy.io.mminfo(content)[4:]
        if not isinstance(content, str):
            content.seek(0)
        matrix = sp.coo_array(scipy.io.mmread(content))
    except (ValueError, OverflowError, OSError) as error:
        raise FileFormatError(f"{path} is not a readable Matrix Market file: {error}") from error
    if symmetry == "skew-symmetric" and not directed:
        raise FileFormatError(
            f"{path} is skew-symmetric: opposite edges cancel. Use directed=True."
        )
    if field == "pattern":
        matrix = matrix.astype(bool)
    elif field != "complex" and not np.isfinite(matrix.data).all():
        raise _bad_entry(path)
    try:
        graph = from_scipy(matrix, nodes=nodes, directed=True)
    except GraphError as error:
        raise FileFormatError(f"{path}: {error}") from error
    # A symmetric matrix has each undirected edge twice; any other is a list of edges.
    return graph if directed else orient(graph, None).to_undirected()


def _plain(path: Path) -> str | io.BytesIO:
    """Return what scipy can read: the name of a plain file, else all that was compressed.

    Its reader ends the process when a stream fails half-way, so that it is given none.
    """
    if compression(path) is None and path.suffix.lower() not in _COMPRESSED:
        return str(path)
    return io.BytesIO(b"".join(read_blocks(path)))


def _bad_entry(path: Path) -> FileFormatError:
    lines = (line for block in read_blocks(path) for line in block.decode().splitlines())
    for number, line in enumerate(lines, 1):
        if line[:1] != "%" and not np.isfinite([float(word) for word in line.split()]).all():
            return FileFormatError(
                f"{path}, line {number}: the weight is not finite. The line is {line!r}."
            )
    return FileFormatError(f"{path}: a weight is not finite.")
