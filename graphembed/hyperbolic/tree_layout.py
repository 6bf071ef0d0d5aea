r"""Trees in hyperbolic space without optimisation: the construction of Sarkar.

The root is put at the origin. Around each node the directions to its neighbours in the tree are
spread evenly, and each child is put at the distance :math:`\tau` times the length of its edge.
Where a node has the radius r and a child leaves it at the angle :math:`\gamma` from the way back
to the origin, the child has the radius r' and is seen from the origin at the angle
:math:`\theta` from the node:

.. math::

    \cosh r' - 1 = 2 \sinh^2 \tfrac{r - \tau}{2} + 2 \sinh r \sinh \tau \sin^2 \tfrac{\gamma}{2},
    \quad
    \tan\theta = \frac{\sinh\tau \sin\gamma}
    {\sinh(r - \tau) + 2 \cosh r \sinh\tau \sin^2(\gamma / 2)}

Nothing cancels in these, so that r' and the angle between node and child are as exact as float64.
What is lost is the angle from a fixed axis: a radius r needs :math:`r / \ln 2` bits of it.

References
----------
Sarkar (2011), Low Distortion Delaunay Embedding of Trees in Hyperbolic Plane, Graph Drawing.

Sala, De Sa, Gu and Ré (2018), Representation Tradeoffs for Hyperbolic Embeddings, ICML.
"""

from math import acosh, ceil, inf, log, sin

import numpy as np
import numpy.typing as npt

from graphembed.graph.graph import Graph
from graphembed.hyperbolic.directions import least_angle, reflect, spread_directions
from graphembed.hyperbolic.spanning_tree import SpanningTree, spanning_tree

Coordinates = npt.NDArray[np.float64]

GUARD_BITS = 10  # positions are off by at most 2^-10
FLOAT64_BITS = 53
LEAST_SCALE = 0.1  # where directions ask for nothing
FITTING_STEPS = 10


def required_bits(radius: float) -> int:
    """Return the bits of precision that coordinates of a point at a radius need.

    Examples
    --------
    >>> required_bits(10.0), required_bits(30.0), required_bits(200.0)
    (25, 54, 299)
    """
    return GUARD_BITS + ceil(max(radius, 0.0) / log(2.0))


def reachable_radius(bits: int = FLOAT64_BITS) -> float:
    """Return the largest radius that needs no more than these bits."""
    return (bits - GUARD_BITS) * log(2.0)


def needed_scale(tree: SpanningTree, n_components: int) -> float:
    r"""Return the least length of an edge with which a tree is certain to keep its neighbours.

    If :math:`\cosh(\tau / 2) \sin(\alpha / 2) \ge 1`, with :math:`\alpha` the least angle between
    directions at a node, the hyperplanes through the middles of its edges, orthogonal to them, do
    not meet. A path crosses that of each of its edges: so a node's neighbours in the tree are its
    nearest nodes. (Smaller scales may do, as long as no path keeps turning the sharpest way;
    on a line, none does for a node with three neighbours.)

    Examples
    --------
    >>> import graphembed as ge
    >>> star = spanning_tree(ge.Graph.from_edges([0] * 100, range(1, 101)))
    >>> round(needed_scale(star, 2), 2), round(needed_scale(star, 50), 2)
    (8.31, 1.76)
    """
    below = np.flatnonzero(tree.parents >= 0)
    if not len(below):
        return LEAST_SCALE
    shortest = np.full(len(tree.parents), np.inf)
    np.minimum.at(shortest, tree.parents[below], tree.lengths[below])
    shortest[below] = np.minimum(shortest[below], tree.lengths[below])
    # Nodes with the same number of directions differ in their shortest edge alone.
    inner = np.flatnonzero(tree.n_children)
    n_directions = (tree.n_children + (tree.parents >= 0))[inner]
    scale = LEAST_SCALE
    for degree in np.unique(n_directions):
        half = sin(least_angle(int(degree), n_components) / 2)
        length = 2.0 * acosh(max(1.0, 1.0 / half)) if half > 0 else inf
        scale = max(scale, length / float(shortest[inner[n_directions == degree]].min()))
    return scale


def tree_coordinates(
    tree: Graph | SpanningTree,
    n_components: int,
    *,
    scale: float | None = None,
    max_radius: float = 6.0,
) -> Coordinates:
    r"""Lay out a tree, or a spanning tree of a graph, in hyperbolic space of any dimension.

    Parameters
    ----------
    tree : SpanningTree or Graph
        Of several components, the roots are spread around the origin.
    n_components : int
        Dimensions. On a line a node with three neighbours has two in the same place.
    scale : float, optional
        Length :math:`\tau` of an edge of length 1. By default the deepest node is at
        ``max_radius``.
    max_radius : float, default=6.0

    Returns
    -------
    ndarray of shape (n_nodes, n_components), float64
        Spatial Lorentz coordinates: sinh(r) times the unit vector from the origin.

    Examples
    --------
    >>> import graphembed as ge
    >>> path = ge.Graph.from_edges([0, 1], [1, 2])
    >>> tree_coordinates(path, 2, scale=1.0).round(3)
    array([[ 1.175,  0.   ],
           [ 0.   ,  0.   ],
           [-1.175,  0.   ]])
    """
    tree = tree if isinstance(tree, SpanningTree) else spanning_tree(tree)
    if scale is None:
        scale = fitting_scale(tree, n_components, max_radius)
    radii, units = tree_layout(tree, n_components, scale)
    return np.sinh(radii)[:, None] * units


def tree_layout(
    tree: SpanningTree, n_components: int, scale: float
) -> tuple[Coordinates, Coordinates]:
    """Return radii, shape (n_nodes,), and unit vectors from the origin, (n_nodes, n_components).

    Radii are right at any scale; at large ones the unit vectors lack the bits to tell nodes apart.
    """
    n_nodes = len(tree.parents)
    radii, units = np.zeros(n_nodes), np.zeros((n_nodes, n_components))
    units[:, 0] = 1.0
    back = units.copy()  # the direction from each node to its parent
    roots = tree.roots
    if len(roots) > 1:  # around the origin, as if they had a parent there
        radii[roots] = scale * root_offset(tree)
        units[roots] = spread_directions(len(roots), n_components)
        back[roots] = -units[roots]
    for level in tree.levels[1:]:
        parents = tree.parents[level]
        directions = _directions(tree, level, back)
        radii[level], units[level], back[level] = leave(
            radii[parents], units[parents], directions, scale * tree.lengths[level]
        )
    return radii, units


def depth(tree: SpanningTree) -> float:
    """Return the length of the path from the origin to the deepest node."""
    return float(tree.depths.max(initial=0.0)) + root_offset(tree)


def root_offset(tree: SpanningTree) -> float:
    """Return how far roots are from the origin, in lengths of edges: 0 if there is one root."""
    if len(tree.roots) < 2:
        return 0.0
    below = tree.lengths[tree.parents >= 0]
    return float(below.mean()) if len(below) else 1.0


def fitting_scale(tree: SpanningTree, n_components: int, max_radius: float) -> float:
    """Return the scale that puts the deepest node at a radius; 1 if there is nothing to scale.

    Where paths turn they end nearer to the origin than they are long, how much nearer depends on
    the scale: it is searched for. The radius never exceeds ``max_radius``.
    """
    longest = depth(tree)
    if longest == 0:
        return 1.0
    low = scale = max_radius / longest * (1 - 1e-12)
    high = inf
    for _ in range(FITTING_STEPS):
        missing = max_radius - float(tree_layout(tree, n_components, scale)[0].max())
        if missing < 0:
            high = scale
        else:
            low = scale
        if 0 <= missing <= 1e-3 * max_radius:
            break
        scale += missing / longest
        if not low < scale < high:
            scale = (low + high) / 2
    return low


def leave(
    radii: Coordinates, units: Coordinates, directions: Coordinates, lengths: Coordinates
) -> tuple[Coordinates, Coordinates, Coordinates]:
    """Return where straight lines from some points lead.

    Parameters
    ----------
    radii : ndarray of shape (n,)
    units : ndarray of shape (n, d)
        Directions in which the points are seen from the origin.
    directions : ndarray of shape (n, d)
        Unit vectors in which to go, in the orthonormal frame at each point that has ``units`` as
        the direction away from the origin.
    lengths : ndarray of shape (n,)

    Returns
    -------
    radii : ndarray of shape (n,)
    units, back : ndarray of shape (n, d)
        Of the points reached: their directions from the origin, and the ways back.
    """
    cosines = np.sum(directions * units, axis=1)
    aside = directions - cosines[:, None] * units
    sines = np.linalg.norm(aside, axis=1)
    aside /= np.maximum(sines, 1e-300)[:, None]
    # Half the chord between the direction and the way to the origin.
    half_sines = np.linalg.norm(directions + units, axis=1) / 2
    radii, at_start, at_end = far_side(radii, lengths, sines, half_sines)
    turned, beside = _turn(units, aside, at_start), _turn(aside, -units, at_start)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return radii, turned, -_turn(turned, beside, at_end)


def far_side(
    radii: Coordinates, lengths: Coordinates, sines: Coordinates, half_sines: Coordinates
) -> tuple[Coordinates, Coordinates, Coordinates]:
    r"""Solve the triangle of the origin, a node and its child.

    Parameters
    ----------
    radii : ndarray of shape (n,)
        Distance of the node from the origin.
    lengths : ndarray of shape (n,)
        Distance of the node from the child.
    sines, half_sines : ndarray of shape (n,)
        :math:`\sin\gamma` and :math:`\sin(\gamma/2)` of the angle at the node.

    Returns
    -------
    radii, at_origin, at_child : ndarray of shape (n,)
        Radius of the child, and the other two angles, with the sign of ``sines``.
    """
    open_ = 2.0 * half_sines * half_sines
    # e^r cancels in both angles; without it nothing overflows.
    shrink = np.exp(-2.0 * radii)
    sinh_r, cosh_r = (1.0 - shrink) / 2, (1.0 + shrink) / 2
    sinh_t, cosh_t = np.sinh(lengths), np.cosh(lengths)
    less = (np.exp(-lengths) - np.exp(lengths) * shrink) / 2  # sinh(r - t), shrunk
    shown = np.exp(-radii) * sinh_t * sines
    at_origin = np.arctan2(shown, less + cosh_r * sinh_t * open_)
    at_child = np.arctan2(sinh_r * sines, cosh_t * sinh_r * open_ - less)
    # cosh(r') - 1 = sinh^2 of half of it times 2; in its root e^(r/2) is left out.
    half = (np.exp(-lengths / 2) - np.exp(lengths / 2 - radii)) / 2
    root = np.sqrt(half * half + sinh_r * sinh_t * open_ / 2)
    small = np.exp(np.minimum(radii, 60.0) / 2) * root
    large = radii / 2 + np.log(2.0 * np.maximum(root, 1e-300))
    return 2.0 * np.where(radii < 60.0, np.arcsinh(small), large), at_origin, at_child


def _directions(tree: SpanningTree, level: npt.NDArray[np.int64], back: Coordinates) -> Coordinates:
    """Return the directions in which the nodes of a level leave their parents."""
    directions = np.empty((len(level), back.shape[1]))
    parents = tree.parents[level]
    first = np.flatnonzero(np.diff(parents, prepend=-1))
    sizes = np.diff(first, append=len(level))
    alone = len(tree.roots) == 1
    axis = np.eye(back.shape[1])[0]
    for size in np.unique(sizes):
        starts = first[sizes == size]
        above = parents[starts]
        if alone and tree.parents[above[0]] < 0:  # the root at the origin has no way back
            directions[: int(size)] = spread_directions(int(size), back.shape[1])
            continue
        spread = spread_directions(int(size) + 1, back.shape[1])[1:]
        places = starts[:, None] + np.arange(int(size))
        directions[places] = reflect(np.broadcast_to(spread, (*places.shape, back.shape[1])),
                                     axis, back[above])  # fmt: skip
    return directions


def _turn(start: Coordinates, aside: Coordinates, angles: Coordinates) -> Coordinates:
    """Return unit vectors, turned by an angle toward others that are orthogonal to them."""
    turned: Coordinates = np.cos(angles)[:, None] * start + np.sin(angles)[:, None] * aside
    return turned


def free_direction(radii: Coordinates, units: Coordinates) -> Coordinates:
    """Return the direction at the last point that is farthest from those to the other points.

    Parameters
    ----------
    radii : ndarray of shape (n,)
    units : ndarray of shape (n, d)
        Directions in which the points are seen from the origin.

    Returns
    -------
    ndarray of shape (d,)
        Unit vector in the frame that :func:`leave` takes.
    """
    candidates = spread_directions(4 * len(radii) + 4, units.shape[1])
    toward, others = units[-1], units[:-1]
    if not len(others):
        return np.array(toward)
    aside = others - (others @ toward)[:, None] * toward
    sines = np.linalg.norm(aside, axis=1)
    half_sines = np.linalg.norm(others - toward, axis=1) / 2
    # The triangle with the origin, seen from there.
    start = np.full(len(others), radii[-1])
    _, angles, _ = far_side(start, radii[:-1], sines, half_sines)
    taken = _turn(
        -np.broadcast_to(toward, others.shape), aside / np.maximum(sines, 1e-300)[:, None], angles
    )
    best: Coordinates = candidates[np.argmin((candidates @ taken.T).max(axis=1))]
    return best
