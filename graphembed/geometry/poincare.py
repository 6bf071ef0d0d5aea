r"""The Poincaré ball: all of hyperbolic space inside the unit ball, angles as they are.

A ball of float64 numbers is good to about :math:`10^{-16} e^r` in the radius r, and ends at
r = 37, where 1 - |p| underflows to rounding; the spatial Lorentz coordinates have no such end.
"""

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.geometry.lorentz import Floats, norms

_LARGEST = np.nextafter(1.0, 0.0)


def to_ball(X: npt.ArrayLike) -> Floats:
    r"""Return the point of the ball of each point, :math:`p = x / (1 + x_0)`.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Spatial Lorentz coordinates.

    Returns
    -------
    ndarray of shape (..., d), float64
        Rows shorter than 1, for any radius: what would be rounded to 1 is drawn in a little.

    Examples
    --------
    >>> from graphembed.geometry import to_ball
    >>> to_ball([[0.75, 0.0]])
    array([[0.33333333, 0.        ]])
    """
    X = np.asarray(X, dtype=np.float64)
    length = norms(X)
    P: Floats = X / (1.0 + np.sqrt(1.0 + length * length))
    for _ in range(4):
        outside = norms(P) >= 1.0
        if not outside.any():
            break
        P = np.where(outside, P * _LARGEST, P)
    return P


def from_ball(P: npt.ArrayLike) -> Floats:
    r"""Return the spatial Lorentz coordinates of points of the ball, :math:`x = 2p / (1 - |p|^2)`.

    Parameters
    ----------
    P : array-like of shape (..., d)
        Rows shorter than 1.

    Returns
    -------
    ndarray of shape (..., d), float64

    Raises
    ------
    GraphError
        If a row is not shorter than 1.

    Examples
    --------
    >>> from graphembed.geometry import from_ball
    >>> from_ball([[1 / 3, 0.0]])
    array([[0.75, 0.  ]])
    """
    P = np.asarray(P, dtype=np.float64)
    length = norms(P)
    if not (length < 1.0).all():
        raise GraphError(
            f"Points of the Poincaré ball are shorter than 1; the longest of these is "
            f"{length.max():.17g}."
        )
    X: Floats = 2.0 * P / ((1.0 - length) * (1.0 + length))
    return X
