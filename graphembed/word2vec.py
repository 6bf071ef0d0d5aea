"""Vectors as word2vec text: a line ``n d``, then one line ``id v1 ... vd`` for each node."""

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from graphembed.atomic import replaced_file
from graphembed.exceptions import FileFormatError, GraphError
from graphembed.graph.ids import NodeIndex

PathLike = str | os.PathLike[str]

_BLOCK_VALUES = 1 << 20
_SPACE = r"[\s\p{Z}\x{0b}\x{1c}-\x{1f}\x{85}]"
_SEPARATOR = pa.scalar(" ", pa.large_string())
_CANONICAL_INT = r"^(0|-?[1-9][0-9]{0,18})$"


def write_word2vec(path: PathLike, nodes: NodeIndex, matrix: npt.NDArray[Any]) -> None:
    """Write word2vec text, which gensim, fastText and others read; whole or not at all.

    Numbers are the shortest that read back as the same float32 (float64 for such a matrix).

    Parameters
    ----------
    path : path-like
        File to make or replace; UTF-8.
    nodes : NodeIndex
    matrix : ndarray of shape (n_nodes, n_components), float32 or float64

    Raises
    ------
    GraphError
        If an id is empty or contains white space, which separates columns in this format.
    """
    ids = nodes.to_arrow().cast(pa.large_string())
    _check_ids(ids)
    n_components = matrix.shape[1]
    step = max(1, _BLOCK_VALUES // max(1, n_components))
    with replaced_file(path) as temporary, temporary.open("xb") as file:
        file.write(f"{len(nodes)} {n_components}\n".encode())
        for start in range(0, len(nodes), step):
            block = matrix[start : start + step]
            numbers = pa.array(block.reshape(-1)).cast(pa.string())
            offsets = pa.array(np.arange(len(block) + 1, dtype=np.int32) * n_components)
            rows = pc.binary_join(pa.ListArray.from_arrays(offsets, numbers), " ")
            lines = pc.binary_join_element_wise(
                ids.slice(start, step), rows.cast(pa.large_string()), _SEPARATOR
            )
            file.write(("\n".join(lines.to_pylist()) + "\n").encode())


def _check_ids(ids: Any) -> None:
    spaced = pc.or_(pc.match_substring_regex(ids, _SPACE), pc.equal(ids, ""))
    bad = ids.filter(spaced)
    if len(bad):
        raise GraphError(
            f"{len(bad)} ids are empty or contain white space, which word2vec text cannot hold: "
            f"{', '.join(map(repr, bad[:3].to_pylist()))}. Rename them, or use to_parquet."
        )


def read_word2vec(
    path: PathLike, *, ids: Literal["auto", "int", "str"] = "auto"
) -> tuple[NodeIndex, npt.NDArray[np.float32]]:
    r"""Read word2vec text.

    Parameters
    ----------
    path : path-like
        UTF-8 text; ``.gz`` and other compressed files by their suffix.
    ids : {"auto", "int", "str"}, default="auto"
        The text does not say whether ids are numbers. "auto" makes them int if every one is
        written as an int usually is ("7", not "007") and fits in 64 bits.

    Returns
    -------
    nodes : NodeIndex
    matrix : ndarray of shape (n_nodes, n_components), float32

    Raises
    ------
    FileFormatError
        If the file is not of this format, was cut off, or holds an id twice.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from graphembed.word2vec import read_word2vec
    >>> path = Path(tempfile.mkdtemp()) / "vectors.txt"
    >>> _ = path.write_text("2 3\nann 1 0 0.5\nbob 0 1 -2\n")
    >>> nodes, matrix = read_word2vec(path)
    >>> nodes.to_numpy().tolist(), matrix.tolist()
    (['ann', 'bob'], [[1.0, 0.0, 0.5], [0.0, 1.0, -2.0]])
    """
    if ids not in ("auto", "int", "str"):
        raise ValueError(f"ids must be 'auto', 'int' or 'str'; got {ids!r}.")
    path = Path(path).expanduser()
    n_nodes, n_components, extra = _read_header(path)
    table = _read_table(path, n_components, extra)
    if len(table) != n_nodes:
        raise FileFormatError(
            f"{path} promises {n_nodes} vectors in its first line but holds {len(table)}; "
            "it may have been cut off."
        )
    matrix = np.empty((n_nodes, n_components), dtype=np.float32)
    for component in range(n_components):
        matrix[:, component] = table.column(component + 1).to_numpy()
    try:
        return NodeIndex.from_ids(_typed(table.column(0), ids)), matrix
    except (GraphError, pa.ArrowInvalid) as error:
        raise FileFormatError(f"{path}: {error}") from error


def _read_header(path: PathLike) -> tuple[int, int, int]:
    """Return nodes, components, and 1 if lines end with a space, as the original tool writes."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with pa.input_stream(os.fspath(path)) as raw:
            top = raw.read(1 << 20).decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error}") from error
    words = top[0].split() if top else []
    if len(words) != 2 or not all(word.isdecimal() for word in words) or words[1] == "0":
        raise FileFormatError(
            f"{path}, line 1: word2vec text starts with two numbers, nodes and components; "
            f"found {top[0][:60] if top else ''!r}."
        )
    return int(words[0]), int(words[1]), int(len(top) > 1 and top[1].endswith(" "))


def _read_table(path: PathLike, n_components: int, extra: int) -> pa.Table:
    numbers = [f"v{component}" for component in range(n_components)]
    names = ["node", *numbers, *["end"] * extra]
    types = {"node": pa.large_string(), "end": pa.string()} | dict.fromkeys(numbers, pa.float32())
    try:
        return csv.read_csv(
            os.fspath(path),
            csv.ReadOptions(skip_rows=1, column_names=names, block_size=1 << 24),
            csv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False),
            csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], types[name]) for name in names})
        raise FileFormatError(
            f"{path} must have an id and {n_components} numbers on each line: {error}"
        ) from error


def _typed(column: Any, ids: str) -> Any:
    if ids == "str":
        return column
    if ids == "int":
        return column.cast(pa.int64())
    if not pc.all(pc.match_substring_regex(column, _CANONICAL_INT)).as_py():
        return column
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:  # more than 64 bits
        return column
