"""Shortest paths and motions of hyperbolic space, for pictures."""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.geometry import distances, time, to_ball

Floats = npt.NDArray[np.float64]

_NEAR = 1e-6  # shorter paths are straight
_LONGEST = 40.0  # by then, a path has reached the rim of any picture


def geodesics(X: Any, Y: Any, n_points: int = 30) -> Floats:
    r"""Return points of the Poincaré ball along the shortest paths between pairs of points.

    .. math:: \gamma(t) = \frac{\sinh((1 - t) d) \, x + \sinh(t d) \, y}{\sinh d}

    Points are close to each other where the path is far from the rim, so that it looks smooth.

    Parameters
    ----------
    X, Y : array-like of shape (n_paths, n_components)
        Spatial Lorentz coordinates of both ends.
    n_points : int, default=30
        Points of each path, both ends among them.

    Returns
    -------
    ndarray of shape (n_paths, n_points, n_components), float64

    Examples
    --------
    >>> from graphembed.plot.geodesics import geodesics
    >>> geodesics([[0.75, 0.0]], [[-0.75, 0.0]], n_points=3)[0, :, 0].round(3) + 0.0
    array([ 0.333,  0.   , -0.333])
    """
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    d = distances(X, Y)[:, None]
    near = d < _NEAR
    d = np.where(near, 1.0, d)
    t = _steps(d, time(X)[:, None], time(Y)[:, None], near, n_points)
    back, ahead = (np.where(near, s, _share(s, d))[..., None] for s in (1 - t, t))
    return to_ball(back * X[:, None] + ahead * Y[:, None])


def _steps(d: Floats, x_time: Floats, y_time: Floats, near: Any, n_points: int) -> Floats:
    """Return where the points of each path are, from 0 to 1."""
    even = np.linspace(0, 1, n_points)
    # How far along the path its point nearest to the origin is: there, m cosh(s - apex) is least.
    ratio = y_time / x_time
    tiny = np.finfo(np.float64).tiny
    rise = np.maximum(1 - ratio * np.exp(-d), tiny) / np.maximum(ratio - np.exp(-d), tiny)
    apex = 0.5 * (d + np.log(rise))
    first, last = (np.tanh(np.clip(end, -_LONGEST, _LONGEST) / 2) for end in (-apex, d - apex))
    edge = 1 - 1e-15
    between = np.clip(first + even * (last - first), -edge, edge)
    t = np.clip((2 * np.arctanh(between) + apex) / d, 0, 1)
    t[:, 0], t[:, -1] = 0, 1
    return np.where(near, even, t)


def _share(t: Floats, d: Floats) -> Floats:
    """Return sinh(t d) / sinh(d), which does not overflow."""
    share: Floats = np.exp((t - 1) * d) * np.expm1(-2 * t * d) / np.expm1(-2 * d)
    return share


def moved_to_origin(X: Any, center: Any) -> Floats:
    r"""Return points after the translation that takes a point to the origin; distances stay.

    .. math:: x \mapsto x + \left( \frac{\langle c, x \rangle}{1 + c_0} - x_0 \right) c

    Parameters
    ----------
    X : array-like of shape (n_nodes, n_components)
        Spatial Lorentz coordinates.
    center : array-like of shape (n_components,)

    Returns
    -------
    ndarray of shape (n_nodes, n_components), float64

    Examples
    --------
    >>> from graphembed.plot.geodesics import moved_to_origin
    >>> moved_to_origin([[0.75, 0.0], [0.0, 0.0]], [0.75, 0.0])
    array([[ 0.  ,  0.  ],
           [-0.75,  0.  ]])
    """
    X, center = np.asarray(X, dtype=np.float64), np.asarray(center, dtype=np.float64)
    along = X @ center / (1 + time(center)) - time(X)
    moved: Floats = X + along[:, None] * center
    return moved
