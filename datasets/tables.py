"""What the readers share: delimited text to Arrow tables, values to labels, arrays to csr."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import scipy.sparse as sp

from graphembed.graph.blocks import read_csv


def read_table(
    content: bytes,
    columns: Sequence[str] | None = None,
    *,
    delimiter: str = "\t",
    skip: int = 0,
    strings: Sequence[str] = (),
) -> pa.Table:
    r"""Parse delimited text.

    Parameters
    ----------
    content : bytes
        The text. Lines that begin with ``#`` are skipped if they come first.
    columns : sequence of str, optional
        Names of the columns; by default the first line has them.
    delimiter : str
        What stands between values. Quotes mean something only between commas.
    skip : int
        Lines to skip at the start, a header that ``columns`` replaces.
    strings : sequence of str
        Columns whose values are text even where they look like numbers.

    Returns
    -------
    pyarrow.Table

    Examples
    --------
    >>> from graphembed.datasets.tables import read_table
    >>> read_table(b"1 2\n3 4\n", ["source", "target"], delimiter=" ")["target"].to_pylist()
    [2, 4]
    """
    start = 0
    while content.startswith(b"#", start):
        start = content.index(b"\n", start) + 1
    return read_csv(
        lambda: io.BytesIO(memoryview(content)[start:]),
        read_options=pyarrow.csv.ReadOptions(column_names=columns, skip_rows=skip),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter, quote_char='"' if delimiter == "," else False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.large_string() for name in strings}
        ),
    )


def number(values: Any) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the number of each value among the distinct ones, ascending, and their names.

    Examples
    --------
    >>> from graphembed.datasets.tables import number
    >>> number(["b", "a", "b"])
    (array([1, 0, 1]), ('a', 'b'))
    """
    names, codes = np.unique(np.asarray(values), return_inverse=True)
    return codes.astype(np.int64).reshape(-1), tuple(str(name) for name in names.tolist())


def node_labels(rows: npt.NDArray[Any], values: Any, n_nodes: int) -> dict[str, Any]:
    """Return ``labels`` and ``label_names`` of a Dataset; -1 for nodes that have no value."""
    codes, names = number(values)
    labels = np.full(n_nodes, -1, dtype=np.int64)
    labels[rows] = codes
    return {"labels": labels, "label_names": names}


def indicator(
    rows: npt.ArrayLike, columns: npt.ArrayLike, shape: tuple[int, int], dtype: Any
) -> sp.csr_array:
    """Return a matrix of 0 and 1; a pair that is listed twice is 1."""
    matrix = sp.csr_array((np.ones(np.size(rows), dtype=dtype), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an npz file; a pickled one is an error."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def csr(parts: Mapping[str, npt.NDArray[Any]], prefix: str = "") -> sp.csr_array:
    """Make a csr matrix from ``indptr``, ``indices``, ``shape`` and perhaps ``data``."""
    indices = parts[f"{prefix}indices"]
    data = parts.get(f"{prefix}data")
    if data is None:
        data = np.ones(len(indices))
    indptr = parts[f"{prefix}indptr"]
    # The files keep indices as int16, which scipy does not take.
    return sp.csr_array(
        (data.astype(np.float32), indices.astype(np.int32), indptr.astype(np.int32)),
        shape=tuple(parts[f"{prefix}shape"].tolist()),
    )


def mask(rows: npt.NDArray[Any], n_rows: int) -> npt.NDArray[np.bool_]:
    """Return a boolean mask that is true at some rows."""
    chosen = np.zeros(n_rows, dtype=bool)
    chosen[rows] = True
    return chosen
