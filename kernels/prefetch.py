"""Asking for memory ahead of time, from plain numba loops."""

from numba import types
from numba.extending import intrinsic

from graphembed.kernels import simd


@intrinsic
def prefetch(typingctx, array, index):
    """Ask for the cache line of ``array[index]``: C-contiguous, one-dimensional.

    It never faults, so that the index of an empty last row may lie one past the end.
    """

    def codegen(context, builder, signature, arguments):
        pointer = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        simd.prefetch(builder, pointer, arguments[1], 1)
        return context.get_dummy_value()

    return types.void(array, types.int64), codegen
