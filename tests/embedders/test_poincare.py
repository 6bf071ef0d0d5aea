import numpy as np
import pytest

import graphembed as ge
from graphembed import geometry
from graphembed.embedders.poincare import PoincareEmbedding

SETTINGS = {
    "n_components": 4, "temperature": 1.0, "n_negatives": 20, "n_epochs": 60, "learning_rate": 0.2,
}  # fmt: skip


def parent_of(node: str) -> str:
    return node.rpartition(".")[0]


def taxonomy(depth: int = 3) -> ge.Graph:
    """Return the transitive closure of a tree whose nodes have three children: "0.2.1" -> "0"."""
    nodes, level = ["0"], ["0"]
    for _ in range(depth):
        level = [f"{node}.{i}" for node in level for i in range(3)]
        nodes += level
    pairs = []
    for node in nodes:
        up = node
        while up := parent_of(up):
            pairs.append((node, up))
    return ge.Graph.from_edges(*zip(*pairs, strict=True), directed=True)


@pytest.fixture(scope="module")
def model() -> PoincareEmbedding:
    return PoincareEmbedding(**SETTINGS, random_state=0).fit(taxonomy())


def test_points_of_the_ball(model: PoincareEmbedding) -> None:
    assert model.embedding_.shape == (40, 4)
    assert model.embedding_.dtype == np.float64
    assert np.linalg.norm(model.embedding_, axis=1).max() < 1
    np.testing.assert_array_equal(model.embedding_, geometry.to_ball(model.lorentz_))
    assert model.scale_ == 1
    assert len(model.loss_curve_) == 60
    assert model.loss_curve_[-1] < model.loss_curve_[0] / 2


def test_depth_is_learned(model: PoincareEmbedding) -> None:
    depths = np.array([node.count(".") for node in model.nodes_])
    means = [model.norm()[depths == depth].mean() for depth in range(4)]
    assert means == sorted(means)
    assert model.nodes_[np.argmin(model.norm())] == "0"


def test_the_hierarchy_is_read_off(model: PoincareEmbedding) -> None:
    inner = [node for node in model.nodes_ if node != "0"]
    right = [model.parents(node).tolist() == [parent_of(node)] for node in inner]
    assert np.mean(right) > 0.8
    assert model.ancestors("0.1.2.0").tolist()[-1] == "0"
    assert all(child.startswith("0.1.2.") for child in model.children("0.1.2", k=3))
    up = model.is_a_score(inner, [parent_of(node) for node in inner])
    down = model.is_a_score([parent_of(node) for node in inner], inner)
    assert np.mean(up > down) > 0.9


def test_vectors(model: PoincareEmbedding) -> None:
    vectors = model.vectors_
    assert vectors.geometry == model.geometry == "poincare"
    assert vectors.matrix is not model.embedding_
    assert np.shares_memory(vectors.matrix, model.embedding_)
    found, expected = vectors.neighbors(["0.1"], k=5), model.neighbors(["0.1"], k=5)
    assert found.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)


def test_coordinates_are_views_of_one_training(model: PoincareEmbedding) -> None:
    for coordinates in ("lorentz", "tangent"):
        other = PoincareEmbedding(**SETTINGS, coordinates=coordinates, random_state=0)
        rows = other.fit_transform(taxonomy())
        np.testing.assert_array_equal(other.lorentz_, model.lorentz_)
        np.testing.assert_array_equal(rows, geometry.export(model.lorentz_, coordinates))
        assert other.vectors_.geometry == "lorentz"
        np.testing.assert_array_equal(other.vectors_.matrix, model.lorentz_)
        np.testing.assert_array_equal(other.transform(taxonomy()), rows)


def test_new_node_below_its_parents(model: PoincareEmbedding) -> None:
    """Placed from its edges alone, it is nearer to its kin than to the rest, and farther out."""
    pairs = [("new", up) for up in ("0.1.2", "0.1", "0")]
    grown = ge.Graph.from_edges(*zip(*pairs, strict=True), directed=True)
    place = geometry.from_ball(model.transform(grown)[list(grown.nodes).index("new")])
    away = dict(zip(model.nodes_, geometry.distances(place, model.lorentz_), strict=True))
    kin = [node for node in model.nodes_ if node.startswith("0.1.2")]
    assert max(away[node] for node in kin) < min(
        away[node] for node in away if node.startswith(("0.0.", "0.2."))
    )
    assert geometry.radius(place) > model.norm("0.1.2")


@pytest.mark.parametrize("loss", ["fermi_dirac", "triplet", "distortion"])
def test_losses(loss: str) -> None:
    graph = taxonomy(2)
    model = PoincareEmbedding(**SETTINGS, loss=loss, random_state=0).fit(graph)
    assert np.isfinite(model.embedding_).all()
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert np.isfinite(model.transform(np.ones((1, graph.n_nodes)))).all()


def test_refuses() -> None:
    graph = taxonomy(1)
    for wrong in ({"coordinates": "klein"}, {"loss": "hinge"}, {"learning_rate": 0.0},
                  {"n_epochs": 0}, {"burn_in": -1}, {"init": "zeros"}):  # fmt: skip
        with pytest.raises(ValueError, match=next(iter(wrong))):
            PoincareEmbedding(**wrong).fit(graph)
    with pytest.raises(ValueError, match="shorter than 1"):
        PoincareEmbedding(2, init=np.ones((graph.n_nodes, 2))).fit(graph)
    with pytest.raises(ValueError, match="shape"):
        PoincareEmbedding(2, init=np.zeros((graph.n_nodes, 3))).fit(graph)
