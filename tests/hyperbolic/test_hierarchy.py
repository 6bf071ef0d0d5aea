import numpy as np
import pytest

from graphembed import geometry
from graphembed.exceptions import UnknownNodeError
from graphembed.graph.ids import NodeIndex
from graphembed.hyperbolic.hierarchy import HierarchyQueries

# Polar coordinates of a small taxonomy: each name at a depth, in a direction.
PLACES = {
    "thing": (0.1, 0.0), "animal": (2.0, 0.3), "dog": (4.0, 0.4), "poodle": (6.0, 0.41),
    "beagle": (6.1, 0.39), "cat": (4.1, 0.2), "plant": (2.1, 3.0), "rose": (4.0, 3.1),
}  # fmt: skip


class Taxonomy(HierarchyQueries):
    def __init__(self, places: dict[str, tuple[float, float]]) -> None:
        polar = np.array(list(places.values()))
        angles = np.column_stack([np.cos(polar[:, 1]), np.sin(polar[:, 1])])
        self.lorentz_ = np.sinh(polar[:, :1]) * angles
        self.node_index_ = NodeIndex.from_ids(list(places))


@pytest.fixture
def model() -> Taxonomy:
    return Taxonomy(PLACES)


def test_norm_is_depth(model: Taxonomy) -> None:
    np.testing.assert_allclose(model.norm(), [depth for depth, _ in PLACES.values()])
    np.testing.assert_allclose(model.norm(["rose", "thing"]), [4.0, 0.1])
    assert model.norm("dog") == pytest.approx(4.0)
    assert isinstance(model.norm("dog"), float)


def test_up_and_down(model: Taxonomy) -> None:
    assert model.parents("poodle").tolist() == ["dog"]
    assert model.parents("poodle", k=3).tolist() == ["dog", "animal", "cat"]
    assert model.parents("thing").tolist() == []
    assert model.ancestors("poodle").tolist() == ["dog", "animal", "thing"]
    assert model.ancestors("poodle", k=2).tolist() == ["dog", "animal"]
    assert model.children("dog", k=2).tolist() == ["poodle", "beagle"]
    assert set(model.children("thing", k=2)) == {"animal", "plant"}
    assert model.children("beagle").tolist() == []
    assert len(model.children("thing", k=99)) == 7


def test_ties_by_row_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    places = {f"n{i}": (1 + rng.random(), rng.random() * 6) for i in range(50)}
    places |= {f"twin{i}": (3.0, 1.0) for i in range(9)}
    model = Taxonomy(places)
    near = Taxonomy({"x": (2.9, 1.0), **{f"twin{i}": (3.0, 1.0) for i in range(9)}})
    assert near.children("x", k=3).tolist() == ["twin0", "twin1", "twin2"]
    whole = model.children("n7", k=20).tolist()
    monkeypatch.setattr("graphembed.hyperbolic.hierarchy._BLOCK", 7)
    assert model.children("n7", k=20, n_jobs=3).tolist() == whole
    away = geometry.distances(model.lorentz_[7], model.lorentz_)
    away[geometry.radius(model.lorentz_) <= model.norm("n7")] = np.inf
    assert whole == model.node_index_.take(np.argsort(away, kind="stable")[:20]).tolist()


def test_is_a_score(model: Taxonomy) -> None:
    up, down = model.is_a_score(["dog", "animal"], ["animal", "dog"])
    assert up > down
    assert model.is_a_score("dog", "animal") == up
    p = {node: np.linalg.norm(row) for node, row in zip(PLACES, model.to_ball(), strict=True)}
    apart = geometry.distances(model.lorentz_[2], model.lorentz_[1])
    assert up == pytest.approx(-(1 + 1000 * (p["animal"] - p["dog"])) * apart)
    assert model.is_a_score("dog", ["animal", "rose"], alpha=0.0).shape == (2,)
    np.testing.assert_allclose(model.is_a_score("dog", "rose", alpha=0.0), -8, atol=1.5)


def test_neighbors(model: Taxonomy) -> None:
    ids, scores = model.neighbors(["poodle"], k=2)
    assert ids.tolist() == [["dog", "beagle"]]
    expected = geometry.distances(model.lorentz_[3], model.lorentz_[[2, 4]])
    np.testing.assert_allclose(scores[0], -expected, rtol=1e-6)


def test_coordinates(model: Taxonomy) -> None:
    np.testing.assert_allclose(geometry.from_ball(model.to_ball()), model.lorentz_, rtol=1e-10)
    np.testing.assert_array_equal(model.to_hyperboloid()[:, 1:], model.lorentz_)
    np.testing.assert_allclose(np.linalg.norm(model.to_tangent(), axis=1), model.norm())


def test_unknown_nodes(model: Taxonomy) -> None:
    for ask in (model.norm, model.parents, model.children, model.ancestors, model.neighbors):
        with pytest.raises(UnknownNodeError, match="unicorn"):
            ask("unicorn")
    with pytest.raises(UnknownNodeError, match="unicorn"):
        model.is_a_score("dog", "unicorn")
