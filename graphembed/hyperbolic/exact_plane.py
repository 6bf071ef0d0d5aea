"""Trees in the hyperbolic plane at any radius up to 650: angles in as many bits as they need.

Float64 gives out at a radius of 30, where a rounded angle moves a point by as much as its
neighbours are away. Only the angle does: the radius of a point, and the angle between a node and
its child, are exact to float64 at any distance (:mod:`graphembed.hyperbolic.tree_layout`). So
angles are kept as fractions of a turn with up to 1,000 bits, and everything else is float64.
"""

from dataclasses import dataclass
from functools import cached_property
from math import floor, frexp, pi

import numpy as np
import numpy.typing as npt

from graphembed.exceptions import GraphError
from graphembed.hyperbolic.spanning_tree import SpanningTree
from graphembed.hyperbolic.tree_layout import depth, far_side, required_bits, root_offset

Coordinates = npt.NDArray[np.float64]

LARGEST_RADIUS = 650.0  # float64 still holds the parts of a turn that it asks for
LIMB = 32  # bits of an angle that are kept together
LOG_LARGE = 40.0  # from here on, cosh(d) - 1 is exp(d) / 2 to float64


@dataclass(frozen=True)
class ExactPlane:
    """Points of the hyperbolic plane by radius and angle.

    Parameters
    ----------
    radii : ndarray of shape (n_points,), float64
        Distances from the origin.
    turns : ndarray of shape (n_points, n_limbs), uint32
        Angles as fractions of a full turn, in base 2^32, the most significant digit first.

    Examples
    --------
    >>> import numpy as np
    >>> turns = np.array([[0, 0], [0, 1]], dtype=np.uint32)  # a turn over 2^64 apart
    >>> ExactPlane(np.array([60.0, 60.0]), turns).distances(0).round(6)
    array([ 0.      , 33.566621])
    """

    radii: Coordinates
    turns: npt.NDArray[np.uint32]

    def distances(self, row: int) -> Coordinates:
        r"""Return the distances of all points from one of them.

        .. math:: \cosh d - 1 = 2 \sinh^2 \tfrac{r - s}{2}
            + 2 \sinh r \sinh s \sin^2 \tfrac{\theta}{2}

        Parameters
        ----------
        row : int

        Returns
        -------
        ndarray of shape (n_points,), float64
        """
        digits = self._digits - self._digits[row]
        digits[:, 0] -= np.round(digits[:, 0] / 2.0**LIMB) * 2.0**LIMB  # the short way around
        apart = _fraction(digits)
        with np.errstate(divide="ignore"):
            radial = 2.0 * np.log(np.abs(np.sinh(np.abs(self.radii - self.radii[row]) / 2)))
            angular = 2.0 * np.log(np.abs(np.sin(pi * apart)))
        angular += self._log_sinh + self._log_sinh[row]
        log_delta = np.log(2.0) + np.logaddexp(radial, angular)
        delta = np.exp(np.minimum(log_delta, LOG_LARGE))
        near = np.log1p(delta + np.sqrt(delta * (delta + 2.0)))
        found: Coordinates = np.where(log_delta > LOG_LARGE, log_delta + np.log(2.0), near)
        return found

    def angles(self) -> Coordinates:
        """Return the angles in radians, rounded to float64."""
        return 2 * pi * _fraction(self._digits)

    @cached_property
    def _digits(self) -> Coordinates:
        return self.turns.astype(np.float64)

    @cached_property
    def _log_sinh(self) -> Coordinates:
        with np.errstate(divide="ignore"):
            return self.radii + np.log(-np.expm1(-2.0 * self.radii) / 2)


def exact_plane(tree: SpanningTree, scale: float) -> ExactPlane:
    r"""Lay out a tree in the plane, as :func:`tree_coordinates` does, without loss.

    Parameters
    ----------
    tree : SpanningTree
    scale : float
        Length :math:`\tau` of an edge of length 1.

    Returns
    -------
    ExactPlane

    Raises
    ------
    GraphError
        If a path from the origin would be longer than 650.
    """
    radius = scale * depth(tree)  # at most
    if radius > LARGEST_RADIUS:
        raise GraphError(
            f"At scale {scale:g} the longest path has the length {radius:.0f}; the exact layout "
            f"ends at {LARGEST_RADIUS:.0f}. Choose a scale of at most "
            f"{floor(1000 * scale * LARGEST_RADIUS / radius) / 1000:g}."
        )
    n_limbs = -(-required_bits(radius) // LIMB) + 1
    n_nodes = len(tree.parents)
    radii, back = np.zeros(n_nodes), np.zeros(n_nodes)
    turns = [0] * n_nodes
    roots = tree.roots
    if len(roots) > 1:
        radii[roots] = scale * root_offset(tree)
        for k, row in enumerate(roots.tolist()):
            turns[row] = _fixed(k / len(roots), n_limbs)
    for level in tree.levels[1:]:
        parents = tree.parents[level]
        number, count = _among_siblings(parents)
        count = count + (radii[parents] > 0)  # one direction leads back
        number = number + (radii[parents] > 0)
        # Angles from the way back to the origin, on which that to the parent lies at `back`.
        angles = back[parents] + 2 * pi * number / count
        radii[level], at_origin, back[level] = far_side(
            radii[parents], scale * tree.lengths[level], -np.sin(angles), np.abs(np.sin(angles / 2))
        )
        at_root = radii[parents] == 0
        at_origin = np.where(at_root, 2 * pi * number / count, at_origin)
        back[level] = np.where(at_root, 0.0, back[level])
        for row, parent, turned in zip(level.tolist(), parents.tolist(), at_origin, strict=True):
            turns[row] = turns[parent] + _fixed(turned / (2 * pi), n_limbs)
    return ExactPlane(radii, _limbs(turns, n_limbs))


def _among_siblings(parents: npt.NDArray[np.int64]) -> tuple[Coordinates, Coordinates]:
    """Return the place of each node among its siblings, which stand together, and their number."""
    first = np.flatnonzero(np.diff(parents, prepend=-1))
    sizes = np.diff(first, append=len(parents))
    numbers = np.arange(len(parents)) - np.repeat(first, sizes)
    return numbers.astype(np.float64), np.repeat(sizes, sizes).astype(np.float64)


def _fixed(fraction: float, n_limbs: int) -> int:
    """Return a fraction of a turn as a whole number of its 2^(32 n_limbs)-th parts."""
    mantissa, exponent = frexp(fraction)
    shift = n_limbs * LIMB + exponent - 53
    whole = int(mantissa * 2**53)
    return whole << shift if shift >= 0 else whole >> -shift


def _limbs(turns: list[int], n_limbs: int) -> npt.NDArray[np.uint32]:
    size = n_limbs * LIMB // 8
    full = 1 << (n_limbs * LIMB)
    digits = b"".join((turn % full).to_bytes(size, "big") for turn in turns)
    return np.frombuffer(digits, dtype=">u4").reshape(len(turns), n_limbs).astype(np.uint32)


def _fraction(digits: Coordinates) -> Coordinates:
    """Return the number of these digits, exact to float64 however many of them cancel.

    From the top, partial sums are short as long as they cancel, and exact then; once they are
    long, the digits that follow change nothing but the rounding.
    """
    total = np.zeros(len(digits))
    for k in range(digits.shape[1]):
        total += np.ldexp(digits[:, k], -LIMB * (k + 1))
    return total
