"""A tile of the product of two matrices that stays in registers, compared with a bar at once.

Which of a query's products exceed its bar is all that a search for the largest ones needs to know
of most of them: products are never written, only one bit for each. The bits decide what is worth
an exact score, so nothing that is returned to anyone depends on the shape of the tile.
:mod:`graphembed.kernels.simd` says why the inner loops are written as LLVM vectors.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import binding, ir
from numba import njit, types
from numba.extending import intrinsic

from graphembed.kernels import simd


def _tile_shape() -> tuple[int, int]:
    """Return the queries and the vectors of 16 rows whose sums fill the registers."""
    wide = binding.get_host_cpu_features().get("avx512f", False)
    return (8, 3) if wide else (6, 1)


QUERIES, VECTORS = _tile_shape()
ROWS = VECTORS * simd.LANES

_I16 = ir.IntType(16)
_INTEGERS = ir.VectorType(simd.I32, simd.LANES)
_ALL_BUT_SIGN = ir.Constant(_INTEGERS, [0x7FFFFFFF] * simd.LANES)


def _define_tile(absolute: bool) -> Any:
    """Make the intrinsic ``tile(queries, group, panel, shifts, bars, n_plus, hits)``.

    It sets bit j % 16 of ``hits[i * VECTORS + j / 16]`` where a score exceeds ``bars[i]`` or is
    NaN. The score starts at ``shifts[j]``, to which ``queries[group, c, i] * panel[c, j]`` is added
    for each c; if ``absolute``, ``|queries[group, c, i] - panel[c, j]|`` is added for the first
    ``n_plus`` columns c and subtracted for the others.
    """

    @intrinsic
    def tile(typingctx, queries, group, panel, shifts, bars, n_plus, hits):
        signature = types.void(queries, types.int64, panel, shifts, bars, types.int64, hits)

        def codegen(context, builder, sig, args):
            arrays = [
                context.make_array(kind)(context, builder, value)
                if isinstance(kind, types.Array)
                else value
                for kind, value in zip(sig.args, args, strict=True)
            ]
            queries, group, panel, shifts, bars, n_plus, hits = arrays
            d = builder.extract_value(queries.shape, 1)
            size = builder.mul(d, simd.I64(QUERIES))
            query = builder.gep(queries.data, [builder.mul(group, size)])
            sums = _sums(builder, query, panel.data, shifts.data, n_plus, d, absolute)
            _store_hits(builder, sums, bars.data, hits.data)
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _sums(
    builder: Any, query: Any, panel: Any, shifts: Any, n_plus: Any, d: Any, absolute: bool
) -> Sequence[Any]:
    """Emit the loops over columns; return the sums, query by query."""
    sums = [simd.load(builder, shifts, simd.I64(v * simd.LANES)) for v in range(VECTORS)] * QUERIES
    if not absolute:
        return accumulate(builder, query, panel, simd.I64(0), d, sums, multiply_step)
    sums = accumulate(builder, query, panel, simd.I64(0), n_plus, sums, _add_absolute)
    return accumulate(builder, query, panel, n_plus, d, sums, subtract_absolute)


def accumulate(
    builder: Any,
    query: Any,
    panel: Any,
    start: Any,
    stop: Any,
    sums: Sequence[Any],
    step: Callable[..., Any],
    width: int = 1,
) -> list[Any]:
    """Emit the loop over columns of a tile; return the sums, query by query.

    Parameters
    ----------
    query, panel : LLVM pointers
        To floats of shape (n_columns, QUERIES) and (n_columns, ROWS).
    start, stop : LLVM ints
        The columns.
    sums : sequence of QUERIES * VECTORS LLVM vectors
        What the sums start at.
    step : callable
        ``step(builder, values, rows, total)`` emits what ``width`` columns add to a sum: ``values``
        and ``rows`` are one vector for each column, of the query and of the panel.
    width : int, default=1
        Columns that belong together; ``stop - start`` must be a multiple of it.
    """

    def add(first: Any, sums: list[Any]) -> list[Any]:
        columns = [builder.add(first, simd.I64(w)) for w in range(width)]
        starts = [builder.mul(column, simd.I64(ROWS)) for column in columns]
        rows = [
            [simd.load(builder, panel, builder.add(s, simd.I64(v * simd.LANES))) for s in starts]
            for v in range(VECTORS)
        ]
        places = [builder.mul(column, simd.I64(QUERIES)) for column in columns]
        added = []
        for i in range(QUERIES):
            scalars = [
                simd.load_scalar(builder, query, builder.add(place, simd.I64(i)))
                for place in places
            ]
            values = [simd.splat(builder, scalar) for scalar in scalars]
            added += [step(builder, values, rows[v], sums[i * VECTORS + v]) for v in range(VECTORS)]
        return added

    return simd.for_range(builder, start, stop, width, sums, add)


def multiply_step(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    """Add the product."""
    return simd.multiply_add(builder, values[0], rows[0], total)


def subtract_absolute(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    """Subtract the absolute difference."""
    return builder.fsub(total, absolute_value(builder, builder.fsub(values[0], rows[0])))


def _add_absolute(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    return builder.fadd(total, absolute_value(builder, builder.fsub(values[0], rows[0])))


def absolute_value(builder: Any, vector: Any) -> Any:
    """Return the vector without its signs."""
    bits = builder.bitcast(vector, _INTEGERS)
    return builder.bitcast(builder.and_(bits, _ALL_BUT_SIGN), simd.VECTOR)


def _store_hits(builder: Any, sums: Sequence[Any], bars: Any, hits: Any) -> None:
    for i in range(QUERIES):
        bar = simd.splat(builder, simd.load_scalar(builder, bars, simd.I64(i)))
        for v in range(VECTORS):
            place = i * VECTORS + v
            above = builder.fcmp_unordered(">", sums[place], bar)
            builder.store(builder.bitcast(above, _I16), builder.gep(hits, [simd.I64(place)]))


_product_tile = _define_tile(absolute=False)
_absolute_tile = _define_tile(absolute=True)


@njit(cache=True, nogil=True)
def product_hits(queries, group, panel, shifts, bars, hits):
    """Set the bits of ``hits`` where ``shifts + queries[group].T @ panel`` exceeds ``bars``.

    Parameters
    ----------
    queries : ndarray of shape (n_groups, n_columns, QUERIES), float32
    group : int
    panel : ndarray of shape (n_columns, ROWS), float32
    shifts : ndarray of shape (ROWS,), float32
    bars : ndarray of shape (QUERIES,), float32
    hits : ndarray of shape (QUERIES * ROWS / 16,), uint16
        Bit j % 16 of entry ``(i * ROWS + j) / 16`` is set if the score of query i and row j is
        above the query's bar, or one of both is NaN; written.
    """
    _product_tile(queries, group, panel, shifts, bars, queries.shape[1], hits)


@njit(cache=True, nogil=True)
def absolute_hits(queries, group, panel, shifts, bars, n_plus, hits):
    """Do the same for sums of ``|queries[group, c, i] - panel[c, j]|`` over the columns c.

    The first ``n_plus`` columns are added, the others subtracted; see :func:`product_hits`.
    """
    _absolute_tile(queries, group, panel, shifts, bars, n_plus, hits)
