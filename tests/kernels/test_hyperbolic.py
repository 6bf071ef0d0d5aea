"""Distances and gradients against mpmath, training steps against their twin."""

from math import sinh
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphembed as ge
from graphembed.kernels import hyperbolic
from graphembed.testing import hyperbolic as twin
from graphembed.training.tiles import alias_table

MANIFOLDS, LOSSES = ("lorentz", "euclidean"), ("softmax", "fermi_dirac", "triplet")
UNIFORM = np.empty(0, dtype=np.uint64)
LARGEST = sinh(15.0)


def toy_graph() -> ge.Graph:
    """A tree with a self-loop and a node that is every other's parent."""
    sources = [1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 9]
    targets = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 9]
    return ge.Graph.from_edges(sources, targets, nodes=range(20), directed=True)


def train(points: Any, sums: Any, graph: ge.Graph, **options: Any) -> float:
    """Run the kernel on all edges of a graph, in order."""
    filters = np.zeros(graph.n_nodes, dtype=np.uint64)
    hyperbolic.fill_filters(graph.indptr, graph.indices, filters, 0, graph.n_nodes)
    sources, targets = np.ascontiguousarray(graph.edges().T)
    return hyperbolic.train_edges(
        points, sums, sources, targets, 0, len(sources), graph.indptr, graph.indices, filters,
        np.arange(graph.n_nodes, dtype=np.int32), UNIFORM, 0, graph.n_nodes,
        options["n_negatives"], MANIFOLDS.index(options["manifold"]), LOSSES.index(options["loss"]),
        options["margin"], options["temperature"], options["rate"], options["adagrad"],
        options["largest_norm"], np.uint64(options["key"]),
    )  # fmt: skip


@pytest.mark.parametrize("manifold", MANIFOLDS)
@pytest.mark.parametrize(
    ("loss", "temperature"),
    [("softmax", 1.0), ("softmax", 0.25), ("softmax", 0.3), ("fermi_dirac", 0.7), ("triplet", 1.0)],
)
def test_training_is_that_of_its_twin(manifold: str, loss: str, temperature: float) -> None:
    graph = toy_graph()
    start = twin.points_at(1.5, 20, 3)
    options: dict[str, Any] = {
        "manifold": manifold, "loss": loss, "margin": 0.8, "temperature": temperature,
        "n_negatives": 3, "rate": 0.1, "adagrad": 0.5, "largest_norm": LARGEST, "key": 7,
    }  # fmt: skip
    points, sums = start.copy(), np.ones(20)
    expected, expected_sums = start.copy(), np.ones(20)
    loss_sum = train(points, sums, graph, **options)
    assert loss_sum == pytest.approx(
        twin.train_edges(expected, expected_sums, graph.edges(), graph, **options), rel=1e-6
    )
    np.testing.assert_allclose(points, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sums, expected_sums, rtol=1e-6)
    assert not np.allclose(points, start)


@settings(max_examples=40, deadline=None)
@given(
    radius=st.floats(0.0, 15.0),
    rate=st.floats(1e-3, 1e3),
    loss=st.sampled_from(LOSSES),
    temperature=st.sampled_from([1e-3, 0.25, 1.0, 10.0]),
    seed=st.integers(0, 2**32),
)
def test_no_step_leaves_the_manifold(
    radius: float, rate: float, loss: str, temperature: float, seed: int
) -> None:
    graph = toy_graph()
    points = twin.points_at(radius, 20, 3, seed)
    points[3:6] = points[0]  # coincide
    total = train(
        points, np.ones(20), graph, manifold="lorentz", loss=loss, margin=1.0,
        temperature=temperature, n_negatives=5, rate=rate, adagrad=0.0, largest_norm=LARGEST,
        key=seed,
    )  # fmt: skip
    assert np.isfinite(points).all()
    assert np.isfinite(total)
    assert np.linalg.norm(points, axis=1).max() <= LARGEST * (1 + 1e-12)


def test_coincident_points_come_apart() -> None:
    points = np.zeros((20, 2))
    train(
        points, np.ones(20), toy_graph(), manifold="lorentz", loss="softmax", margin=1.0,
        temperature=1.0, n_negatives=5, rate=0.1, adagrad=0.0, largest_norm=LARGEST, key=1,
    )  # fmt: skip
    assert len(np.unique(points[:10], axis=0)) == 10


@pytest.mark.parametrize("weighted", [False, True])
def test_negatives_are_no_positives(weighted: bool) -> None:
    graph = toy_graph()
    filters = np.zeros(20, dtype=np.uint64)
    hyperbolic.fill_filters(graph.indptr, graph.indices, filters, 0, 20)
    table = UNIFORM
    if weighted:
        table = alias_table([0, 20], np.arange(20, dtype=np.float32))
    nodes = np.zeros(41, dtype=np.int32)
    seen: set[int] = set()
    candidates = np.arange(20, dtype=np.int32)
    for key in range(50):
        m = hyperbolic.draw_negatives(
            3, graph.indptr, graph.indices, filters, candidates, table, 0, 20,
            np.uint64(key), 40, nodes,
        )  # fmt: skip
        assert m == 18  # as many as there are
        seen |= set(nodes[1:m].tolist())
    assert seen == set(range(2, 20)) - {3}
