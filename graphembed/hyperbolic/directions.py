"""Directions that are spread evenly over the sphere, as a tree layout needs them at each node."""

from functools import lru_cache
from math import gamma, pi, sqrt

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

MOST_REPELLED = 1_000  # above, points are random: spread by repulsion takes the square of them
ROUNDS, MOST_PAIRS = 120, 10_000_000  # fewer rounds of very many pairs


@lru_cache(maxsize=512)
def spread_directions(n_directions: int, n_components: int) -> Points:
    """Return unit vectors whose least angle is large; the first is the first axis.

    Up to twice the number of dimensions no arrangement is better: corners of a simplex, then of
    a cross-polytope. On a line there are but two; in the plane they are evenly spaced. More of
    them repel each other until they are spread; beyond 1,000 they are random. The same for the
    same arguments.

    Parameters
    ----------
    n_directions : int
    n_components : int

    Returns
    -------
    ndarray of shape (n_directions, n_components), float64
        Read-only.

    Examples
    --------
    >>> spread_directions(2, 3)
    array([[ 1.,  0.,  0.],
           [-1.,  0.,  0.]])
    """
    if n_components == 1:
        points = np.where(np.arange(n_directions) % 2 == 0, 1.0, -1.0)[:, None]
    elif n_components == 2:
        angles = 2 * pi * np.arange(n_directions) / max(n_directions, 1)
        points = np.column_stack([np.cos(angles), np.sin(angles)])
    elif n_directions <= n_components + 1:
        points = _simplex(n_directions, n_components)
    elif n_directions <= 2 * n_components:
        axes = np.eye(n_components)
        points = np.concatenate([axes, -axes])[:n_directions]
    else:
        # Of a few more: trees have nodes of many degrees, and similar ones share the work.
        unit = 1 << max(0, n_directions.bit_length() - 4)
        points = _repelled(-(-n_directions // unit) * unit, n_components)[:n_directions]
        points = reflect(points, points[0], np.eye(n_components)[0])
    points.flags.writeable = False
    return points


@lru_cache(maxsize=512)
def least_angle(n_directions: int, n_components: int) -> float:
    """Return the least angle between two of :func:`spread_directions`, in radians.

    Examples
    --------
    >>> from math import pi
    >>> least_angle(4, 2) / pi
    0.5
    """
    if n_directions < 2:
        return pi
    if n_components == 1:
        return pi if n_directions == 2 else 0.0
    if n_components == 2:
        return 2 * pi / n_directions
    points = spread_directions(n_directions, n_components)
    nearest = np.inf
    for start in range(0, n_directions, 256):
        block = points[start : start + 256]
        products = block @ points.T
        products[np.arange(len(block)), start + np.arange(len(block))] = -2.0
        rows, columns = np.arange(len(block)), products.argmax(axis=1)
        chords = np.linalg.norm(block[rows] - points[columns], axis=1)
        nearest = min(nearest, float(chords.min()))
    return float(2 * np.arcsin(min(1.0, nearest / 2)))


def reflect(points: Points, start: Points, end: Points) -> Points:
    """Return points under the reflection that takes the unit vector ``start`` to ``end``.

    Parameters
    ----------
    points : ndarray of shape (..., n_points, d)
    start, end : ndarray of shape (d,) or (..., d)

    Returns
    -------
    ndarray of shape (..., n_points, d)
    """
    normal = (start - end)[..., None, :]
    square = np.sum(normal * normal, axis=-1, keepdims=True)
    factor = 2.0 * np.sum(points * normal, axis=-1, keepdims=True) / np.maximum(square, 1e-300)
    return points - np.where(square > 1e-30, factor, 0.0) * normal


def _simplex(n_points: int, n_components: int) -> Points:
    """Return the corners of a regular simplex around the origin."""
    points = np.zeros((n_points, n_components))
    for i in range(n_points - 1):
        rest = sqrt(max(0.0, 1.0 - float(points[i] @ points[i])))
        points[i, i] = rest
        # Each corner after this one has the same product with it.
        points[i + 1 :, i] = -rest / (n_points - 1 - i)
    if n_points == 1:
        points[0, 0] = 1.0
    elif n_points > 1:
        points[-1] /= np.linalg.norm(points[-1])
    return points


@lru_cache(maxsize=128)
def _repelled(n_points: int, n_components: int) -> Points:
    """Return random points after they have pushed their nearest ones away."""
    rng = np.random.default_rng([n_points, n_components])
    points = rng.standard_normal((n_points, n_components))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    if n_points > MOST_REPELLED:
        return points
    # What the chord between neighbours is when caps of half the angle cover the sphere.
    area = 2 * pi ** (n_components / 2) / gamma(n_components / 2)
    ball = pi ** ((n_components - 1) / 2) / gamma((n_components + 1) / 2)
    chord = min(1.4, 2 * (area / (n_points * ball)) ** (1 / (n_components - 1)))
    rounds = min(ROUNDS, MOST_PAIRS // n_points**2)
    for progress in np.linspace(0.0, 1.0, rounds):
        width = chord * chord * (0.3 - 0.27 * progress)
        rough = points.astype(np.float32)
        near = rough @ rough.T
        np.fill_diagonal(near, -1.0)
        near -= near.max(axis=1, keepdims=True)
        near *= np.float32(2.0 / width)
        np.exp(near, out=near)
        near /= near.sum(axis=1, keepdims=True)
        step = chord * (0.3 - 0.29 * progress)
        away = points - near @ rough
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
        points = points + step * away
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points
