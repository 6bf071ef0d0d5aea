import numpy as np
import pytest
from numba import njit, types
from numba.extending import intrinsic

from graphembed.kernels import simd


def define_row_sums(n: int):
    @intrinsic
    def emitted(typingctx, matrix, out):
        def codegen(context, builder, signature, arguments):
            source, target = (
                context.make_array(kind)(context, builder, argument).data
                for kind, argument in zip(signature.args, arguments, strict=True)
            )
            vectors = [simd.load(builder, source, simd.I64(r * simd.LANES)) for r in range(n)]
            simd.store(builder, simd.row_sums(builder, vectors), target, simd.I64(0))
            return context.get_dummy_value()

        return types.void(matrix, out), codegen

    return njit(lambda matrix, out: emitted(matrix, out))


@pytest.mark.parametrize("n", [1, 5, 10, 16])
def test_row_sums_land_in_their_lanes(n: int) -> None:
    matrix = np.random.default_rng(0).standard_normal((n, simd.LANES)).astype(np.float32)
    out = np.full(simd.LANES, np.nan, dtype=np.float32)
    define_row_sums(n)(matrix, out)
    np.testing.assert_allclose(out[:n], matrix.sum(axis=1), rtol=1e-5, atol=1e-6)


@intrinsic
def _sigmoid(typingctx, values, out):
    def codegen(context, builder, signature, arguments):
        source, target = (
            context.make_array(kind)(context, builder, argument).data
            for kind, argument in zip(signature.args, arguments, strict=True)
        )
        vector = simd.sigmoid(builder, simd.load(builder, source, simd.I64(0)))
        simd.store(builder, vector, target, simd.I64(0))
        return context.get_dummy_value()

    return types.void(values, out), codegen


@njit
def sigmoid(values, out):
    _sigmoid(values, out)


def test_sigmoid() -> None:
    points = np.linspace(-14, 14, 16 * 64, dtype=np.float32)
    found = np.empty_like(points)
    for start in range(0, len(points), simd.LANES):
        sigmoid(points[start : start + simd.LANES], found[start : start + simd.LANES])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-points.astype(float))), atol=3e-7)


def test_sigmoid_clips() -> None:
    points = np.array([-1e30, -100, -20, 20, 100, 1e30, 0, 0] * 2, dtype=np.float32)
    found = np.empty_like(points)
    sigmoid(points, found)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:6], [0, 0, 0, 1, 1, 1], atol=1e-6)
    assert found[6] == 0.5


@intrinsic
def _sum_by_three(typingctx, values, start, stop, out):
    """Write twice the sum of ``values[start:stop:3]`` to every lane."""

    def codegen(context, builder, signature, arguments):
        source, target = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data
            for i in (0, 3)
        )

        def body(i, carried):
            weight = simd.splat(builder, simd.load_scalar(builder, source, i))
            return [simd.multiply_add(builder, weight, simd.constant(2.0), carried[0])]

        simd.prefetch(builder, source, arguments[1], simd.LANES)
        total = simd.for_range(builder, arguments[1], arguments[2], 3, [simd.ZERO], body)
        simd.store(builder, total[0], target, simd.I64(0))
        return context.get_dummy_value()

    return types.void(values, types.int64, types.int64, out), codegen


@njit
def sum_by_three(values, start, stop, out):
    _sum_by_three(values, start, stop, out)


@pytest.mark.parametrize(("start", "stop"), [(0, 9), (1, 9), (2, 3), (4, 4), (5, 2)])
def test_loops_run_as_often_as_range(start: int, stop: int) -> None:
    values = np.arange(1, 11, dtype=np.float32)
    out = np.full(simd.LANES, np.nan, dtype=np.float32)
    sum_by_three(values, start, stop, out)
    np.testing.assert_array_equal(out, np.float32(2 * values[start:stop:3].sum()))


def test_constant() -> None:
    assert str(simd.constant(2)) == str(simd.constant([2.0] * simd.LANES))
    assert str(simd.constant(2)) != str(simd.constant(3))
