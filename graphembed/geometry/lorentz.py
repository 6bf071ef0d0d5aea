r"""The Lorentz model (hyperboloid), in spatial coordinates.

Every vector x of R^d is the spatial part of one point, whose time coordinate is
:math:`x_0 = \sqrt{1 + |x|^2}`; so there is no constraint that rounding could break.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError

Floats = npt.NDArray[np.float64]

_BLOCK_NUMBERS = 1 << 21  # of temporaries that a distance matrix makes at a time
_OFF_HYPERBOLOID = 1e-6


def norms(x: npt.ArrayLike) -> Floats:
    """Return the Euclidean length of each row, of shape ``(..., 1)``."""
    x = np.asarray(x, dtype=np.float64)
    lengths: Floats = np.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    return lengths


def time(X: npt.ArrayLike) -> Floats:
    r"""Return the time coordinate :math:`\sqrt{1 + |x|^2}` of each point.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Spatial coordinates.

    Returns
    -------
    ndarray of shape (...), float64
    """
    times: Floats = np.sqrt(1.0 + norms(X)[..., 0] ** 2)
    return times


def radius(X: npt.ArrayLike) -> Floats:
    r"""Return the distance of each point from the origin, :math:`\operatorname{asinh} |x|`.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Spatial coordinates.

    Returns
    -------
    ndarray of shape (...), float64

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.geometry import radius
    >>> radius([[np.sinh(2.0), 0.0], [0.0, 0.0]])
    array([2., 0.])
    """
    radii: Floats = np.arcsinh(norms(X)[..., 0])
    return radii


def distances(X: npt.ArrayLike, Y: npt.ArrayLike) -> Floats:
    r"""Return the hyperbolic distance of each pair of rows.

    .. math:: d(x, y) = \operatorname{arcosh}(x_0 y_0 - x \cdot y)

    computed without cancellation: with :math:`r_x = \operatorname{asinh} |x|`,

    .. math::

        \cosh d - 1 = (\cosh(r_x - r_y) - 1)
            + \tfrac12 |x| |y| \left| \frac{x}{|x|} - \frac{y}{|y|} \right|^2

    is a sum of two terms that are not negative, each from differences of the coordinates.

    Parameters
    ----------
    X, Y : array-like of shape (..., d)
        Spatial coordinates; they are broadcast against each other.

    Returns
    -------
    ndarray of shape (...), float64
        Not negative; bitwise symmetric. At radii up to 25 as exact as the coordinates themselves,
        which are known to a relative 1e-16, that is to :math:`10^{-16} e^r` in the distance.

    Raises
    ------
    GraphError
        If the widths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.geometry import distances
    >>> distances([np.sinh(20.0), 0.0], [[np.sinh(21.0), 0.0], [-np.sinh(1.0), 0.0]])
    array([ 1., 21.])
    """
    X, Y = _same_width(X, Y)
    x_norm, y_norm = norms(X), norms(Y)
    x_time, y_time = np.sqrt(1.0 + x_norm * x_norm), np.sqrt(1.0 + y_norm * y_norm)
    difference, total = X - Y, X + Y
    product = np.sum(difference * total, axis=-1, keepdims=True)  # |x|^2 - |y|^2
    norm_sum = x_norm + y_norm
    longer = product / np.where(norm_sum > 0.0, norm_sum, 1.0)  # |x| - |y|
    later = product / (x_time + y_time)  # x_0 - y_0
    radial = (longer + later) ** 2 / (2.0 * (x_norm + x_time) * (y_norm + y_time))
    norm_product = x_norm * y_norm
    # |y| x - |x| y, from differences where these are small.
    near = norm_sum * norms(difference) < 2.0 * norm_product
    turned = np.where(near, 0.5 * (norm_sum * difference - longer * total), y_norm * X - x_norm * Y)
    angular = np.sum(turned * turned, axis=-1, keepdims=True)
    angular = angular / np.where(norm_product > 0.0, 2.0 * norm_product, 1.0)
    delta = (radial + np.where(norm_product > 0.0, angular, 0.0))[..., 0]
    found: Floats = np.log1p(delta + np.sqrt(delta * (delta + 2.0)))
    return found


def distance_matrix(X: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> Floats:
    """Return the hyperbolic distance of each row of X to each row of Y.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Spatial coordinates.
    Y : array-like of shape (m, d), default=None
        Spatial coordinates; None: X itself.

    Returns
    -------
    ndarray of shape (n, m), float64
        As exact as :func:`distances`.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.geometry import distance_matrix
    >>> distance_matrix(np.sinh([[0.0], [1.0], [-2.0]]))
    array([[0., 1., 2.],
           [1., 0., 3.],
           [2., 3., 0.]])
    """
    X, Y = _same_width(X, X if Y is None else Y)
    found = np.empty((len(X), len(Y)))
    rows = max(1, _BLOCK_NUMBERS // max(1, Y.size))
    for start in range(0, len(X), rows):
        found[start : start + rows] = distances(X[start : start + rows, None], Y)
    return found


def centroid(X: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    r"""Return the Lorentz centroid of some points.

    .. math::

        m = \frac{S}{\sqrt{-\langle S, S \rangle_L}}, \qquad
        S = \sum_i w_i \, (x_{i,0}, x_i)

    It minimises :math:`\sum_i w_i (\cosh d(m, x_i) - 1)`, and of two points it is the midpoint.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Spatial coordinates.
    weights : array-like of shape (n,), default=None
        Not negative, with a positive sum; None: all equal.

    Returns
    -------
    ndarray of shape (d,), float64
        Spatial coordinates.

    Raises
    ------
    GraphError
        If there are no points, or the weights are not as described.

    References
    ----------
    Law, Liao, Snell and Zemel (2019), Lorentzian distance learning for hyperbolic
    representations, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from graphembed.geometry import centroid, radius
    >>> radius(centroid(np.sinh([[1.0], [3.0]])))
    np.float64(2.0)
    """
    points = np.asarray(X, dtype=np.float64)
    shares = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=np.float64)
    if points.ndim != 2 or shares.shape != points.shape[:1]:
        raise GraphError(
            f"A centroid is of points of shape (n, d) with n weights; got {points.shape} and "
            f"{shares.shape}."
        )
    if not (shares >= 0.0).all() or not 0.0 < shares.sum() < np.inf:
        raise GraphError("The weights of a centroid must not be negative, and one be positive.")
    # The scale falls out; without it, the squares of large weights could overflow.
    shares = shares / shares.sum()
    lengths, times = norms(points), time(points)
    spatial = shares @ points
    length = norms(spatial)[0]
    if length == 0.0:
        return np.zeros(points.shape[1])
    # S_0 - |S|, as a sum of terms that are not negative; the direct difference cancels far out.
    directions = points / np.where(lengths > 0.0, lengths, 1.0) - spatial / length
    turned = 0.5 * lengths[:, 0] * np.sum(directions**2, axis=1)
    gap = shares @ (1.0 / (lengths[:, 0] + times) + turned)
    mean: Floats = spatial / np.sqrt(gap * (shares @ times + length))
    return mean


def to_hyperboloid(X: npt.ArrayLike) -> Floats:
    """Return all d + 1 Lorentz coordinates, the time first.

    Parameters
    ----------
    X : array-like of shape (..., d)
        Spatial coordinates.

    Returns
    -------
    ndarray of shape (..., d + 1), float64

    Examples
    --------
    >>> from graphembed.geometry import to_hyperboloid
    >>> to_hyperboloid([[0.75, 0.0]])
    array([[1.25, 0.75, 0.  ]])
    """
    X = np.asarray(X, dtype=np.float64)
    return np.concatenate([time(X)[..., None], X], axis=-1)


def from_hyperboloid(Z: npt.ArrayLike) -> Floats:
    """Return the spatial part of points of the hyperboloid.

    Parameters
    ----------
    Z : array-like of shape (..., d + 1)
        The time first.

    Returns
    -------
    ndarray of shape (..., d), float64

    Raises
    ------
    GraphError
        If a point is not on the upper sheet of the hyperboloid, to a relative 1e-6.
    """
    Z = np.asarray(Z, dtype=np.float64)
    if Z.ndim == 0 or Z.shape[-1] == 0:
        raise GraphError(f"Lorentz coordinates have a time and d spatial columns; got {Z.shape}.")
    X, expected = Z[..., 1:].copy(), time(Z[..., 1:])
    off = ~(np.abs(Z[..., 0] - expected) <= _OFF_HYPERBOLOID * expected)
    if off.any():
        raise GraphError(
            f"{np.count_nonzero(off)} of {off.size} points are not on the hyperboloid: the first "
            "column must be sqrt(1 + |x|^2) of the others."
        )
    return X


def _same_width(X: Any, Y: Any) -> tuple[Floats, Floats]:
    X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    if X.ndim == 0 or Y.ndim == 0 or X.shape[-1] != Y.shape[-1]:
        raise GraphError(
            f"Points must have equally many coordinates; got shapes {X.shape} and {Y.shape}."
        )
    return X, Y
