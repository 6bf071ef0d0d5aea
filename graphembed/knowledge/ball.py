r"""Moves of points of Poincaré balls and their gradients in closed form.

Each row is a point of a ball of its own: the ball of curvature :math:`-c` has the radius
:math:`1 / \sqrt c`. Points are kept a little off its border, as in the published models. All
arrays are float64 and C-contiguous; ``curvatures`` are the positive c, one for each row.

References
----------
Ganea et al. (2018), Hyperbolic Neural Networks, NeurIPS.

Chami et al. (2020), Low-Dimensional Hyperbolic Knowledge Graph Embeddings, ACL.
"""

import numpy as np
import numpy.typing as npt

from graphembed.kernels import ball

Points = npt.NDArray[np.float64]


def exp_0(tangents: Points, curvatures: Points) -> Points:
    r"""Map tangent vectors at 0 into the ball.

    .. math:: \exp_0(v) = \tanh(\sqrt c \|v\|) \frac{v}{\sqrt c \|v\|}

    Parameters
    ----------
    tangents : ndarray of shape (n, d)
    curvatures : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> exp_0(np.array([[3.0, 4.0]]), np.array([0.01])).round(3)
    array([[2.773, 3.697]])
    """
    out = np.empty_like(tangents)
    ball.exp_0(tangents, curvatures, out)
    return out


def exp_0_backward(tangents: Points, curvatures: Points, grads: Points) -> tuple[Points, Points]:
    """Return the gradients by tangents and by curvatures from those by :func:`exp_0`'s points."""
    by_tangents, by_curvatures = np.empty_like(tangents), np.zeros_like(curvatures)
    ball.exp_0_backward(tangents, curvatures, grads, by_tangents, by_curvatures)
    return by_tangents, by_curvatures


def mobius_add(x: Points, y: Points, curvatures: Points) -> Points:
    r"""Add points: y moved along with 0 to x, the translation of hyperbolic space.

    .. math:: x \oplus y = \frac{(1 + 2 c \, x \cdot y + c \|y\|^2) x + (1 - c \|x\|^2) y}
                                {1 + 2 c \, x \cdot y + c^2 \|x\|^2 \|y\|^2}

    Parameters
    ----------
    x, y : ndarray of shape (n, d)
    curvatures : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> mobius_add(np.array([[0.5, 0.0]]), np.array([[0.5, 0.0]]), np.array([1.0]))
    array([[0.8, 0. ]])
    """
    out = np.empty_like(x)
    ball.mobius_add(x, y, curvatures, out)
    return out


def mobius_add_backward(
    x: Points, y: Points, curvatures: Points, grads: Points
) -> tuple[Points, Points, Points]:
    """Return the gradients by x, y and curvatures from those by :func:`mobius_add`'s points."""
    by_x, by_y, by_curvatures = np.empty_like(x), np.empty_like(y), np.zeros_like(curvatures)
    ball.mobius_add_backward(x, y, curvatures, grads, by_x, by_y, by_curvatures)
    return by_x, by_y, by_curvatures


def rotate(points: Points, planes: Points) -> Points:
    r"""Rotate points by an angle :math:`\theta_j` in each of d // 2 planes.

    .. math:: (u, w) \mapsto (u \cos\theta - w \sin\theta, \; u \sin\theta + w \cos\theta)

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Plane j has the coordinates j and d // 2 + j; the last of an odd number stays as it is.
    planes : ndarray of shape (n, 2 * (d // 2))
        The direction of each angle as a vector of any length: :math:`\cos\theta_j` in column j,
        :math:`\sin\theta_j` in column d // 2 + j, both times a length.

    Returns
    -------
    ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> rotate(np.array([[0.3, 0.1]]), np.array([[0.0, 2.0]]))  # by 90 degrees
    array([[-0.1,  0.3]])
    """
    return _turn(points, planes, 1.0)


def rotate_backward(points: Points, planes: Points, grads: Points) -> tuple[Points, Points]:
    """Return the gradients by points and planes from those by :func:`rotate`'s points."""
    return _turn_backward(points, planes, 1.0, grads)


def reflect(points: Points, planes: Points) -> Points:
    r"""Reflect points in each of d // 2 planes, at the line of the angle :math:`\theta_j / 2`.

    .. math:: (u, w) \mapsto (u \cos\theta + w \sin\theta, \; u \sin\theta - w \cos\theta)

    Parameters and layout are those of :func:`rotate`.

    Examples
    --------
    >>> import numpy as np
    >>> reflect(np.array([[0.3, 0.1]]), np.array([[0.0, 2.0]]))  # at the diagonal
    array([[0.1, 0.3]])
    """
    return _turn(points, planes, -1.0)


def reflect_backward(points: Points, planes: Points, grads: Points) -> tuple[Points, Points]:
    """Return the gradients by points and planes from those by :func:`reflect`'s points."""
    return _turn_backward(points, planes, -1.0, grads)


def _turn(points: Points, planes: Points, sign: float) -> Points:
    out = np.empty_like(points)
    ball.turn(points, planes, sign, out)
    return out


def _turn_backward(
    points: Points, planes: Points, sign: float, grads: Points
) -> tuple[Points, Points]:
    by_points, by_planes = np.empty_like(points), np.empty_like(planes)
    ball.turn_backward(points, planes, sign, grads, by_points, by_planes)
    return by_points, by_planes
