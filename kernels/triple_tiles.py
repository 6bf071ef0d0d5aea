"""Distances that no matrix product yields, of all queries to all candidates, and their gradients.

Scores and gradients are made tile by tile, a few queries by a few candidates, so that a row that
was loaded meets several others while it is in a register. Lanes run along columns, so that rows
are read where they lie; a tree of shuffles sums the lanes of a tile's sums. How a distance grows
with the difference of two rows is a :class:`Metric`; numba compiles the kernels anew for each.
:mod:`graphembed.kernels.simd` says why the inner loops are written as LLVM vectors.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba import config, njit, types
from numba.extending import intrinsic

from graphembed.kernels import simd

_FEATURES = {} if vars(config)["CPU_NAME"] else binding.get_host_cpu_features()
_WIDE = _FEATURES.get("avx512f", False) and _FEATURES.get("avx512dq", False)
_BLOCK = 32  # candidates that stay in the first cache, with their gradients, while queries pass
_GROUP = simd.LANES  # pairs that are scored together
_ALL = ir.Constant(ir.IntType(16), -1), simd.I32(4)  # of an AVX-512 instruction: lanes, rounding
_HUGE = 2.0**64


class _NoFields(NamedTuple):
    """What numba tells apart by its class."""


class Metric(_NoFields):
    """How a distance grows with differences; its methods emit code.

    A row is ``parts`` equal parts, whose columns of equal number make one term of the distance.
    """

    parts = 1
    sum_unit = 1.0  # of what :meth:`add` adds
    slope_unit = 1.0  # of what :meth:`slopes` returns; it is for the caller to count it in
    magnified = 1.0  # differences are given to :meth:`slopes` so many times as large
    candidates = 4 if _WIDE else 2  # of a tile; registers hold the sums of all its pairs

    def queries(self) -> int:
        """Return the queries of a tile."""
        return self.candidates // self.parts

    def add(self, builder: Any, total: Any, differences: Sequence[Any]) -> Any:
        """Return a sum plus the term of these differences, one of each part."""
        raise NotImplementedError

    def slopes(self, builder: Any, weight: Any, differences: Sequence[Any]) -> tuple[Any, Any]:
        """Return a factor, and one more of each part: products are weighted derivatives."""
        raise NotImplementedError


class Absolute(Metric):
    """The sum of absolute differences; its derivative by a difference of 0 is 0."""

    magnified = _HUGE

    def add(self, builder: Any, total: Any, differences: Sequence[Any]) -> Any:
        """Add absolute differences."""
        return builder.fadd(total, _call(builder, "llvm.fabs.v16f32", *differences))

    def slopes(self, builder: Any, weight: Any, differences: Sequence[Any]) -> tuple[Any, Any]:
        """Return signs."""
        return weight, [_sign(builder, *differences)]


class Squared(Metric):
    """The sum of squared differences."""

    slope_unit = 2.0

    def add(self, builder: Any, total: Any, differences: Sequence[Any]) -> Any:
        """Add squared differences."""
        (x,) = differences
        return simd.multiply_add(builder, x, x, total)

    def slopes(
        self,
        builder: Any,  # noqa: ARG002
        weight: Any,
        differences: Sequence[Any],
    ) -> tuple[Any, Any]:
        """Return the differences."""
        return weight, differences


class TorusAbsolute(Metric):
    """The sum of absolute differences to the nearest integer."""

    def add(self, builder: Any, total: Any, differences: Sequence[Any]) -> Any:
        """Add absolute differences to the nearest integer."""
        rest = _remainder(builder, *differences)
        return builder.fadd(total, _call(builder, "llvm.fabs.v16f32", rest))

    def slopes(self, builder: Any, weight: Any, differences: Sequence[Any]) -> tuple[Any, Any]:
        """Return signs."""
        rest = _remainder(builder, *differences)
        return weight, [_sign(builder, builder.fmul(rest, simd.constant(_HUGE)))]


class TorusSquared(Metric):
    """The sum of squared differences to the nearest integer."""

    slope_unit = 2.0

    def add(self, builder: Any, total: Any, differences: Sequence[Any]) -> Any:
        """Add squared differences to the nearest integer."""
        rest = _remainder(builder, *differences)
        return simd.multiply_add(builder, rest, rest, total)

    def slopes(self, builder: Any, weight: Any, differences: Sequence[Any]) -> tuple[Any, Any]:
        """Return the differences to the nearest integer."""
        return weight, [_remainder(builder, *differences)]


class ComplexModulus(Metric):
    """The sum of moduli of complex differences: real parts in one half, imaginary in the other.

    The derivative by a difference of 0 is 0.
    """

    parts = 2
    sum_unit = slope_unit = 0.5

    def add(self, builder: Any, total: Any, differences: Sequence[Any]) -> Any:
        """Add moduli."""
        square = _square(builder, differences)
        guess, correction = _inverse_root(builder, square)
        return simd.multiply_add(builder, builder.fmul(square, guess), correction, total)

    def slopes(self, builder: Any, weight: Any, differences: Sequence[Any]) -> tuple[Any, Any]:
        """Return the weight over the modulus, and the differences."""
        guess, correction = _inverse_root(builder, _square(builder, differences))
        return builder.fmul(builder.fmul(weight, guess), correction), differences


def _call(builder: Any, name: str, *arguments: Any) -> Any:
    """Call an LLVM intrinsic that returns a vector."""
    module = builder.module
    kind = ir.FunctionType(simd.VECTOR, [argument.type for argument in arguments])
    function = module.globals.get(name) or ir.Function(module, kind, name)
    return builder.call(function, arguments)


def _multiply_add(builder: Any, left: Any, right: Any, addend: Any) -> Any:
    """Return ``left * right + addend``, fused even where another sum has the same product."""
    return _call(builder, "llvm.fmuladd.v16f32", left, right, addend)


def _sign(builder: Any, scaled: Any) -> Any:
    """Return -1, 0 or 1 of each lane, given lanes times ``_HUGE``: what is within [-1, 1] of it."""
    one, minus_one = simd.constant(1.0), simd.constant(-1.0)
    if _WIDE:
        smaller = simd.I32(2)  # the smaller of two magnitudes, with the sign of the first
        return _call(
            builder, "llvm.x86.avx512.mask.range.ps.512", scaled, one, smaller, simd.ZERO, *_ALL
        )
    scaled = builder.select(builder.fcmp_ordered(">", scaled, one), one, scaled)
    return builder.select(builder.fcmp_ordered("<", scaled, minus_one), minus_one, scaled)


def _remainder(builder: Any, x: Any) -> Any:
    """Return what is left of each lane without its nearest integer, in [-1/2, 1/2]."""
    if _WIDE:
        nearest = simd.I32(8)
        return _call(builder, "llvm.x86.avx512.mask.reduce.ps.512", x, nearest, simd.ZERO, *_ALL)
    return builder.fsub(x, _call(builder, "llvm.rint.v16f32", x))


def _square(builder: Any, differences: Sequence[Any]) -> Any:
    """Return the squared modulus, or next to nothing instead of 0, which has no inverse."""
    square = simd.constant(1e-30)
    for difference in differences:
        square = simd.multiply_add(builder, difference, difference, square)
    return square


def _inverse_root(builder: Any, x: Any) -> tuple[Any, Any]:
    """Return two factors of 2 / sqrt(x).

    Roots and divisions are slow. With AVX-512 the factors are the processor's quick guess of 14
    bits, and 3 - x guess^2, which is Newton's correction of it.
    """
    if not _WIDE:
        root = builder.fdiv(simd.constant(1.0), _call(builder, "llvm.sqrt.v16f32", x))
        return root, simd.constant(2.0)
    guess = _call(builder, "llvm.x86.avx512.rsqrt14.ps.512", x, simd.ZERO, _ALL[0])
    minus = builder.fneg(builder.fmul(x, guess))
    return guess, simd.multiply_add(builder, minus, guess, simd.constant(3.0))


class _Rows:
    """Rows of a table that a tile reads: for each of them, where its parts begin.

    Rows past the end stand for the last row.
    """

    def __init__(self, builder: Any, array: Any, first: Any, n_rows: int, parts: int) -> None:
        total, width = (builder.extract_value(array.shape, axis) for axis in range(2))
        self.width = builder.udiv(width, simd.I64(parts))
        last = builder.sub(total, simd.I64(1))
        self.pointers = []
        for number in range(n_rows):
            row = builder.add(first, simd.I64(number))
            row = builder.select(builder.icmp_signed("<", row, last), row, last)
            start = builder.mul(row, width)
            places = [
                builder.add(start, builder.mul(self.width, simd.I64(part))) for part in range(parts)
            ]
            self.pointers.append([builder.gep(array.data, [place]) for place in places])

    def load(self, builder: Any, number: int, column: Any, scale: float = 1.0) -> list[Any]:
        vectors = [simd.load(builder, pointer, column) for pointer in self.pointers[number]]
        if scale == 1:
            return vectors
        return [builder.fmul(vector, simd.constant(scale)) for vector in vectors]

    def store(self, builder: Any, number: int, column: Any, vectors: Sequence[Any]) -> None:
        for pointer, vector in zip(self.pointers[number], vectors, strict=True):
            simd.store(builder, vector, pointer, column)


def _subtract(builder: Any, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    return [builder.fsub(a, b) for a, b in zip(left, right, strict=True)]


def _sums(builder: Any, metric: Metric, queries: _Rows, candidates: _Rows, pairs: Any) -> Any:
    """Emit the loop over columns; return the negative distances of the pairs, one in each lane."""

    def add(column: Any, totals: list[Any]) -> list[Any]:
        lefts = [queries.load(builder, a, column) for a in range(len(queries.pointers))]
        rights = [candidates.load(builder, b, column) for b in range(len(candidates.pointers))]
        return [
            metric.add(builder, total, _subtract(builder, lefts[a], rights[b]))
            for (a, b), total in zip(pairs, totals, strict=True)
        ]

    start = [simd.ZERO] * len(pairs)
    totals = simd.for_range(builder, simd.I64(0), queries.width, simd.LANES, start, add)
    return builder.fmul(simd.row_sums(builder, totals), simd.constant(-metric.sum_unit))


def _arrays(context: Any, builder: Any, sig: Any, args: Any) -> list[Any]:
    return [
        context.make_array(kind)(context, builder, value)
        if isinstance(kind, types.Array)
        else value
        for kind, value in zip(sig.args, args, strict=True)
    ]


@intrinsic
def _score_tile(typingctx, metric, queries, i, candidates, j, out, row, column):
    """Write the scores of some queries from i on and some candidates from j on."""
    rule = metric.instance_class()
    signature = types.void(metric, queries, i, candidates, j, out, row, column)

    def codegen(context, builder, sig, args):
        _, queries, i, candidates, j, out, row, column = _arrays(context, builder, sig, args)
        n, m = rule.queries(), rule.candidates
        left = _Rows(builder, queries, i, n, rule.parts)
        right = _Rows(builder, candidates, j, m, rule.parts)
        pairs = [(a, b) for a in range(n) for b in range(m)]
        scores = _sums(builder, rule, left, right, pairs)
        short = ir.VectorType(ir.FloatType(), m)
        width = builder.extract_value(out.shape, 1)
        for a in range(n):
            lanes = ir.Constant(ir.VectorType(simd.I32, m), list(range(a * m, a * m + m)))
            place = builder.mul(builder.add(row, simd.I64(a)), width)
            pointer = builder.gep(out.data, [builder.add(place, column)])
            vector = builder.shuffle_vector(scores, scores, lanes)
            builder.store(vector, builder.bitcast(pointer, short.as_pointer()), align=4)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _gradient_tile(typingctx, metric, queries, i, candidates, j, grads, row, column, by_q, by_c):
    """Add the gradients of a tile to those by its queries and its candidates."""
    rule = metric.instance_class()
    signature = types.void(metric, queries, i, candidates, j, grads, row, column, by_q, by_c)

    def codegen(context, builder, sig, args):
        arrays = _arrays(context, builder, sig, args)
        _, queries, i, candidates, j, grads, row, column, by_q, by_c = arrays
        n, m = rule.queries(), rule.candidates
        left = _Rows(builder, queries, i, n, rule.parts)
        right = _Rows(builder, candidates, j, m, rule.parts)
        to_left = _Rows(builder, by_q, i, n, rule.parts)
        to_right = _Rows(builder, by_c, j, m, rule.parts)
        width = builder.extract_value(grads.shape, 1)
        scales = []
        for a in range(n):
            place = builder.add(builder.mul(builder.add(row, simd.I64(a)), width), column)
            for b in range(m):
                offset = builder.add(place, simd.I64(b))
                scales.append(simd.splat(builder, simd.load_scalar(builder, grads.data, offset)))

        def add(column: Any, _: Any) -> list[Any]:
            rights = [right.load(builder, b, column, rule.magnified) for b in range(m)]
            sinks = [to_right.load(builder, b, column) for b in range(m)]
            for a in range(n):
                values = left.load(builder, a, column, rule.magnified)
                sink = to_left.load(builder, a, column)
                for b in range(m):
                    differences = _subtract(builder, values, rights[b])
                    weight, factors = rule.slopes(builder, scales[a * m + b], differences)
                    for part, factor in enumerate(factors):
                        sink[part] = _multiply_add(
                            builder, weight, builder.fneg(factor), sink[part]
                        )
                        sinks[b][part] = _multiply_add(builder, weight, factor, sinks[b][part])
                to_left.store(builder, a, column, sink)
            # Backwards: of a row that stands for others past the end, its own sum comes last.
            for b in reversed(range(m)):
                to_right.store(builder, b, column, sinks[b])
            return []

        simd.for_range(builder, simd.I64(0), left.width, simd.LANES, [], add)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _tile_shape(typingctx, metric):
    """Return the queries and the candidates of a tile."""
    rule = metric.instance_class()
    result = types.UniTuple(types.int64, 2)

    def codegen(context, builder, sig, args):
        shape = [simd.I64(rule.queries()), simd.I64(rule.candidates)]
        return context.make_tuple(builder, result, shape)

    return result(metric), codegen


@intrinsic
def _score_pairs(typingctx, metric, queries, candidates, first, out, start):
    """Write the scores of the next 16 pairs of rows of equal number."""
    rule = metric.instance_class()
    signature = types.void(metric, queries, candidates, first, out, start)

    def codegen(context, builder, sig, args):
        _, queries, candidates, first, out, start = _arrays(context, builder, sig, args)
        left = _Rows(builder, queries, first, _GROUP, rule.parts)
        right = _Rows(builder, candidates, first, _GROUP, rule.parts)
        pairs = [(a, a) for a in range(_GROUP)]
        scores = _sums(builder, rule, left, right, pairs)
        simd.store(builder, scores, out.data, start)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def _pull_pair(typingctx, metric, queries, candidates, row, grad, by_q, by_c):
    """Write the gradients by both rows of a pair."""
    rule = metric.instance_class()
    signature = types.void(metric, queries, candidates, row, grad, by_q, by_c)

    def codegen(context, builder, sig, args):
        _, *arrays = _arrays(context, builder, sig, args)
        queries, candidates, row, grad, by_q, by_c = arrays
        left, right, to_left, to_right = (
            _Rows(builder, array, row, 1, rule.parts) for array in (queries, candidates, by_q, by_c)
        )
        scale = simd.splat(builder, grad)

        def write(column: Any, _: Any) -> list[Any]:
            values = [rows.load(builder, 0, column, rule.magnified) for rows in (left, right)]
            differences = _subtract(builder, *values)
            weight, factors = rule.slopes(builder, scale, differences)
            pulls = [builder.fmul(weight, factor) for factor in factors]
            to_right.store(builder, 0, column, pulls)
            to_left.store(builder, 0, column, [builder.fneg(pull) for pull in pulls])
            return []

        simd.for_range(builder, simd.I64(0), left.width, simd.LANES, [], write)
        return context.get_dummy_value()

    return signature, codegen


@njit(cache=True, nogil=True)
def block_scores(metric, queries, candidates, out):
    """Write the negative distances of all queries to all candidates.

    Parameters
    ----------
    metric : Metric
    queries : ndarray of shape (n_queries, width), float32
        Each part of a row is a multiple of 16 columns; so are those of all rows below.
    candidates : ndarray of shape (n_candidates, width), float32
    out : ndarray of shape (n_queries, n_candidates), float32
        Written.
    """
    n, m = out.shape
    height, length = _tile_shape(metric)
    scratch = np.empty((height, length), np.float32)
    for block in range(0, m, _BLOCK):
        for i in range(0, n, height):
            for j in range(block, min(block + _BLOCK, m), length):
                if i + height <= n and j + length <= m:
                    _score_tile(metric, queries, i, candidates, j, out, i, j)
                else:
                    _score_tile(metric, queries, i, candidates, j, scratch, 0, 0)
                    for a in range(i, min(i + height, n)):
                        for b in range(j, min(j + length, m)):
                            out[a, b] = scratch[a - i, b - j]


@njit(cache=True, nogil=True)
def block_gradients(metric, queries, candidates, grads, by_queries, by_candidates):
    """Add the gradients by queries and candidates, given those by the scores.

    Parameters
    ----------
    metric : Metric
    queries, candidates : ndarray of float32
        As :func:`block_scores` takes them.
    grads : ndarray of shape (n_queries, n_candidates), float32
        Times ``metric.slope_unit``.
    by_queries, by_candidates : ndarray of float32, in the shapes of queries and candidates
        Added to.
    """
    n, m = grads.shape
    height, length = _tile_shape(metric)
    scratch = np.empty((height, length), np.float32)
    for block in range(0, m, _BLOCK):
        for i in range(0, n, height):
            for j in range(block, min(block + _BLOCK, m), length):
                tile, row, column = grads, i, j
                if i + height > n or j + length > m:
                    scratch[:] = 0
                    for a in range(i, min(i + height, n)):
                        for b in range(j, min(j + length, m)):
                            scratch[a - i, b - j] = grads[a, b]
                    tile, row, column = scratch, 0, 0
                _gradient_tile(
                    metric, queries, i, candidates, j, tile, row, column, by_queries, by_candidates
                )


@njit(cache=True, nogil=True)
def pair_scores(metric, queries, candidates, out):
    """Write the negative distance of each query to the candidate of the same number.

    Parameters
    ----------
    metric : Metric
    queries, candidates : ndarray of shape (n, width), float32
        As :func:`block_scores` takes them.
    out : ndarray of shape (n,), float32
        Written.
    """
    n = len(out)
    scratch = np.empty(_GROUP, np.float32)
    for first in range(0, n, _GROUP):
        if first + _GROUP <= n:
            _score_pairs(metric, queries, candidates, first, out, first)
        else:
            _score_pairs(metric, queries, candidates, first, scratch, 0)
            out[first:] = scratch[: n - first]


@njit(cache=True, nogil=True)
def pair_gradients(metric, queries, candidates, grads, by_queries, by_candidates):
    """Write the gradients by queries and candidates, given those by the scores of pairs.

    Parameters
    ----------
    metric : Metric
    queries, candidates : ndarray of shape (n, width), float32
        As :func:`block_scores` takes them.
    grads : ndarray of shape (n,), float32
        Times ``metric.slope_unit``.
    by_queries, by_candidates : ndarray of shape (n, width), float32
        Written.
    """
    for row in range(len(grads)):
        _pull_pair(metric, queries, candidates, row, grads[row], by_queries, by_candidates)
