"""Trainers by what they must bring about: hierarchies, distances, the same bits."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse.csgraph import shortest_path

import graphembed as ge
from graphembed.exceptions import GraphError
from graphembed.geometry.lorentz import distance_matrix, radius
from graphembed.hyperbolic import trainer as hyperbolic
from graphembed.hyperbolic.start import initial_coordinates
from graphembed.hyperbolic.trainer import HyperbolicSettings, HyperbolicTrainer
from graphembed.testing import graphs

QUICK = HyperbolicSettings(n_epochs=3, burn_in=1, n_negatives=4)


def fit(graph: ge.Graph, settings: HyperbolicSettings, d: int = 5, **options: Any) -> Any:
    """Train from a uniform start; return the trainer."""
    options = {"seed": 0, "n_jobs": 2} | options
    start = initial_coordinates(graph, d, "uniform", 3)
    trainer = HyperbolicTrainer(settings, graph, start, **options)
    trainer.train()
    return trainer


@pytest.mark.parametrize("seed", [0, None])
def test_a_hierarchy_is_recovered_and_deeper_nodes_are_farther_out(seed: int | None) -> None:
    graph = graphs.tree_closure(120)
    trainer = fit(graph, HyperbolicSettings(n_epochs=150, n_negatives=20), seed=seed)
    distances = distance_matrix(trainer.coordinates, trainer.coordinates)
    np.fill_diagonal(distances, np.inf)
    for node in range(1, 120):
        ancestors = graph.indices[graph.indptr[node] : graph.indptr[node + 1]]
        nearest = np.argsort(distances[node])[: len(ancestors) + 2]
        assert np.isin(ancestors, nearest).mean() >= 0.5
    radii = radius(trainer.coordinates)
    assert radii[0] < radii[1:4].mean() < radii[40:].mean()
    assert trainer.losses[-1] < 0.1 * trainer.losses[0]


@pytest.mark.parametrize(
    ("loss", "n_nodes"),
    [("softmax", 200), ("distortion", 200), ("softmax", hyperbolic.MIN_NODES + 100)],
)
def test_bits_do_not_depend_on_threads(loss: str, n_nodes: int) -> None:
    graph = graphs.tree_closure(n_nodes, n_children=30)
    first, *others = (
        fit(graph, replace(QUICK, loss=loss), n_jobs=n_jobs).coordinates for n_jobs in (1, 2, 4)
    )
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("loss", hyperbolic.LOSSES)
@pytest.mark.parametrize("manifold", hyperbolic.MANIFOLDS)
def test_every_loss_falls(loss: str, manifold: str) -> None:
    settings = HyperbolicSettings(
        loss=loss, manifold=manifold, n_epochs=30, burn_in=2, n_negatives=10, adagrad=0.01
    )
    trainer = fit(ge.datasets.load("karate").graph, settings)
    assert trainer.losses[-1] < 0.9 * trainer.losses[0]
    assert np.isfinite(trainer.coordinates).all()


def test_distances_are_hops_times_the_scale() -> None:
    nodes = np.arange(2, 61)
    graph = ge.Graph.from_edges(nodes // 2, nodes)
    settings = HyperbolicSettings(loss="distortion", n_epochs=60)
    start = initial_coordinates(graph, 5, "tree", 0)
    trainer = HyperbolicTrainer(settings, graph, start, seed=0)
    trainer.train()
    hops = shortest_path(graph.to_scipy(), unweighted=True)
    ratios = distance_matrix(trainer.coordinates, trainer.coordinates)[hops > 0] / hops[hops > 0]
    assert np.abs(ratios / trainer.scale - 1).mean() < 0.1


def test_edges_are_trained_in_proportion_to_their_weights() -> None:
    graph = ge.Graph.from_edges([0, 0, 0], [1, 2, 3], [6.0, 2.0, 1e-6], directed=True)
    run = hyperbolic._EdgeRun(HyperbolicTrainer(QUICK, graph, np.zeros((4, 2)), seed=0, n_jobs=1))
    counts = sum(np.bincount(run._order(epoch), minlength=3) for epoch in range(200))
    np.testing.assert_allclose(counts, [450, 150, 0], atol=60)


@pytest.mark.parametrize("n", [2, 4, 8, 32])
def test_a_tournament_has_each_pair_once_in_disjoint_rounds(n: int) -> None:
    rounds = list(hyperbolic._tournament(n))
    for pairs in rounds:
        nodes = [node for pair in pairs for node in set(pair)]
        assert len(nodes) == len(set(nodes)) == n
    met = {tuple(sorted(pair)) for pairs in rounds for pair in pairs}
    assert len(met) == sum(map(len, rounds)) == n * (n + 1) // 2


def test_an_interrupt_leaves_what_was_learned() -> None:
    graph = graphs.tree_closure(50)

    def stop(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    trainer = HyperbolicTrainer(
        HyperbolicSettings(), graph, initial_coordinates(graph, 2, "uniform", 0), seed=0
    )
    with pytest.raises(KeyboardInterrupt):
        trainer.train(stop)
    assert len(trainer.losses) == 2


def test_odd_graphs_train() -> None:
    empty = ge.Graph.from_edges([], [], nodes=range(3))
    loops = ge.Graph.from_edges([0, 1], [0, 1], nodes=range(3))
    for graph in (empty, loops):
        for loss in hyperbolic.LOSSES:
            assert fit(graph, replace(QUICK, loss=loss)).losses == [0.0] * 3


def test_negative_weights_are_refused() -> None:
    graph = ge.Graph.from_edges([0, 1], [1, 2], [1.0, -1.0])
    with pytest.raises(GraphError, match="non-negative edge weights; the smallest is -1"):
        HyperbolicTrainer(QUICK, graph, np.zeros((3, 2)), seed=0)
