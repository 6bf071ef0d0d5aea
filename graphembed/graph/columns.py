"""Columns from outside (lists, arrays, Arrow, pandas, polars) made plain: ids and weights."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphembed.exceptions import GraphError

IdColumn: TypeAlias = npt.NDArray[np.int64] | pa.LargeStringArray

_CONVERT = "Convert the ids to int or to str first."


def as_ids(values: Any, name: str = "ids") -> IdColumn:
    """Return node ids as int64 or as one Arrow array of strings.

    Parameters
    ----------
    values : array-like of int or str
        A list, NumPy or Arrow array, pandas or polars column, or any iterable; one id is a
        column of length 1. Floats must be whole numbers.
    name : str
        What the column is called in error messages.

    Returns
    -------
    ndarray of int64 or LargeStringArray
        An empty column is int64 unless its type says that it holds strings.

    Raises
    ------
    GraphError
        If an id is missing (the message says where), or is neither int nor str, or both kinds
        are mixed.

    Examples
    --------
    >>> from graphembed.graph.columns import as_ids
    >>> as_ids([3.0, 1.0])
    array([3, 1])
    """
    column = to_column(values, name)
    if isinstance(column, np.ndarray):
        return _integers(column, name)
    if pa.types.is_null(column.type) and len(column) == 0:
        return np.empty(0, dtype=np.int64)
    _check_no_nulls(column, name)
    if _is_string(column.type):
        return combine(column.cast(pa.large_string()))
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return _integers(column.to_numpy(), name)
    raise GraphError(f"{name} must be int or str; got {column.type}. {_CONVERT}")


def as_weights(values: Any, n_edges: int) -> npt.NDArray[Any]:
    """Return edge weights as float32 (kept) or float64 (everything else), one for each edge.

    Raises
    ------
    GraphError
        If they are not real numbers, one is missing, or their number is not ``n_edges``.

    Examples
    --------
    >>> from graphembed.graph.columns import as_weights
    >>> as_weights([1, 2], 2)
    array([1., 2.])
    """
    column: Any = to_column(values, "weights")
    if not isinstance(column, np.ndarray):
        _check_no_nulls(column, "weights")
        if _is_string(column.type):
            raise GraphError("weights must be real numbers; got str. Convert them to float first.")
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        column = combine(column).to_numpy(zero_copy_only=False)
    if len(column) == 0:
        column = np.empty(0)
    if column.dtype.kind not in "biuf":
        raise GraphError(f"weights must be real numbers; got values of type {column.dtype}.")
    if len(column) != n_edges:
        raise GraphError(f"There are {n_edges} edges but {len(column)} weights; give one each.")
    weights: npt.NDArray[Any] = column
    return weights if weights.dtype == np.float32 else weights.astype(np.float64)


def to_column(values: Any, name: str) -> Any:
    """Return values as a 1-d ndarray of numbers, or as an Arrow array with its own type.

    Raises
    ------
    GraphError
        If they have no order, more than one dimension, or no common type.
    """
    if isinstance(values, str | bytes | bool | int | float | np.generic) or values is None:
        values = [values]
    if isinstance(values, set | frozenset):
        raise GraphError(f"{name} must have an order; got a set. Pass sorted(...) of it.")
    try:
        column = _convert(values)
    except (pa.ArrowException, OverflowError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0].removesuffix(".")
        raise GraphError(f"{name} must be numbers or str of one kind: {reason}.") from error
    if isinstance(column, np.ndarray) and column.ndim != 1:
        raise GraphError(f"{name} must be one-dimensional; got an array of shape {column.shape}.")
    return column


def combine(column: Any) -> Any:
    """Return an Arrow column as one contiguous array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks or [pa.array([], type=column.type)])


def one_kind(arrays: list[IdColumn]) -> list[Any]:
    """Return columns of ids after checking that all are int or all str.

    Raises
    ------
    GraphError
        If they are not. An empty column is of any kind.
    """
    filled = [array for array in arrays if len(array)]
    if len({type(array) for array in filled}) > 1:
        raise GraphError(
            "Node ids must be all int or all str; one column holds ints and another str. "
            "Convert one of them."
        )
    model = filled[0] if filled else arrays[0]
    return [array if len(array) else model[:0] for array in arrays]


def encode(arrays: list[Any]) -> tuple[Any, list[npt.NDArray[np.int32]]]:
    """Return the distinct values and, for each array, their positions in them."""
    lengths = [len(array) for array in arrays]
    if not sum(lengths):
        return arrays[0], [np.empty(0, dtype=np.int32) for _ in arrays]
    if isinstance(arrays[0], np.ndarray):
        low = min(int(array.min()) for array in arrays if len(array))
        high = max(int(array.max()) for array in arrays if len(array))
        if high - low < 2 * sum(lengths) + 1000:
            return _encode_by_table(arrays, low, high)
    encoded = pc.dictionary_encode(
        pa.chunked_array([pa.array(a) if isinstance(a, np.ndarray) else a for a in arrays])
    ).unify_dictionaries()
    unique = encoded.chunk(0).dictionary
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks])
    if isinstance(arrays[0], np.ndarray):
        unique = unique.to_numpy()
    return unique, np.split(codes, np.cumsum(lengths)[:-1])


def _convert(values: Any) -> Any:
    column: Any
    if isinstance(values, pa.Array | pa.ChunkedArray):
        column = values
    elif isinstance(values, np.ndarray):
        column = _from_numpy(np.atleast_1d(values))
    elif hasattr(values, "iloc") or hasattr(values, "__arrow_array__"):
        column = pa.array(values, from_pandas=True)
    elif hasattr(values, "__arrow_c_stream__"):
        column = pa.chunked_array(values)
    elif hasattr(values, "__array__"):
        column = _from_numpy(np.atleast_1d(np.asarray(values)))
    elif isinstance(values, Iterable):
        # Arrow refuses to mix numbers, bools and str, where NumPy would turn 1 into "1".
        column = pa.array(list(values), from_pandas=True)
    else:
        raise TypeError(f"got {type(values).__name__}")
    if not isinstance(column, np.ndarray) and pa.types.is_dictionary(column.type):
        column = _decode(column)
    return column


def _decode(column: Any) -> Any:
    # Arrow can neither decode nor take from a dictionary of string views, as polars has them.
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    kind = column.type.value_type
    kind = pa.large_string() if _is_string(kind) else kind
    plain = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in chunks]
    return pa.chunked_array(plain, type=kind)


def _from_numpy(array: npt.NDArray[Any]) -> Any:
    if array.ndim != 1 or array.dtype.kind in "iufbc":
        return array
    if array.dtype.kind == "T":
        array = array.astype(object)
    return pa.array(array, from_pandas=True)


def _is_string(arrow_type: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(arrow_type)
        or pa.types.is_large_string(arrow_type)
        or pa.types.is_string_view(arrow_type)
    )


def _check_no_nulls(column: Any, name: str) -> None:
    if column.null_count:
        position = pc.index(pc.is_null(column), True).as_py()
        raise GraphError(
            f"{name}[{position}] is missing (None or NaN). Drop such rows or give them a value."
        )


def _integers(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    if array.dtype.kind == "f":
        whole = np.isfinite(array) & (np.trunc(array) == array) & (np.abs(array) < 2.0**63)
        if not whole.all():
            position = int(np.argmin(whole))
            value = array[position]
            found = "missing (NaN)" if np.isnan(value) else f"{value}"
            raise GraphError(
                f"{name}[{position}] is {found}; float ids must be whole numbers. {_CONVERT}"
            )
    elif array.dtype.kind not in "iu":
        raise GraphError(f"{name} must be int or str; got {array.dtype}. {_CONVERT}")
    elif array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise GraphError(f"{name} must fit in 64-bit signed ints; got {array.max()}. {_CONVERT}")
    return array.astype(np.int64, copy=False)


def _encode_by_table(
    arrays: list[npt.NDArray[np.int64]], low: int, high: int
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int32]]]:
    shifted = arrays if low == 0 else [array - low for array in arrays]
    seen = np.zeros(high - low + 1, dtype=bool)
    for array in shifted:
        seen[array] = True
    unique = np.flatnonzero(seen) + low
    if len(unique) == len(seen):
        return unique, [array.astype(np.int32) for array in shifted]
    table = np.cumsum(seen, dtype=np.int32) - np.int32(1)
    return unique, [table[array] for array in shifted]
