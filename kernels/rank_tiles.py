"""Scores of a tile of queries and candidates, and how many of them reach a bar.

A score is a sum over columns, one column after the other, of one lane of a vector: its bits depend
on its query and its candidate alone, wherever in a block the two stand.
See :mod:`graphembed.kernels.pair_tiles` for the shape of tiles.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from graphembed.kernels import simd
from graphembed.kernels.pair_tiles import (
    QUERIES,
    VECTORS,
    absolute_value,
    accumulate,
    multiply_step,
    subtract_absolute,
)

_I16, _FUSE = ir.IntType(16), ("contract",)

PRODUCT, SQUARES, ABSOLUTE, TORUS, TORUS_SQUARES, MODULUS = range(6)


def _unary(builder: Any, name: str, vector: Any) -> Any:
    kind = ir.FunctionType(simd.VECTOR, [simd.VECTOR])
    function = cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{simd.LANES}f32")
    return builder.call(function, [vector])


def _subtract_square(builder: Any, vector: Any, total: Any) -> Any:
    square = builder.fmul(vector, vector, flags=_FUSE)
    return builder.fsub(total, square, flags=_FUSE)


def _fraction(builder: Any, values: Any, rows: Any) -> Any:
    """Return the difference to the nearest integer of the difference: the shorter way around."""
    difference = builder.fsub(values[0], rows[0])
    return builder.fsub(difference, _unary(builder, "llvm.rint", difference))


def _squares(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    return _subtract_square(builder, builder.fsub(values[0], rows[0]), total)


def _torus(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    return builder.fsub(total, absolute_value(builder, _fraction(builder, values, rows)))


def _torus_squares(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    return _subtract_square(builder, _fraction(builder, values, rows), total)


def _modulus(builder: Any, values: Any, rows: Any, total: Any) -> Any:
    real, imaginary = (builder.fsub(v, r) for v, r in zip(values, rows, strict=True))
    square = simd.multiply_add(builder, imaginary, imaginary, builder.fmul(real, real))
    return builder.fsub(total, _unary(builder, "llvm.sqrt", square))


def _define_scores(step: Callable[..., Any], width: int = 1) -> Any:
    """Make the intrinsic ``scores(queries, group, panel, shifts, out)``."""

    @intrinsic
    def scores(typingctx, queries, group, panel, shifts, out):
        signature = types.void(queries, types.int64, panel, shifts, out)

        def codegen(context, builder, sig, args):
            queries, group, panel, shifts, out = (
                context.make_array(kind)(context, builder, value)
                if isinstance(kind, types.Array)
                else value
                for kind, value in zip(sig.args, args, strict=True)
            )
            d = builder.extract_value(queries.shape, 1)
            query = builder.gep(
                queries.data, [builder.mul(group, builder.mul(d, simd.I64(QUERIES)))]
            )
            places = [simd.I64(v * simd.LANES) for v in range(VECTORS)]
            sums = [simd.load(builder, shifts.data, place) for place in places] * QUERIES
            sums = accumulate(builder, query, panel.data, simd.I64(0), d, sums, step, width)
            for number, total in enumerate(sums):
                simd.store(builder, total, out.data, simd.I64(number * simd.LANES))
            return context.get_dummy_value()

        return signature, codegen

    return scores


_product = _define_scores(multiply_step)
_squared = _define_scores(_squares)
_absolute = _define_scores(subtract_absolute)
_around = _define_scores(_torus)
_around_squared = _define_scores(_torus_squares)
_complex = _define_scores(_modulus, width=2)


@njit(cache=True, nogil=True)
def score_tile(kind, queries, group, panel, shifts, out):
    r"""Write the scores of the queries of a group with the candidates of a panel.

    They start at ``shifts``; each column of a query q and a candidate c adds

    - :data:`PRODUCT`: :math:`q c`
    - :data:`SQUARES`: :math:`-(q - c)^2`
    - :data:`ABSOLUTE`: :math:`-|q - c|`
    - :data:`TORUS`, :data:`TORUS_SQUARES`: the same two of the distance of ``q - c`` to the
      nearest integer, the first and the second power
    - :data:`MODULUS`: each two columns :math:`-|q - c|` of one complex number.

    Parameters
    ----------
    kind : int
    queries : ndarray of shape (n_groups, n_columns, QUERIES), float32
    group : int
    panel : ndarray of shape (n_columns, ROWS), float32
    shifts : ndarray of shape (ROWS,), float32
    out : ndarray of shape (QUERIES, ROWS), float32
    """
    if kind == PRODUCT:
        _product(queries, group, panel, shifts, out)
    elif kind == SQUARES:
        _squared(queries, group, panel, shifts, out)
    elif kind == ABSOLUTE:
        _absolute(queries, group, panel, shifts, out)
    elif kind == TORUS:
        _around(queries, group, panel, shifts, out)
    elif kind == TORUS_SQUARES:
        _around_squared(queries, group, panel, shifts, out)
    else:
        _complex(queries, group, panel, shifts, out)


@intrinsic
def _count(typingctx, scores, group, bars, allowed, above, reached):
    signature = types.void(scores, types.int64, bars, allowed, above, reached)

    def codegen(context, builder, sig, args):
        scores, group, *others = args
        data = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip((sig.args[0], *sig.args[2:]), (scores, *others), strict=True)
        ]
        scores, bars, allowed, above, reached = data
        for i in range(QUERIES):
            place = [builder.add(builder.mul(group, simd.I64(QUERIES)), simd.I64(i))]
            bar = simd.splat(builder, builder.load(builder.gep(bars, place)))
            mask = builder.load(builder.gep(allowed, place))
            for comparison, counts in ((">", above), (">=", reached)):
                bits = simd.I64(0)
                for v in range(VECTORS):
                    start = simd.I64((i * VECTORS + v) * simd.LANES)
                    hits = builder.fcmp_unordered(
                        comparison, simd.load(builder, scores, start), bar
                    )
                    word = builder.zext(builder.bitcast(hits, _I16), simd.I64)
                    bits = builder.or_(bits, builder.shl(word, simd.I64(v * simd.LANES)))
                found = builder.ctpop(builder.and_(bits, mask))
                address = builder.gep(counts, place)
                builder.store(builder.add(builder.load(address), found), address)
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def count_tile(scores, group, bars, allowed, above, reached):
    """Count the candidates of a tile whose score exceeds a query's bar, and those that reach it.

    NaN, of a score or a bar, does both.

    Parameters
    ----------
    scores : ndarray of shape (QUERIES, ROWS), float32
    group : int
        The queries are ``group * QUERIES ..`` of the others.
    bars : ndarray of shape (n_groups * QUERIES,), float32
    allowed : ndarray of shape (n_groups * QUERIES,), uint64
        Bit j is set if candidate j of the tile counts.
    above, reached : ndarray of shape (n_groups * QUERIES,), int64
        Added to.
    """
    _count(scores, group, bars, allowed, above, reached)
