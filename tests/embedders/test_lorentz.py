import numpy as np
import pytest

import graphembed as ge
from graphembed import geometry
from graphembed.embedders.lorentz import LorentzEmbedding
from graphembed.embedders.poincare import PoincareEmbedding
from graphembed.testing import graphs

SETTINGS = {"n_components": 3, "n_negatives": 10, "n_epochs": 60, "learning_rate": 0.2}


@pytest.fixture(scope="module")
def model() -> LorentzEmbedding:
    return LorentzEmbedding(**SETTINGS, random_state=0).fit(graphs.two_cliques())


def test_spatial_coordinates_are_what_is_stored(model: LorentzEmbedding) -> None:
    assert model.embedding_ is model.lorentz_
    assert model.embedding_.shape == (24, 3)
    whole = model.to_hyperboloid()
    np.testing.assert_allclose(whole[:, 0] ** 2 - np.sum(whole[:, 1:] ** 2, axis=1), 1, rtol=1e-7)
    assert model.vectors_.geometry == model.geometry == "lorentz"


def test_the_same_training_as_in_the_ball(model: LorentzEmbedding) -> None:
    ball = PoincareEmbedding(**SETTINGS, random_state=0).fit(graphs.two_cliques())
    np.testing.assert_array_equal(ball.lorentz_, model.lorentz_)
    np.testing.assert_array_equal(ball.embedding_, model.to_ball())


def test_undirected_graphs(model: LorentzEmbedding) -> None:
    near = model.neighbors(["a3", "b3"], k=10).ids
    assert [{str(node)[0] for node in row} for row in near] == [{"a"}, {"b"}]
    away = geometry.distance_matrix(model.lorentz_)
    np.testing.assert_allclose(
        model.vectors_.score_edges([("a3", "b3")])[0],
        -away[tuple(model.node_index_.rows(["a3", "b3"]))],
        rtol=1e-6,
    )


def test_edges_count_by_their_weights() -> None:
    """A node tied to two groups lies nearer to the one it is tied to more strongly."""
    pairs = [(i, j) for group in (range(5), range(5, 10)) for i in group for j in group if i < j]
    pairs += [(10, i) for i in range(10)]
    weights = np.ones(len(pairs))
    weights[-5:] = 20.0
    graph = ge.Graph.from_edges(*zip(*pairs, strict=True), weights=weights)
    model = LorentzEmbedding(**SETTINGS, random_state=0).fit(graph)
    away = geometry.distances(model.lorentz_[10], model.lorentz_[:10])
    assert away[5:].mean() < away[:5].mean()


def test_without_a_seed_it_trains_lock_free() -> None:
    graph = graphs.two_cliques()
    models = [LorentzEmbedding(**SETTINGS).fit(graph) for _ in range(2)]
    assert not np.array_equal(models[0].embedding_, models[1].embedding_)
    for model in models:
        scores = model.vectors_.score_edges([("a1", "a2"), ("a1", "b2")])
        assert scores[0] > scores[1]
    assert models[0].__sklearn_tags__().non_deterministic
    assert not LorentzEmbedding(random_state=0).__sklearn_tags__().non_deterministic
