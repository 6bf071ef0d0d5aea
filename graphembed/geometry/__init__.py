r"""Hyperbolic space in NumPy: points, distances, centroids, and the coordinates to show them in.

Points are kept as the *spatial* part x of their Lorentz coordinates, float64 of shape
``(..., d)``; the time coordinate :math:`x_0 = \sqrt{1 + |x|^2}` is derived. The curvature is -1.
"""

from graphembed.geometry.coordinates import COORDINATES, export, parse
from graphembed.geometry.lorentz import (
    centroid,
    distance_matrix,
    distances,
    from_hyperboloid,
    radius,
    time,
    to_hyperboloid,
)
from graphembed.geometry.poincare import from_ball, to_ball
from graphembed.geometry.tangent import from_tangent, to_tangent

__all__ = [
    "COORDINATES",
    "centroid",
    "distance_matrix",
    "distances",
    "export",
    "from_ball",
    "from_hyperboloid",
    "from_tangent",
    "parse",
    "radius",
    "time",
    "to_ball",
    "to_hyperboloid",
    "to_tangent",
]
