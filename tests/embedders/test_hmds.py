import networkx as nx
import numpy as np
import pytest

import graphembed as ge
from graphembed import geometry
from graphembed.embedders import hmds
from graphembed.embedders.hmds import HyperbolicMDS
from graphembed.evaluation import distortion
from graphembed.exceptions import GraphError
from graphembed.testing import graphs


def random_points(n: int, d: int, radius: float) -> np.ndarray:
    rng = np.random.default_rng([n, d])
    points = rng.standard_normal((n, d))
    radii = rng.uniform(0, radius, (n, 1))
    return points / np.linalg.norm(points, axis=1, keepdims=True) * np.sinh(radii)


@pytest.mark.parametrize("n_landmarks", [None, 40])
@pytest.mark.parametrize(("n", "d", "radius"), [(60, 2, 3.0), (350, 5, 5.0), (80, 10, 7.0)])
def test_exact_distances_are_recovered(
    n: int, d: int, radius: float, n_landmarks: int | None
) -> None:
    away = geometry.distance_matrix(random_points(n, d, radius))
    model = HyperbolicMDS(d, scale=1.0, metric="precomputed", n_landmarks=n_landmarks).fit(away)
    np.testing.assert_allclose(geometry.distance_matrix(model.lorentz_), away, atol=1e-6)
    np.testing.assert_allclose(-model.vectors_.score_edges([(3, 7)]), away[3, 7], rtol=1e-6)
    # A point that was not fitted finds its place from its distances, too.
    old = np.arange(n - 1)
    model = HyperbolicMDS(d, scale=1.0, metric="precomputed", n_landmarks=n_landmarks,
                          coordinates="lorentz").fit(away[np.ix_(old, old)])  # fmt: skip
    point = model.transform(away[[n - 1]][:, old])
    np.testing.assert_allclose(geometry.distances(point, model.lorentz_), away[n - 1, old],
                               atol=1e-3)  # fmt: skip


def test_fewer_dimensions_do_what_they_can() -> None:
    graph = ge.Graph.from_networkx(nx.balanced_tree(3, 3))
    errors = [distortion(HyperbolicMDS(d).fit(graph), graph).average for d in (2, 10, 39)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[1] < 0.03
    model = HyperbolicMDS(39).fit(graph)
    assert distortion(model, graph).mean_average_precision == 1.0
    # Distances are those of the graph, times the scale.
    assert distortion(model, graph).scale == pytest.approx(model.scale_, rel=0.05)


def test_landmarks_are_enough() -> None:
    graph = ge.datasets.load("les_miserables").graph
    every = distortion(HyperbolicMDS(5, scale=1.0).fit(graph), graph).average
    model = HyperbolicMDS(5, scale=1.0, n_landmarks=25).fit(graph)
    assert distortion(model, graph).average < every + 0.05
    assert len(np.unique(model.landmarks_)) == 25
    assert model.landmark_distances_.shape == (graph.n_nodes, 25)


def test_weights_are_distances_if_asked() -> None:
    graph = ge.Graph.from_edges(["a", "b", "a"], ["b", "c", "c"], [1.0, 2.0, 9.0])
    model = HyperbolicMDS(2, scale=1.0, metric="weights").fit(graph)
    away = geometry.distance_matrix(model.lorentz_)
    np.testing.assert_allclose(away, [[0, 1, 3], [1, 0, 2], [3, 2, 0]], atol=1e-6)
    hops = HyperbolicMDS(2, scale=1.0).fit(graph)
    np.testing.assert_allclose(geometry.distance_matrix(hops.lorentz_), 1 - np.eye(3), atol=1e-6)


def test_new_nodes_are_a_step_beyond_their_neighbors() -> None:
    path = ge.Graph.from_networkx(nx.path_graph(8))
    model = HyperbolicMDS(7, scale=1.0, coordinates="lorentz").fit(path)
    block = np.zeros((2, 8))
    block[0, 7] = 0.5  # a row that no fitted node has
    beyond, alone = model.transform(block)
    np.testing.assert_allclose(geometry.distances(beyond, model.lorentz_), np.arange(8, 0, -1),
                               rtol=0.02)  # fmt: skip
    assert np.isfinite(alone).all()
    np.testing.assert_array_equal(model.transform(path), model.embedding_)


@pytest.mark.parametrize("graph", [graphs.without_edges(), graphs.with_isolated_node()])
def test_unconnected_nodes_are_farther_than_all(graph: ge.Graph) -> None:
    model = HyperbolicMDS(4).fit(graph)
    away = geometry.distance_matrix(model.lorentz_)
    assert away.max() == pytest.approx(away[-1, 0], rel=0.01)
    assert away[-1, 0] > 0


def test_one_node() -> None:
    np.testing.assert_array_equal(HyperbolicMDS(3).fit(graphs.one_node()).embedding_, [[0.0] * 3])


def test_what_is_no_distance_is_refused() -> None:
    fit = HyperbolicMDS(2, metric="precomputed").fit
    with pytest.raises(GraphError, match="symmetric, and 0 on the diagonal"):
        fit([[0.0, 1.0], [2.0, 0.0]])
    with pytest.raises(GraphError, match="symmetric, and 0 on the diagonal"):
        fit([[1.0, 1.0], [1.0, 0.0]])
    with pytest.raises(
        GraphError, match=r"square, dense matrix of distances; got the shape \(2, 3"
    ):
        fit(np.ones((2, 3)))
    with pytest.raises(GraphError, match=r"largest distance 40\.0; .* at most 3\.4"):
        HyperbolicMDS(2, scale=4.0).fit(ge.Graph.from_networkx(nx.path_graph(11)))


def test_both_decompositions_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a few rows all eigenvectors are computed, of many those that are wanted."""
    products = np.cosh(geometry.distance_matrix(random_points(120, 4, 4.0)))
    all_values, all_vectors = hmds.decompose(products, 4)
    monkeypatch.setattr(hmds, "FEW_ROWS", 0)
    values, vectors = hmds.decompose(products, 4)
    np.testing.assert_allclose(values, all_values, rtol=1e-6)
    np.testing.assert_allclose(vectors, all_vectors, atol=1e-5)
