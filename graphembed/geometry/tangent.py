r"""The tangent space at the origin: flat coordinates that keep directions and radii.

These are what linear models and trees of other libraries can read.
"""

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.geometry.lorentz import Floats, norms


def to_tangent(X: npt.ArrayLike) -> Floats:
    r"""Return the logarithm at the origin, :math:`v = \operatorname{asinh}(|x|) \, x / |x|`.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Spatial Lorentz coordinates.

    Returns
    -------
    ndarray of shape (..., d), float64
        The length of a row is the radius of its point.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.geometry import to_tangent
    >>> to_tangent([[0.0, np.sinh(2.0)]])
    array([[0., 2.]])
    """
    X = np.asarray(X, dtype=np.float64)
    length = norms(X)
    flat: Floats = X * _ratio(np.arcsinh(length), length)
    return flat


def from_tangent(V: npt.ArrayLike) -> Floats:
    r"""Return the spatial Lorentz coordinates of tangents, :math:`x = \sinh(|v|) \, v / |v|`.

    Parameters
    ----------
    V : array-like of shape (..., d)
        Tangent vectors at the origin, at most 300 long.

    Returns
    -------
    ndarray of shape (..., d), float64

    Raises
    ------
    GraphError
        If a row is longer than 300: its squares would overflow.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.geometry import from_tangent
    >>> from_tangent([[0.0, np.arcsinh(0.75)]])
    array([[0.  , 0.75]])
    """
    V = np.asarray(V, dtype=np.float64)
    length = norms(V)
    if not (length <= 300.0).all():
        raise GraphError(
            f"Tangents may be at most 300 long; the longest of these is {length.max():g}."
        )
    points: Floats = V * _ratio(np.sinh(length), length)
    return points


def _ratio(above: Floats, below: Floats) -> Floats:
    positive = below > 0.0
    return np.where(positive, above / np.where(positive, below, 1.0), 1.0)
