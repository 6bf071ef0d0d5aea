"""Moves of points of Poincaré balls, each with its own curvature, and their gradients.

All arrays are float64 and C-contiguous, one row a point; ``c`` holds a curvature for each row,
positive. A gradient by curvatures is added to ``by_c``, all others are written. Results are kept
off the border: norms stay below ``(1 - MARGIN) / sqrt(c)``.

Of every row only a few inner products are needed: points and gradients are linear combinations of
the rows that came in.
"""

import math

from numba import njit

MARGIN = 1e-5  # between the border of a ball and the points in it, as a share of its radius
_REACH = 1.0 - MARGIN
_SMALL = 1e-3  # squared length below which a series is more exact than the formula

_FAST = {"reassoc", "contract", "nsz"}


@njit(inline="always")
def _scale(square):
    """Return g(a) = tanh(a) / a and g'(a) / a at a * a = ``square``, tanh at most ``_REACH``."""
    if square < _SMALL:
        value = 1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 - square * (17.0 / 315.0)))
        slope = -2.0 / 3.0 + square * (
            8.0 / 15.0 + square * (-34.0 / 105.0 + square * (496.0 / 2835.0))
        )
        return value, slope
    length = math.sqrt(square)
    reached = math.tanh(length)
    if reached > _REACH:
        return _REACH / length, -_REACH / (length * square)
    return reached / length, (1.0 - reached * reached - reached / length) / square


@njit(cache=True, nogil=True, fastmath=_FAST)
def exp_0(v, c, out):
    r"""Write :math:`\tanh(\sqrt c \|v\|) \, v / (\sqrt c \|v\|)`: from the tangent space at 0.

    Parameters
    ----------
    v : ndarray of shape (n, d)
    c : ndarray of shape (n,)
    out : ndarray of shape (n, d)
    """
    for i in range(v.shape[0]):
        square = 0.0
        for k in range(v.shape[1]):
            square += v[i, k] * v[i, k]
        value, _ = _scale(c[i] * square)
        for k in range(v.shape[1]):
            out[i, k] = value * v[i, k]


@njit(cache=True, nogil=True, fastmath=_FAST)
def exp_0_backward(v, c, grads, by_v, by_c):
    """Write the gradients of :func:`exp_0` from those by its points, of shape (n, d)."""
    for i in range(v.shape[0]):
        square = along = 0.0
        for k in range(v.shape[1]):
            square += v[i, k] * v[i, k]
            along += v[i, k] * grads[i, k]
        value, slope = _scale(c[i] * square)
        inward = slope * c[i] * along
        for k in range(v.shape[1]):
            by_v[i, k] = value * grads[i, k] + inward * v[i, k]
        by_c[i] += 0.5 * slope * square * along


@njit(inline="always")
def _sum_terms(c, xx, yy, xy):
    """Return a, b, and the divisor of the Möbius sum (a x + b y) / divisor, and its square."""
    divisor = 1.0 + c * (2.0 * xy + c * xx * yy)
    a = (1.0 + c * (2.0 * xy + yy)) / divisor
    b = (1.0 - c * xx) / divisor
    return a, b, divisor, a * a * xx + 2.0 * a * b * xy + b * b * yy


@njit(cache=True, nogil=True, fastmath=_FAST)
def mobius_add(x, y, c, out):
    r"""Write the Möbius sum of points, kept off the border.

    .. math:: x \oplus y = \frac{(1 + 2 c \, x \cdot y + c \|y\|^2) x + (1 - c \|x\|^2) y}
                                {1 + 2 c \, x \cdot y + c^2 \|x\|^2 \|y\|^2}

    Parameters
    ----------
    x, y : ndarray of shape (n, d)
    c : ndarray of shape (n,)
    out : ndarray of shape (n, d)
    """
    for i in range(x.shape[0]):
        xx = yy = xy = 0.0
        for k in range(x.shape[1]):
            xx += x[i, k] * x[i, k]
            yy += y[i, k] * y[i, k]
            xy += x[i, k] * y[i, k]
        a, b, _, square = _sum_terms(c[i], xx, yy, xy)
        if c[i] * square > _REACH * _REACH:
            shrink = _REACH / math.sqrt(c[i] * square)
            a, b = a * shrink, b * shrink
        for k in range(x.shape[1]):
            out[i, k] = a * x[i, k] + b * y[i, k]


@njit(cache=True, nogil=True, fastmath=_FAST)
def mobius_add_backward(x, y, c, grads, by_x, by_y, by_c):
    """Write the gradients of :func:`mobius_add` from those by its points, of shape (n, d)."""
    for i in range(x.shape[0]):
        curvature = c[i]
        xx = yy = xy = gx = gy = 0.0
        for k in range(x.shape[1]):
            xx += x[i, k] * x[i, k]
            yy += y[i, k] * y[i, k]
            xy += x[i, k] * y[i, k]
            gx += x[i, k] * grads[i, k]
            gy += y[i, k] * grads[i, k]
        a, b, divisor, square = _sum_terms(curvature, xx, yy, xy)
        # The gradient by the sum is g_g * grads + g_x * x + g_y * y: shrinking takes away what
        # points outwards.
        g_g, g_x, g_y = 1.0, 0.0, 0.0
        if curvature * square > _REACH * _REACH:
            g_g = _REACH / math.sqrt(curvature * square)
            outward = a * gx + b * gy
            by_c[i] -= 0.5 * g_g * outward / curvature
            g_x = -g_g * a * outward / square
            g_y = -g_g * b * outward / square
            gx = g_g * gx + g_x * xx + g_y * xy
            gy = g_g * gy + g_x * xy + g_y * yy
        by_a, by_b, by_divisor = gx / divisor, gy / divisor, -(a * gx + b * gy) / divisor
        by_xy = 2.0 * curvature * (by_a + by_divisor)
        by_xx = curvature * (curvature * yy * by_divisor - by_b)
        by_yy = curvature * (curvature * xx * by_divisor + by_a)
        by_c[i] += (
            by_a * (2.0 * xy + yy) - by_b * xx + by_divisor * 2.0 * (xy + curvature * xx * yy)
        )
        x_x, x_y = a * g_x + 2.0 * by_xx, a * g_y + by_xy
        y_x, y_y = b * g_x + by_xy, b * g_y + 2.0 * by_yy
        x_g, y_g = a * g_g, b * g_g
        for k in range(x.shape[1]):
            by_x[i, k] = x_g * grads[i, k] + x_x * x[i, k] + x_y * y[i, k]
            by_y[i, k] = y_g * grads[i, k] + y_x * x[i, k] + y_y * y[i, k]


@njit(cache=True, nogil=True, fastmath=_FAST)
def turn(x, planes, sign, out):
    r"""Write points turned, or mirrored, in planes of two coordinates each (Givens).

    .. math:: (u, w) \mapsto (u \cos\theta \mp w \sin\theta, \; u \sin\theta \pm w \cos\theta)

    Parameters
    ----------
    x : ndarray of shape (n, d)
        Plane j has the coordinates j and d // 2 + j; the last of an odd number stays as it is.
    planes : ndarray of shape (n, 2 * (d // 2))
        A vector of any length but 0 in the direction of the angle of each plane: first all first
        coordinates, then all second ones. (0, 0) stands for the angle 0.
    sign : float
        1: rotations; -1: reflections.
    out : ndarray of shape (n, d)
    """
    half = x.shape[1] // 2
    for i in range(x.shape[0]):
        for j in range(half):
            p, q = planes[i, j], planes[i, half + j]
            length = math.sqrt(p * p + q * q)
            cos = p / length if length > 0.0 else 1.0
            sin = q / length if length > 0.0 else 0.0
            u, w = x[i, j], sign * x[i, half + j]
            out[i, j] = cos * u - sin * w
            out[i, half + j] = sin * u + cos * w
        if x.shape[1] & 1:
            out[i, 2 * half] = x[i, 2 * half]


@njit(cache=True, nogil=True, fastmath=_FAST)
def turn_backward(x, planes, sign, grads, by_x, by_planes):
    """Write the gradients of :func:`turn` from those by its points, of shape (n, d)."""
    half = x.shape[1] // 2
    for i in range(x.shape[0]):
        for j in range(half):
            p, q = planes[i, j], planes[i, half + j]
            length = math.sqrt(p * p + q * q)
            inverse = 1.0 / length if length > 0.0 else 0.0
            cos = p * inverse if length > 0.0 else 1.0
            sin = q * inverse
            u, w = x[i, j], sign * x[i, half + j]
            g, h = grads[i, j], grads[i, half + j]
            by_x[i, j] = cos * g + sin * h
            by_x[i, half + j] = sign * (cos * h - sin * g)
            by_angle = (cos * (u * h - w * g) - sin * (u * g + w * h)) * inverse
            by_planes[i, j] = -sin * by_angle
            by_planes[i, half + j] = cos * by_angle
        if x.shape[1] & 1:
            by_x[i, 2 * half] = grads[i, 2 * half]
