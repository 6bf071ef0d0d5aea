"""What a fitted network does, whatever it was trained for."""

import copy

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

import graphembed as ge

KARATE = ge.datasets.load("karate").graph
LABELS = np.arange(34) % 2


SEVERAL = np.column_stack([LABELS, 1 - LABELS, np.arange(34) % 3 == 0])


def fitted(y: np.ndarray = LABELS, **params: object) -> ge.GraphSAGE:
    options = {"n_components": 4, "hidden": 4, "n_epochs": 2, "random_state": 0, **params}
    return ge.GraphSAGE(**options).fit(KARATE, y)


def test_nothing_that_can_be_made_again_is_copied() -> None:
    model = fitted()
    model.transform(np.ones((1, 34)))
    twin = copy.deepcopy(model)
    assert not {"_made", "_fitted_graph", "_vectors"} & set(vars(twin))
    np.testing.assert_array_equal(twin.transform(KARATE), model.embedding_)
    np.testing.assert_array_equal(
        twin.transform(np.ones((1, 34))), model.transform(np.ones((1, 34)))
    )


def test_parameters_that_are_set_later_change_nothing_that_was_learned() -> None:
    model = fitted(objective="supervised")
    before = model.predict_proba(KARATE)
    model.set_params(direction="in", n_components=9, conv="gcn", features="graph", n_jobs=1)
    np.testing.assert_array_equal(model.predict_proba(KARATE), before)


@pytest.mark.parametrize("conv", ["sage", "gcn", "gat", "gin"])
@pytest.mark.parametrize("y", [LABELS, SEVERAL])
def test_rows_of_known_nodes_are_told_as_in_the_graph(y: np.ndarray, conv: str) -> None:
    model = fitted(y, objective="supervised", conv=conv, n_layers=3)
    rows = np.array([33, 5, 0, 5])
    block = KARATE.to_scipy()[rows]
    np.testing.assert_array_equal(model.predict_proba(block), model.predict_proba(KARATE)[rows])
    np.testing.assert_array_equal(model.predict(block), model.predict(KARATE)[rows])
    np.testing.assert_array_equal(model.transform(block), model.embedding_[rows])
    everyone = KARATE.to_scipy().toarray()
    np.testing.assert_array_equal(model.predict(everyone), model.predict(KARATE))
    assert model.score(everyone, y) == model.score(KARATE, y)


@pytest.mark.parametrize("n_layers", [2, 3])
def test_vectors_are_what_comes_before_the_classes(n_layers: int) -> None:
    """In columns, and in hops: the last layer hears one more."""
    model = fitted(objective="supervised", n_layers=n_layers, n_components=5, hidden=7)
    assert model.embedding_.shape == model.transform(KARATE).shape == (34, 5)
    assert (model.embedding_ >= 0).all(), "as the last layer reads them"
    assert model.predict_proba(KARATE).shape == (34, 2)
    assert len(model._network["encoder"].layers) == n_layers - 1


@pytest.mark.parametrize("conv", ["sage", "gcn", "gat", "gin"])
@pytest.mark.parametrize("y", [LABELS, SEVERAL])
def test_to_torch_of_a_supervised_model_scores_classes(y: np.ndarray, conv: str) -> None:
    model = fitted(y, objective="supervised", conv=conv, n_layers=3)
    features = torch.from_numpy(model.encoded_features(KARATE))
    edge_index = KARATE.to_torch_geometric().edge_index
    with torch.no_grad():
        scores = model.to_torch()(features, edge_index)
    np.testing.assert_allclose(scores.numpy(), model._class_scores(KARATE), rtol=1e-3, atol=1e-4)
    told = torch.sigmoid(scores) if y.ndim == 2 else torch.softmax(scores, dim=1)
    np.testing.assert_allclose(told.numpy(), model.predict_proba(KARATE), atol=1e-4)


def test_a_new_node_is_told_as_in_a_graph_that_has_it() -> None:
    """With directed edges nobody's row but its own depends on whether it is there."""
    ring = np.arange(20)
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((20, 6)).astype(np.float32), ring % 2
    graph = ge.Graph.from_edges(ring, (ring + 1) % 20, directed=True, features=X)
    model = ge.GraphSAGE(
        4, hidden=4, objective="supervised", direction="out", scaling=None, n_epochs=2,
        random_state=0,
    ).fit(graph, labels)  # fmt: skip
    block = np.zeros((1, 20), dtype=np.float32)
    block[0, [3, 11]] = 1
    grown = ge.Graph.from_edges(
        [*ring, 20, 20], [*(ring + 1) % 20, 3, 11], nodes=range(21), directed=True,
        features=np.vstack([X, X[[3, 11]].mean(axis=0)]),
    )  # fmt: skip
    np.testing.assert_allclose(
        model.predict_proba(block)[0], model.predict_proba(grown)[20], atol=1e-5
    )
    np.testing.assert_allclose(model.transform(block)[0], model.transform(grown)[20], atol=1e-5)


def test_labels_of_another_form_are_refused() -> None:
    one, several = (fitted(y, objective="supervised") for y in (LABELS, SEVERAL))
    with pytest.raises(ValueError, match="fit has one label for each node, and these have any"):
        one.score(KARATE, SEVERAL[:, :2])
    with pytest.raises(
        ValueError, match="fit has any number of labels for each, and these have one"
    ):
        several.score(KARATE, LABELS)


def test_unfitted() -> None:
    model = ge.GraphSAGE(objective="supervised")
    for call in (model.transform, model.predict, model.predict_proba, model.encoded_features):
        with pytest.raises(NotFittedError):
            call(KARATE)
    with pytest.raises(NotFittedError):
        model.to_torch()


def test_labels_are_optional_where_they_are_not_learned() -> None:
    tags = ge.GraphSAGE().__sklearn_tags__()
    assert not tags.target_tags.required
    assert ge.GraphSAGE(objective="supervised").__sklearn_tags__().target_tags.required


def test_blocks_have_one_column_for_each_fitted_node() -> None:
    with pytest.raises(ValueError, match="34"):
        fitted().transform(np.ones((2, 33)))


def test_negative_weights_are_refused() -> None:
    bad = ge.Graph.from_edges([0, 1], [1, 2], [1.0, -1.0])
    with pytest.raises(ValueError, match="non-negative"):
        fitted().transform(bad)
