from typing import Any

import numpy as np
import pytest

import graphembed as ge
from graphembed import geometry
from graphembed.base import BaseEmbedder
from graphembed.hyperbolic.points import HyperbolicPoints


class Ring(HyperbolicPoints):
    """Nodes on a ring; new ones at the origin."""

    def __init__(self, coordinates: str = "poincare") -> None:
        self.coordinates = coordinates

    def _place(self, graph: ge.Graph) -> Any:
        angles = 2 * np.pi * np.arange(graph.n_nodes) / graph.n_nodes
        return np.sinh(2.0) * np.column_stack([np.cos(angles), np.sin(angles)])

    def _place_new(self, block: Any) -> Any:
        return np.zeros((block.shape[0], 2))


def test_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        HyperbolicPoints()
    assert issubclass(HyperbolicPoints, BaseEmbedder)


@pytest.mark.parametrize("coordinates", geometry.COORDINATES)
def test_coordinates_are_views_of_the_same_points(coordinates: str) -> None:
    graph = ge.datasets.load("karate").graph
    model = Ring(coordinates).fit(graph)
    np.testing.assert_allclose(geometry.parse(model.embedding_, coordinates), model.lorentz_)
    away = -model.vectors_.score_edges([(graph.nodes[0], graph.nodes[5])])
    np.testing.assert_allclose(away, geometry.distances(*model.lorentz_[[0, 5]]), rtol=1e-6)
    np.testing.assert_allclose(model.norm(), 2.0)
    assert model.neighbors(graph.nodes[3], 2).ids.tolist()[0] in ([[2, 4], [4, 2]])


def test_fitted_rows_are_recognised() -> None:
    graph = ge.Graph.from_edges([0, 1, 2], [1, 2, 3])
    model = Ring().fit(graph)
    block = graph.to_scipy().toarray()[[2, 0]]
    np.testing.assert_array_equal(model.transform(block), model.embedding_[[2, 0]])
    np.testing.assert_array_equal(model.transform([[1, 1, 1, 0], [0, 0, 0, 0]]), np.zeros((2, 2)))
