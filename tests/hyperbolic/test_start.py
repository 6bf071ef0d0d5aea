"""Where hyperbolic training starts, and how its learning rate is found."""

from dataclasses import replace

import numpy as np
import pytest

import graphembed as ge
from graphembed.geometry.lorentz import radius
from graphembed.hyperbolic import start as hyperbolic_start
from graphembed.hyperbolic.start import initial_coordinates, probe_learning_rate
from graphembed.hyperbolic.trainer import HyperbolicSettings
from graphembed.testing import graphs

QUICK = HyperbolicSettings(n_epochs=3, burn_in=1, n_negatives=4)


@pytest.mark.parametrize("init", hyperbolic_start.INITS)
@pytest.mark.parametrize("d", [1, 3])
def test_starts(init: str, d: int) -> None:
    graph = ge.datasets.load("karate").graph
    first, second = (initial_coordinates(graph, d, init, 5, QUICK) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (34, d)
    assert radius(first).max() < 6.1
    assert len(np.unique(first, axis=0)) == 34


def test_auto_is_a_tree_for_hierarchies_and_for_distances() -> None:
    karate, tree = ge.datasets.load("karate").graph, graphs.tree_closure(40)
    cycle = ge.Graph.from_edges([0, 1, 2], [1, 2, 0], directed=True)
    distances = replace(QUICK, loss="distortion")
    for graph, settings, init in [
        (tree, QUICK, "tree"), (karate, QUICK, "uniform"), (cycle, QUICK, "uniform"),
        (karate, distances, "tree"),
    ]:  # fmt: skip
        found, expected = (
            initial_coordinates(graph, 3, name, 0, settings) for name in ("auto", init)
        )
        np.testing.assert_array_equal(found, expected)


def test_an_array_is_a_start() -> None:
    graph = ge.datasets.load("karate").graph
    np.testing.assert_array_equal(initial_coordinates(graph, 2, np.ones((34, 2)), 0), 1.0)
    with pytest.raises(ValueError, match=r"finite numbers of shape \(34, 2\); got .* \(34, 3\)"):
        initial_coordinates(graph, 2, np.ones((34, 3)), 0)
    with pytest.raises(ValueError, match="Unknown init 'spectral'"):
        initial_coordinates(graph, 2, "spectral", 0)


def test_a_probe_finds_the_same_rate_at_every_thread_count() -> None:
    graph = graphs.tree_closure(700, n_children=3)
    start = initial_coordinates(graph, 3, "uniform", 0)
    rates = {probe_learning_rate(QUICK, graph, start, seed=1, n_jobs=n_jobs) for n_jobs in (1, 2)}
    assert len(rates) == 1
    assert rates <= set(hyperbolic_start.RATES)
