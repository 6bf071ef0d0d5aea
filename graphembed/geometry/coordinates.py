"""The coordinates in which points are handed out and taken in, by name."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.geometry.lorentz import Floats
from graphembed.geometry.poincare import from_ball, to_ball
from graphembed.geometry.tangent import from_tangent, to_tangent

COORDINATES = ("poincare", "lorentz", "tangent")

_Map = Callable[[npt.ArrayLike], Floats]


def export(X: npt.ArrayLike, name: str) -> Floats:
    """Return points in the coordinates of this name.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Spatial Lorentz coordinates.
    name : {"poincare", "lorentz", "tangent"}
        "poincare": the ball; "lorentz": spatial Lorentz coordinates, the time left out;
        "tangent": the tangent space at the origin.

    Returns
    -------
    ndarray of shape (..., d), float64

    Raises
    ------
    GraphError
        If the name is unknown.

    Examples
    --------
    >>> from graphembed.geometry import export, parse
    >>> export([[0.75, 0.0]], "poincare")
    array([[0.33333333, 0.        ]])
    >>> parse(export([[0.75, 0.0]], "tangent"), "tangent")
    array([[0.75, 0.  ]])
    """
    return _find(_EXPORTS, name)(X)


def parse(Z: npt.ArrayLike, name: str) -> Floats:
    """Return the spatial Lorentz coordinates of points; the inverse of :func:`export`.

    Parameters
    ----------
    Z : array-like of shape (..., d)
        Points in the coordinates of this name.
    name : {"poincare", "lorentz", "tangent"}

    Returns
    -------
    ndarray of shape (..., d), float64

    Raises
    ------
    GraphError
        If the name is unknown, or the numbers are no such coordinates.
    """
    return _find(_PARSERS, name)(Z)


def _copy(X: npt.ArrayLike) -> Floats:
    return np.array(X, dtype=np.float64)


_EXPORTS: dict[str, _Map] = {"poincare": to_ball, "lorentz": _copy, "tangent": to_tangent}
_PARSERS: dict[str, _Map] = {"poincare": from_ball, "lorentz": _copy, "tangent": from_tangent}


def _find(maps: dict[str, _Map], name: str) -> _Map:
    if name not in maps:
        raise GraphError(f"Unknown coordinates {name!r} (known: {', '.join(COORDINATES)}).")
    return maps[name]
