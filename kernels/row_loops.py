"""Loops over the columns of rows of tables, where a row is a table and a number.

A view of a row, which numba's loops would need, costs more than the loop over its hundred columns.
These are written out of the pieces of :mod:`graphembed.kernels.simd`, 16 columns at a time and the
last ones singly. All tables are C-contiguous float32; the number of columns is that of the first.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from graphembed.kernels import simd
from graphembed.kernels.row_updates import ADAM_EPSILON, BETA_1, BETA_2, EPSILON

_FLOAT = ir.FloatType()


class _Columns:
    """Some columns of all rows of a loop: a vector of 16, or a single one."""

    def __init__(self, builder: Any, pointers: list[Any], scalars: list[Any], kind: Any) -> None:
        self.builder, self.kind = builder, kind
        self.pointers, self.d = pointers[:3], pointers[3]
        self.x, self.y = (self.spread(scalar) for scalar in scalars)
        self.place: Any = None

    def spread(self, scalar: Any) -> Any:
        return simd.splat(self.builder, scalar) if self.kind is simd.VECTOR else scalar

    def constant(self, value: float) -> Any:
        return simd.constant(value) if self.kind is simd.VECTOR else ir.Constant(_FLOAT, value)

    def load(self, row: int, beyond: bool = False) -> Any:
        """Load the columns of a row; with ``beyond`` those that come one width later."""
        return self.builder.load(self._address(row, beyond), align=4)

    def store(self, value: Any, row: int, beyond: bool = False) -> None:
        self.builder.store(value, self._address(row, beyond), align=4)

    def _address(self, row: int, beyond: bool) -> Any:
        builder = self.builder
        place = builder.add(self.place, self.d) if beyond else self.place
        return builder.bitcast(builder.gep(self.pointers[row], [place]), self.kind.as_pointer())

    def multiply_add(self, left: Any, right: Any, addend: Any) -> Any:
        return simd.multiply_add(self.builder, left, right, addend)

    def absolute(self, value: Any) -> Any:
        return self._call("llvm.fabs", value)

    def root(self, value: Any) -> Any:
        return self._call("llvm.sqrt", value)

    def _call(self, name: str, value: Any) -> Any:
        lanes = f"v{simd.LANES}f32" if self.kind is simd.VECTOR else "f32"
        module, name = self.builder.module, f"{name}.{lanes}"
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(self.kind, [self.kind]), name)
        return self.builder.call(function, [value])

    def step(self, difference: Any, factor: Any) -> Any:
        """Return the factor with the sign of the difference, 0 if there is none."""
        builder, zero = self.builder, self.constant(0.0)
        negative = builder.fneg(factor)
        below = builder.select(builder.fcmp_ordered("<", difference, zero), negative, zero)
        return builder.select(builder.fcmp_ordered(">", difference, zero), factor, below)


def _define(body: Callable[[_Columns], Any]) -> Any:
    """Make the intrinsic ``loop(a, i, b, j, out, k, x, y)`` over rows a[i], b[j] and out[k].

    ``body`` gets columns of these rows, which it calls 0, 1 and 2. What it returns is summed over
    the columns, lane by lane and then the lanes in a tree: the order depends on the width alone.
    """

    @intrinsic
    def loop(typingctx, a, i, b, j, out, k, x, y):
        signature = types.float32(
            a, types.int64, b, types.int64, out, types.int64, types.float32, types.float32
        )

        def codegen(context, builder, sig, args):
            arrays = [
                context.make_array(sig.args[n])(context, builder, args[n]) for n in range(0, 6, 2)
            ]
            widths = [builder.extract_value(array.shape, 1) for array in arrays]
            pointers = [
                builder.gep(array.data, [builder.mul(args[n], width)])
                for array, width, n in zip(arrays, widths, range(1, 6, 2), strict=True)
            ]
            return _emit(builder, [*pointers, widths[0]], list(args[6:]), body)

        return signature, codegen

    return loop


def _emit(builder: Any, pointers: list[Any], scalars: list[Any], body: Any) -> Any:
    d = pointers[3]
    whole = builder.and_(d, simd.I64(-simd.LANES))
    sums = _sum_columns(builder, simd.VECTOR, pointers, scalars, simd.I64(0), whole, body)
    total = _sum_columns(builder, _FLOAT, pointers, scalars, whole, d, body)
    width = simd.LANES
    while width > 1:
        width //= 2
        places = [n + width if n < width else n for n in range(simd.LANES)]
        lanes = ir.Constant(ir.VectorType(simd.I32, simd.LANES), places)
        sums = builder.fadd(sums, builder.shuffle_vector(sums, sums, lanes))
    return builder.fadd(total, builder.extract_element(sums, simd.I32(0)))


def _sum_columns(
    builder: Any, kind: Any, pointers: list[Any], scalars: list[Any],
    start: Any, stop: Any, body: Any,
) -> Any:  # fmt: skip
    columns = _Columns(builder, pointers, scalars, kind)

    def at(place: Any, total: list[Any]) -> list[Any]:
        columns.place = place
        value = body(columns)
        return total if value is None else [builder.fadd(total[0], value)]

    step = simd.LANES if kind is simd.VECTOR else 1
    return simd.for_range(builder, start, stop, step, [columns.constant(0.0)], at)[0]


def _add_scaled(columns: _Columns) -> None:
    columns.store(columns.multiply_add(columns.x, columns.load(1), columns.load(0)), 2)


def _absolute_distance(columns: _Columns) -> Any:
    return columns.absolute(columns.builder.fsub(columns.load(0), columns.load(1)))


def _squared_distance(columns: _Columns) -> Any:
    difference = columns.builder.fsub(columns.load(0), columns.load(1))
    return columns.builder.fmul(difference, difference)


def _difference(columns: _Columns) -> None:
    difference = columns.builder.fsub(columns.load(0), columns.load(1))
    columns.store(columns.builder.fmul(columns.x, difference), 2)


def _add_difference(columns: _Columns) -> None:
    difference = columns.builder.fsub(columns.load(0), columns.load(1))
    columns.store(columns.multiply_add(columns.x, difference, columns.load(2)), 2)


def _sign(columns: _Columns) -> None:
    difference = columns.builder.fsub(columns.load(0), columns.load(1))
    columns.store(columns.step(difference, columns.x), 2)


def _add_sign(columns: _Columns) -> None:
    difference = columns.builder.fsub(columns.load(0), columns.load(1))
    columns.store(columns.builder.fadd(columns.load(2), columns.step(difference, columns.x)), 2)


def _square_sum(columns: _Columns) -> Any:
    value = columns.load(0)
    return columns.builder.fmul(value, value)


def _scale(columns: _Columns) -> None:
    columns.store(columns.builder.fmul(columns.x, columns.load(0)), 2)


def _adagrad(columns: _Columns) -> None:
    builder, gradient = columns.builder, columns.builder.fmul(columns.y, columns.load(0))
    square = columns.multiply_add(gradient, gradient, columns.load(1))
    columns.store(square, 1)
    spread = builder.fadd(columns.root(square), columns.constant(float(EPSILON)))
    move = builder.fdiv(builder.fmul(columns.x, gradient), spread)
    columns.store(builder.fsub(columns.load(2), move), 2)


def _adam(columns: _Columns) -> None:
    builder, gradient = columns.builder, columns.load(0)
    first = builder.fmul(columns.constant(1 - BETA_1), gradient)
    first = columns.multiply_add(columns.constant(BETA_1), columns.load(1), first)
    second = builder.fmul(columns.constant(1 - BETA_2), builder.fmul(gradient, gradient))
    second = columns.multiply_add(columns.constant(BETA_2), columns.load(1, beyond=True), second)
    columns.store(first, 1)
    columns.store(second, 1, beyond=True)
    spread = columns.root(second)
    spread = columns.multiply_add(spread, columns.y, columns.constant(float(ADAM_EPSILON)))
    move = builder.fdiv(builder.fmul(columns.x, first), spread)
    columns.store(builder.fsub(columns.load(2), move), 2)


#: ``out = a + x * b``
add_scaled = _define(_add_scaled)
#: the sum of ``|a - b|``; nothing is written
absolute_distance = _define(_absolute_distance)
#: the sum of ``(a - b) ** 2``; nothing is written
squared_distance = _define(_squared_distance)
#: ``out = x * (a - b)``
difference = _define(_difference)
#: ``out += x * (a - b)``
add_difference = _define(_add_difference)
#: ``out = x * sign(a - b)``
sign = _define(_sign)
#: ``out += x * sign(a - b)``
add_sign = _define(_add_sign)
#: the sum of ``a ** 2``; nothing is written
square_sum = _define(_square_sum)
#: ``out = x * a``
scale = _define(_scale)
#: Adagrad's step of the row ``out`` by the gradient y * a and the rate x; b is the state
adagrad = _define(_adagrad)
#: Adam's by the gradient a; b is both moments, x and y scale the first and the second's root
adam = _define(_adam)
