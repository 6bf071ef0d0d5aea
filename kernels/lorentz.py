r"""The Lorentz model of hyperbolic space, in spatial coordinates: small functions of rows.

A point is any x of :math:`R^d`; its time coordinate :math:`x_0 = \sqrt{1 + |x|^2}` is derived when
it is read. So nothing that is written, by whatever thread, can lie off the manifold. Distances come
from :math:`\delta = \cosh d - 1`; with :math:`e_x = |x| + x_0`, the exponential of the radius,

.. math::

    \delta(x, y) = \frac{(e_x - e_y)^2}{2 e_x e_y}
        + \frac{|x| |y|}{2} \left| \frac{x}{|x|} - \frac{y}{|y|} \right|^2, \qquad
    e_x - e_y = (|x| - |y|) \left(1 + \frac{|x| + |y|}{x_0 + y_0}\right)

Both terms are positive, and nothing cancels: distances are as exact as the coordinates out to a
radius of 25, where arcosh of the Lorentzian product is wrong from 15 on.
"""

from math import asinh, log1p, sqrt

from numba import njit

FAST = {"reassoc", "nsz", "contract", "arcp"}  # sums may be split over lanes; NaN stays NaN
LEAST = 1e-300
LARGEST_STEP = 1.0  # how far one step moves a point at most: the series of `exp_factors` end there


@njit(inline="always")
def square_norm(x):
    """Return the squared Euclidean length of the spatial part."""
    total = 0.0
    for j in range(len(x)):
        total += x[j] * x[j]
    return total


@njit(inline="always")
def time(x):
    """Return the time coordinate of a point."""
    return sqrt(1.0 + square_norm(x))


@njit(inline="always")
def radius(x):
    """Return the distance of a point from the origin."""
    return asinh(sqrt(square_norm(x)))


@njit(inline="always")
def delta_from(x_length, x_time, y_length, y_time, square):
    """Return ``cosh(d) - 1`` from lengths, times, and ``|x / |x| - y / |y||^2``."""
    gap = (x_length - y_length) * (1.0 + (x_length + y_length) / (x_time + y_time))
    reach = (x_length + x_time) * (y_length + y_time)
    return 0.5 * (gap * gap / reach + x_length * y_length * square)


@njit(inline="always")
def inverse_length(length):
    """Return 1 / length, or almost 0 for the origin, which has no direction."""
    return length / (length * length + LEAST)


@njit(inline="always")
def delta(x, y):
    """Return ``cosh(d) - 1`` of two points: in the order of distances, without arcosh."""
    x_squares, y_squares = square_norm(x), square_norm(y)
    x_length, y_length = sqrt(x_squares), sqrt(y_squares)
    x_factor, y_factor = inverse_length(x_length), inverse_length(y_length)
    square = 0.0
    for j in range(len(x)):
        difference = x[j] * x_factor - y[j] * y_factor
        square += difference * difference
    return delta_from(x_length, sqrt(1.0 + x_squares), y_length, sqrt(1.0 + y_squares), square)


@njit(inline="always")
def sinh_from(delta):
    """Return sinh(d) from ``cosh(d) - 1``."""
    return sqrt(delta * (delta + 2.0))


@njit(inline="always")
def distance_from(delta):
    """Return d from ``cosh(d) - 1``."""
    return log1p(delta + sinh_from(delta))


@njit(inline="always")
def distance(x, y):
    """Return the distance of two points."""
    return distance_from(delta(x, y))


@njit(inline="always")
def add_gradient(x, y, delta, weight, out):
    """Add ``weight`` times the gradient of d(x, y) by x, a tangent of length 1, to ``out``.

    ``delta`` is that of the two points, which must not coincide.
    """
    factor = weight / sinh_from(delta)
    for j in range(len(x)):
        out[j] += factor * (x[j] - y[j] + delta * x[j])


@njit(inline="always")
def tangent_square_norm(x, tangent):
    """Return the squared length of a tangent at x, given by its spatial part."""
    squares = product = x_squares = 0.0
    for j in range(len(x)):
        squares += tangent[j] * tangent[j]
        product += tangent[j] * x[j]
        x_squares += x[j] * x[j]
    return max(0.0, squares - product * product / (1.0 + x_squares))


@njit(inline="always")
def exp_factors(square):
    """Return cosh(n) and sinh(n) / n from n squared, which is at most 1: series to 3e-7.

    What is left of the series moves the point a little, but never off the manifold.
    """
    even = 1.0 + square * (1 / 2 + square * (1 / 24 + square * (1 / 720 + square / 40320)))
    odd = 1.0 + square * (1 / 6 + square * (1 / 120 + square * (1 / 5040 + square / 362880)))
    return even, odd


@njit(inline="always")
def step(x, tangent, rate):
    """Move x along a geodesic by ``-rate * tangent``, but by no more than a distance of 1."""
    square = rate * rate * tangent_square_norm(x, tangent)
    if square > LARGEST_STEP:
        rate *= LARGEST_STEP / sqrt(square)
        square = LARGEST_STEP
    even, odd = exp_factors(square)
    for j in range(len(x)):
        x[j] = even * x[j] - odd * rate * tangent[j]
