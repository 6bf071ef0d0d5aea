"""Elementary functions of float32 without branches, which LLVM vectorises in any loop over rows.

Calls of libm cannot be vectorised; these are polynomials on a reduced range (Moshier's Cephes
library), a few units in the last place from the true value. NaN gives NaN. All are inlined
into their callers but keep their own rules of rounding, whatever a caller allows for its own sums.
"""

import numpy as np
from llvmlite import ir
from numba import float32, int32, njit, types
from numba.extending import intrinsic

_inlined = njit(forceinline=True, error_model="numpy", fastmath={"contract"})
_F32, _I32 = ir.FloatType(), ir.IntType(32)


@intrinsic
def _power_of_two(typingctx, exponent):
    """Return 2**exponent for an int32 in [-126, 127]."""

    def codegen(context, builder, signature, arguments):
        biased = builder.add(arguments[0], _I32(127))
        return builder.bitcast(builder.shl(biased, _I32(23)), _F32)

    return types.float32(types.int32), codegen


_ROOT_HALF = 0x3F3504F3  # bits of sqrt(1/2)


@intrinsic
def _exponent(typingctx, value):
    """Return the k for which ``value / 2**k`` lies in [sqrt(1/2), sqrt(2)), as an int32."""

    def codegen(context, builder, signature, arguments):
        shifted = builder.sub(builder.bitcast(arguments[0], _I32), _I32(_ROOT_HALF))
        return builder.ashr(shifted, _I32(23))

    return types.int32(types.float32), codegen


@intrinsic
def _times_power(typingctx, value, exponent):
    """Return ``value * 2**exponent`` by its bits; the result must be a normal number."""

    def codegen(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], _I32)
        moved = builder.add(bits, builder.shl(arguments[1], _I32(23)))
        return builder.bitcast(moved, _F32)

    return types.float32(types.float32, types.int32), codegen


@intrinsic
def maximum(typingctx, left, right):
    """Return the larger of two float32; NaN if one of them is. Reductions by it vectorise."""

    def codegen(context, builder, signature, arguments):
        kind = ir.FunctionType(_F32, [_F32, _F32])
        function = builder.module.declare_intrinsic("llvm.maximum", [_F32], kind)
        return builder.call(function, arguments)

    return types.float32(types.float32, types.float32), codegen


EXP_LOW, EXP_HIGH = np.float32(-87.33), np.float32(88.37)
_LOG2_E = np.float32(1.44269504088896341)
_LN2_HIGH = np.float32(0.693359375)
_LN2_LOW = np.float32(-2.12194440e-4)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)


@_inlined
def exp(x):
    """Return e**x; 0 below -87.33, where numbers are no longer normal, and no more than e**88.37.

    Parameters
    ----------
    x : float32
    """
    inside = EXP_HIGH if x > EXP_HIGH else x
    inside = EXP_LOW if inside < EXP_LOW else inside
    n = float32(np.rint(inside * _LOG2_E))
    r = inside - n * _LN2_HIGH - n * _LN2_LOW
    p = float32(1.9875691500e-4)
    p = p * r + float32(1.3981999507e-3)
    p = p * r + float32(8.3334519073e-3)
    p = p * r + float32(4.1665795894e-2)
    p = p * r + float32(1.6666665459e-1)
    p = p * r + float32(5.0000001201e-1)
    value = (p * (r * r) + r + _ONE) * _power_of_two(int32(n))
    return _ZERO if x < EXP_LOW else value


@_inlined
def log1p(x):
    """Return log(1 + x) for 0 <= x < infinity, exact to the last places for small x as well.

    Parameters
    ----------
    x : float32
    """
    return _log_of_sum(x, _ONE / (_ONE + x))


@_inlined
def _log_of_sum(x, inverse):
    """Return log(1 + x), given 1 / (1 + x)."""
    total = _ONE + x
    k = _exponent(total)
    f = _times_power(total, int32(-k)) - _ONE
    lost = _ONE - (total - x) if x > _ONE else x - (total - _ONE)  # of 1 + x in rounding
    z = f * f
    p = float32(7.0376836292e-2)
    p = p * f - float32(1.1514610310e-1)
    p = p * f + float32(1.1676998740e-1)
    p = p * f - float32(1.2420140846e-1)
    p = p * f + float32(1.4249322787e-1)
    p = p * f - float32(1.6668057665e-1)
    p = p * f + float32(2.0000714765e-1)
    p = p * f - float32(2.4999993993e-1)
    p = p * f + float32(3.3333331174e-1)
    n = float32(k)
    return f + (z * (f * p - _HALF) + (n * _LN2_LOW + lost * inverse)) + n * _LN2_HIGH


@_inlined
def softplus(x):
    """Return log(1 + e**x) and its derivative, the sigmoid 1 / (1 + e**-x).

    Parameters
    ----------
    x : float32
        May be minus infinity, where both are 0.
    """
    e = exp(-abs(x))
    inverse = _ONE / (_ONE + e)
    value = (x if x > _ZERO else _ZERO) + _log_of_sum(e, inverse)
    return value, (e if x < _ZERO else _ONE) * inverse
