from math import log

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphembed as ge
from graphembed import geometry
from graphembed.hyperbolic.spanning_tree import SpanningTree, spanning_tree
from graphembed.hyperbolic.tree_layout import (
    far_side,
    fitting_scale,
    free_direction,
    leave,
    needed_scale,
    reachable_radius,
    required_bits,
    tree_coordinates,
)
from graphembed.testing import graphs


def random_tree(n_nodes: int, seed: int) -> SpanningTree:
    rng = np.random.default_rng(seed)
    parents = np.array([-1, *(int(rng.integers(node)) for node in range(1, n_nodes))])
    return SpanningTree(parents, (parents >= 0).astype(np.float64))


@given(st.integers(2, 30), st.integers(0, 10**6), st.sampled_from([2, 3, 6]))
@settings(max_examples=40, deadline=None)
def test_at_the_needed_scale_neighbors_are_nearest(n_nodes: int, seed: int, d: int) -> None:
    tree = random_tree(n_nodes, seed)
    scale = needed_scale(tree, d) + 1e-6
    if scale > fitting_scale(tree, d, reachable_radius()):
        return  # float64 ends before
    away = geometry.distance_matrix(tree_coordinates(tree, d, scale=scale))
    below = np.flatnonzero(tree.parents >= 0)
    linked = np.eye(n_nodes, dtype=bool)
    linked[below, tree.parents[below]] = linked[tree.parents[below], below] = True
    np.testing.assert_allclose(away[below, tree.parents[below]], scale, rtol=1e-5)
    assert away[~linked].min(initial=np.inf) > scale


@pytest.mark.parametrize("d", [2, 5])
def test_distances_to_parents_are_exact_far_out(d: int) -> None:
    tree = random_tree(300, 0)
    scale = fitting_scale(tree, d, 25.0)
    points = tree_coordinates(tree, d, scale=scale)
    assert geometry.radius(points).max() == pytest.approx(25.0, rel=2e-3)
    below = np.flatnonzero(tree.parents >= 0)
    away = geometry.distances(points[below], points[tree.parents[below]])
    np.testing.assert_allclose(away, scale, atol=1e-6)


@pytest.mark.parametrize("radius", [0.0, 1e-3, 2.0, 25.0, 300.0])
@pytest.mark.parametrize("length", [0.5, 12.0])
@pytest.mark.parametrize("angle", [1e-9, 0.3, 2.0, 3.141])
def test_triangles(radius: float, length: float, angle: float) -> None:
    with mpmath.workdps(400):
        r, t, gamma = map(mpmath.mpf, (radius, length, angle))
        cosh = mpmath.cosh(r) * mpmath.cosh(t) - mpmath.sinh(r) * mpmath.sinh(t) * mpmath.cos(gamma)
        side = mpmath.acosh(cosh)
        at_origin = mpmath.atan2(
            mpmath.sinh(t) * mpmath.sin(gamma),
            mpmath.sinh(r) * mpmath.cosh(t) - mpmath.cosh(r) * mpmath.sinh(t) * mpmath.cos(gamma),
        )
        at_child = mpmath.atan2(
            mpmath.sinh(r) * mpmath.sin(gamma),
            mpmath.sinh(t) * mpmath.cosh(r) - mpmath.cosh(t) * mpmath.sinh(r) * mpmath.cos(gamma),
        )
        given_ = [radius, length, mpmath.sin(gamma), mpmath.sin(gamma / 2)]
        expected = [float(side), float(at_origin), float(at_child)]
    found = far_side(*(np.array([float(value)]) for value in given_))
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-8)


def test_a_line_is_left_and_found_again() -> None:
    """Both ends see each other in the directions that `leave` says, at the distance."""
    rng = np.random.default_rng(1)
    units, directions = (
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for vectors in rng.standard_normal((2, 20, 4))
    )
    radii, lengths = rng.uniform(0, 8, 20), rng.uniform(0.1, 5, 20)
    far_radii, far_units, back = leave(radii, units, directions, lengths)
    start, end = np.sinh(radii)[:, None] * units, np.sinh(far_radii)[:, None] * far_units
    np.testing.assert_allclose(geometry.distances(start, end), lengths, rtol=1e-8)
    again_radii, again_units, _ = leave(far_radii, far_units, back, lengths)
    np.testing.assert_allclose(np.sinh(again_radii)[:, None] * again_units, start, rtol=1e-6,
                               atol=1e-6)  # fmt: skip


def test_free_direction_keeps_away() -> None:
    """Of a star with three arms in the plane, a fourth goes between two of them."""
    star = spanning_tree(ge.Graph.from_edges([0, 0, 0], [1, 2, 3]))
    points = tree_coordinates(star, 2, scale=3.0)[[1, 2, 3, 0]]
    radii = geometry.radius(points)
    units = points / np.where(radii > 0, np.sinh(radii), 1.0)[:, None]
    units[-1] = [1.0, 0.0]
    direction = free_direction(radii, units)
    # At the origin directions are those of the plane itself.
    assert (units[:-1] @ direction).max() < 0.6
    np.testing.assert_array_equal(free_direction(radii[-1:], units[-1:]), units[-1])


def test_lengths_of_edges_are_kept() -> None:
    tree = SpanningTree(np.array([-1, 0, 1, 1]), np.array([0.0, 1.0, 0.5, 3.0]))
    points = tree_coordinates(tree, 3, scale=2.0)
    away = geometry.distances(points[1:], points[[0, 1, 1]])
    np.testing.assert_allclose(away, [2.0, 1.0, 6.0])


def test_the_largest_radius_and_its_bits() -> None:
    assert (
        required_bits(reachable_radius()) <= 53 < required_bits(reachable_radius() + log(2) + 0.1)
    )
    graph = ge.datasets.load("karate").graph
    points = tree_coordinates(graph, 4)
    assert geometry.radius(points).max() == pytest.approx(6.0, rel=2e-3)


def test_components_lie_around_the_origin() -> None:
    points = tree_coordinates(graphs.with_isolated_node(), 2, scale=1.0)
    roots = spanning_tree(graphs.with_isolated_node()).roots
    np.testing.assert_allclose(geometry.radius(points)[roots], 1.0)
    np.testing.assert_allclose(geometry.distances(*points[roots]), 2.0)
    assert np.isfinite(tree_coordinates(graphs.without_edges(), 2)).all()
    np.testing.assert_array_equal(tree_coordinates(graphs.one_node(), 3), np.zeros((1, 3)))
