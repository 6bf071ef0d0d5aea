"""How many float32 operations a second the machine can do at all: chains of fused multiply-adds.

A core starts two of them per cycle and has each result four cycles later: 12 chains that do not
wait for each other keep it busy, and their sums and both factors stay in registers.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from harness.contender import Contender, Job

N_CHAINS = 12
N_STEPS = 100_000_000 // N_CHAINS
WIDTHS = {16: "512 bit", 8: "256 bit"}  # by floats in a vector


def hardware_fma(arrays: Mapping[str, Any], *, threads: int, lanes: int) -> Job:  # noqa: ARG001
    """Run the chains on every thread; the processor may split vectors that are too wide for it."""
    from graphembed.engine import run_blocks

    kernel = compile_chains(lanes)
    kernel(np.float32(0.5), 1)
    calls = [(np.float32(0.5), N_STEPS)] * threads
    return Job(lambda: run_blocks(kernel, calls, n_jobs=threads), np.array)


def compile_chains(lanes: int) -> Any:
    """Return ``f(factor, n_steps)``: N_CHAINS vectors ``x = x * factor + 1``, n_steps times.

    It returns the sum of all their lanes, so that nothing is thrown away.
    """
    from llvmlite import ir
    from numba import njit, types
    from numba.extending import intrinsic

    from graphembed.kernels import simd

    vector = ir.VectorType(ir.FloatType(), lanes)
    one = ir.Constant(vector, [1.0] * lanes)

    @intrinsic
    def chains(typingctx, factor, n_steps):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
            scalar, steps = arguments
            factors = ir.Constant(vector, ir.Undefined)
            for lane in range(lanes):
                factors = builder.insert_element(factors, scalar, simd.I32(lane))
            # Different starts, or the compiler would see that all chains are one.
            starts = [ir.Constant(vector, [float(chain)] * lanes) for chain in range(N_CHAINS)]
            found = simd.for_range(
                builder, simd.I64(0), steps, 1, starts,
                lambda _, sums: [simd.multiply_add(builder, x, factors, one) for x in sums],
            )  # fmt: skip
            total = found[0]
            for each in found[1:]:
                total = builder.fadd(total, each)
            result = builder.extract_element(total, simd.I32(0))
            for lane in range(1, lanes):
                result = builder.fadd(result, builder.extract_element(total, simd.I32(lane)))
            return result

        return types.float32(types.float32, types.int64), codegen

    @njit(nogil=True)
    def run(factor, n_steps):  # type: ignore[no-untyped-def]
        return chains(factor, n_steps)

    return run


def operations(lanes: int, threads: int) -> int:
    """Return the floating-point operations of one call: a fused multiply-add counts as two."""
    return 2 * lanes * N_CHAINS * N_STEPS * threads


def limits() -> tuple[Contender, ...]:
    """Return one contender for each vector width; the faster one is the machine's peak."""
    return tuple(
        Contender(
            f"limit: FMA, {width}",
            hardware_fma,
            ("numba", "graphembed.kernels.simd"),
            ("numba", "llvmlite", "numpy"),
            {"lanes": lanes},
            same_work=False,
        )
        for lanes, width in WIDTHS.items()
    )
