"""Building blocks for kernels written as LLVM vectors inside numba intrinsics.

numba's loops leave the choice of registers to LLVM's vectoriser, which cannot see that two rows of
a table are different, and cannot be told to prefetch. Where that decides the speed, a kernel emits
its inner loops itself, out of these pieces. ``builder`` is llvmlite's IRBuilder throughout;
offsets and lengths are 64-bit LLVM ints and count floats.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

LANES = 16  # floats in one LLVM vector; LLVM splits them on processors with narrower registers
CACHE_LINE = 16  # floats
I32 = ir.IntType(32)
I64 = ir.IntType(64)
VECTOR = ir.VectorType(ir.FloatType(), LANES)
ZERO = ir.Constant(VECTOR, [0.0] * LANES)
_UNDEFINED = ir.Constant(VECTOR, ir.Undefined)
_FUSE = ("contract",)


def constant(values: Sequence[float] | float) -> Any:
    """Return a vector of constants; a single number fills all lanes."""
    lanes = [values] * LANES if isinstance(values, int | float) else list(values)
    return ir.Constant(VECTOR, [float(lane) for lane in lanes])


def splat(builder: Any, scalar: Any) -> Any:
    """Return the vector with a scalar in every lane."""
    vector = builder.insert_element(_UNDEFINED, scalar, I32(0))
    lanes = ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
    return builder.shuffle_vector(vector, _UNDEFINED, lanes)


def load(builder: Any, pointer: Any, offset: Any) -> Any:
    """Load the vector at ``pointer + offset``."""
    address = builder.bitcast(builder.gep(pointer, [offset]), VECTOR.as_pointer())
    return builder.load(address, align=4)


def store(builder: Any, vector: Any, pointer: Any, offset: Any) -> None:
    """Store a vector at ``pointer + offset``."""
    address = builder.bitcast(builder.gep(pointer, [offset]), VECTOR.as_pointer())
    builder.store(vector, address, align=4)


def load_scalar(builder: Any, pointer: Any, offset: Any) -> Any:
    """Load the single element at ``pointer + offset``."""
    return builder.load(builder.gep(pointer, [offset]))


def multiply_add(builder: Any, left: Any, right: Any, addend: Any) -> Any:
    """Return ``left * right + addend``, fused where the processor can."""
    return builder.fadd(addend, builder.fmul(left, right, flags=_FUSE), flags=_FUSE)


def for_range(
    builder: Any,
    start: Any,
    stop: Any,
    step: int,
    carried: Sequence[Any],
    body: Callable[[Any, list[Any]], Sequence[Any]],
) -> list[Any]:
    """Emit ``for i in range(start, stop, step): carried = body(i, carried)``.

    Returns the carried values after the loop; the values given if it does not run.
    """
    before = builder.block
    loop = builder.append_basic_block("loop")
    done = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed("<", start, stop), loop, done)
    builder.position_at_end(loop)
    counter = builder.phi(I64)
    counter.add_incoming(start, before)
    state = [builder.phi(value.type) for value in carried]
    updated = list(body(counter, state))
    following = builder.add(counter, I64(step))
    last = builder.block
    counter.add_incoming(following, last)
    for phi, first, value in zip(state, carried, updated, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(value, last)
    builder.cbranch(builder.icmp_signed("<", following, stop), loop, done)
    builder.position_at_end(done)
    results = [builder.phi(value.type) for value in carried]
    for phi, first, value in zip(results, carried, updated, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(value, last)
    return results


def prefetch(builder: Any, pointer: Any, offset: Any, width: int) -> None:
    """Ask for the cache lines of ``width`` floats at ``pointer + offset``."""
    byte_pointer = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte_pointer, I32, I32, I32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte_pointer], kind)
    for line in range(0, width, CACHE_LINE):
        address = builder.gep(pointer, [builder.add(offset, I64(line))])
        read, keep, data = I32(0), I32(3), I32(1)
        builder.call(function, [builder.bitcast(address, byte_pointer), read, keep, data])


def row_sums(builder: Any, vectors: Sequence[Any]) -> Any:
    """Return the vector whose lane i is the sum of the lanes of ``vectors[i]``, at most 16 of them.

    A tree of shuffles and additions: each step adds the halves of two vectors and keeps both sums
    in one, so that 16 sums take 15 additions instead of 16 times 4.
    """
    current: list[Any] = [*vectors, *[None] * (LANES - len(vectors))]
    width = LANES // 2
    while width:
        current = [
            _add_halves(builder, current[i], current[i + width], width) for i in range(width)
        ]
        width //= 2
    return current[0]


def _add_halves(builder: Any, left: Any, right: Any, width: int) -> Any:
    """Add the halves of each group of ``2 * width`` lanes; left's sums go low, right's high."""
    if left is None:
        return None
    right = ZERO if right is None else right
    low: list[int] = []
    high: list[int] = []
    for start in range(0, LANES, 2 * width):
        for base in (start, LANES + start):
            low += range(base, base + width)
            high += range(base + width, base + 2 * width)
    mask = ir.VectorType(I32, LANES)
    return builder.fadd(
        builder.shuffle_vector(left, right, ir.Constant(mask, low)),
        builder.shuffle_vector(left, right, ir.Constant(mask, high)),
    )


# Rational approximation of tanh on [-LIMIT, LIMIT], the one of the Eigen library: largest error
# a few units in the last place of float32.
_LIMIT = 7.90531110763549805
_NUMERATOR = (
    -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
    1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
)  # fmt: skip
_DENOMINATOR = (
    1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03,
)  # fmt: skip


def sigmoid(builder: Any, x: Any) -> Any:
    """Return ``1 / (1 + exp(-x))`` of each lane, by tanh(x / 2)."""
    half = builder.fmul(x, constant(0.5))
    high, low = constant(_LIMIT), constant(-_LIMIT)
    half = builder.select(builder.fcmp_ordered("<", half, high), half, high)
    half = builder.select(builder.fcmp_ordered(">", half, low), half, low)
    square = builder.fmul(half, half)
    numerator = builder.fmul(half, _polynomial(builder, square, _NUMERATOR))
    tanh = builder.fdiv(numerator, _polynomial(builder, square, _DENOMINATOR))
    return multiply_add(builder, tanh, constant(0.5), constant(0.5))


def _polynomial(builder: Any, x: Any, coefficients: Sequence[float]) -> Any:
    total = constant(coefficients[0])
    for coefficient in coefficients[1:]:
        total = multiply_add(builder, total, x, constant(coefficient))
    return total
