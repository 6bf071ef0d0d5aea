import mpmath
import numpy as np
import pytest

from graphembed.exceptions import GraphError
from graphembed.hyperbolic.exact_plane import LARGEST_RADIUS, ExactPlane, exact_plane
from graphembed.hyperbolic.spanning_tree import SpanningTree


def small_tree() -> SpanningTree:
    # The root has two children; one of them has three, the last of which goes on for two nodes.
    parents = np.array([-1, 0, 0, 1, 1, 1, 5, 6])
    return SpanningTree(parents, (parents >= 0).astype(np.float64))


def by_isometries(tree: SpanningTree, scale: float) -> np.ndarray:
    """Distances of the same construction in the disk, by moving each node to the origin."""
    with mpmath.workdps(200):
        step = mpmath.tanh(mpmath.mpf(scale) / 2)
        points = [mpmath.mpc(0)] * len(tree.parents)
        children = [np.flatnonzero(tree.parents == row) for row in range(len(points))]
        for level in tree.levels:
            for row in level:
                here, above = points[row], tree.parents[row]
                back, count, first = mpmath.mpf(0), len(children[row]), 0
                if above >= 0:
                    there = points[above]
                    back = mpmath.arg((there - here) / (1 - mpmath.conj(here) * there))
                    count, first = count + 1, 1
                for number, child in enumerate(children[row], first):
                    moved = step * mpmath.expj(back + 2 * mpmath.pi * number / count)
                    points[child] = (moved + here) / (1 + mpmath.conj(here) * moved)
        return np.array([
            [float(2 * mpmath.atanh(abs((u - v) / (1 - mpmath.conj(u) * v)))) for u in points]
            for v in points
        ])  # fmt: skip


@pytest.mark.parametrize("scale", [0.7, 12.0, 40.0])
def test_distances_are_those_of_mpmath(scale: float) -> None:
    plane = exact_plane(small_tree(), scale)
    found = np.array([plane.distances(row) for row in range(len(plane.radii))])
    np.testing.assert_allclose(found, by_isometries(small_tree(), scale), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 0.0)


def test_many_digits_cancel() -> None:
    """Two angles a hair apart, on either side of the full turn."""
    full = 2**32 - 1
    turns = np.array([[0, 0, 1], [full, full, full]], dtype=np.uint32)
    found = ExactPlane(np.array([80.0, 80.0]), turns).distances(0)[1]
    with mpmath.workdps(60):
        half = mpmath.sin(mpmath.pi * 2 / mpmath.mpf(2) ** 96)
        expected = float(2 * mpmath.asinh(mpmath.sinh(80) * half))
    assert found == pytest.approx(expected, rel=1e-12)


def test_deep_trees_keep_their_edges() -> None:
    parents = np.arange(-1, 59)
    tree = SpanningTree(parents, (parents >= 0).astype(np.float64))
    plane = exact_plane(tree, 11.0)
    np.testing.assert_allclose(np.diag(np.array([plane.distances(row) for row in range(60)]), 1),
                               11.0)  # fmt: skip
    assert plane.radii[-1] == pytest.approx(649.0)
    with pytest.raises(GraphError, match=f"ends at {LARGEST_RADIUS:.0f}.*at most 11"):
        exact_plane(tree, 12.0)


def test_components_lie_around_the_origin() -> None:
    tree = SpanningTree(np.array([-1, -1, 1, -1]), np.array([0.0, 0.0, 1.0, 0.0]))
    plane = exact_plane(tree, 2.0)
    np.testing.assert_allclose(plane.radii, [2.0, 2.0, 4.0, 2.0])
    np.testing.assert_allclose(plane.angles(), 2 * np.pi * np.array([0, 1, 1, 2]) / 3)
