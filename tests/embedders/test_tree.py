import networkx as nx
import numpy as np
import pytest

import graphembed as ge
from graphembed import geometry
from graphembed.embedders.tree import TreeEmbedding
from graphembed.evaluation import distortion
from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.testing import graphs


@pytest.fixture(scope="module")
def balanced() -> ge.Graph:
    return ge.Graph.from_networkx(nx.balanced_tree(3, 3))


@pytest.fixture(scope="module")
def deep() -> ge.Graph:
    """Return a path of 40 nodes with a bunch of leaves at either end."""
    pairs = [(i, i + 1) for i in range(40)]
    pairs += [(0, 100 + i) for i in range(12)] + [(40, 200 + i) for i in range(12)]
    return ge.Graph.from_edges(*zip(*pairs, strict=True))


def nearest_are_linked(away: np.ndarray, graph: ge.Graph) -> bool:
    linked = graph.adjacency.toarray() > 0
    others = ~linked & ~np.eye(len(linked), dtype=bool)
    return all(away[u][linked[u]].max() < away[u][others[u]].min() for u in range(len(linked)))


@pytest.mark.parametrize("n_components", [2, 10])
def test_a_balanced_tree_is_kept(balanced: ge.Graph, n_components: int) -> None:
    model = TreeEmbedding(n_components).fit(balanced)
    report = distortion(model, balanced)
    assert report.mean_average_precision == 1.0
    assert report.average <= 0.02
    assert nearest_are_linked(model.distances(), balanced)
    assert model.scale_ >= model.needed_scale_
    assert model.required_bits_ <= 53
    assert model.roots_.tolist() == [0]


def test_exact_angles_keep_a_deep_tree(deep: ge.Graph) -> None:
    model = TreeEmbedding(precision="exact").fit(deep)
    assert model.required_bits_ > 53
    assert nearest_are_linked(model.distances(), deep)
    hops = nx.floyd_warshall_numpy(nx.from_scipy_sparse_array(deep.adjacency))
    apart = hops > 0
    ratios = model.distances()[apart] / hops[apart]
    assert np.abs(ratios / np.median(ratios) - 1).mean() <= 0.02
    found = model.neighbors([0, 100], k=2)
    assert found.ids[1, 0] == 0
    assert set(found.ids[0]) <= {1, *range(100, 112)}
    assert found.scores[1, 0] == pytest.approx(-model.scale_)
    assert model.norm(20) == 0.0
    assert model.norm() == pytest.approx(model.radii_)
    # Rounded, it serves pictures alone.
    assert np.linalg.norm(model.embedding_, axis=1).max() <= 1
    for use in (lambda: model.vectors_, lambda: model.is_a_score(0, 1),
                lambda: model.transform(np.eye(len(model.nodes_)))):  # fmt: skip
        with pytest.raises(GraphError, match="float64 would be silently wrong"):
            use()


def test_exact_and_float64_agree(balanced: ge.Graph) -> None:
    kinds = {"precision": ["float64", "exact"], "coordinates": geometry.COORDINATES}
    for coordinates in kinds["coordinates"]:
        for precision in kinds["precision"]:
            model = TreeEmbedding(scale=4.0, coordinates=coordinates, precision=precision)
            rows = model.fit_transform(balanced)
            np.testing.assert_allclose(geometry.parse(rows, coordinates), model.lorentz_, rtol=1e-6,
                                       atol=1e-6)  # fmt: skip
            below = np.flatnonzero(model.parents_ >= 0)
            steps = model.distances()[below, model.parents_[below]]
            np.testing.assert_allclose(steps, 4.0, rtol=1e-6)
            assert model.vectors_.neighbors([39], k=1).ids[0, 0] == 12


def test_float64_is_not_silently_wrong(deep: ge.Graph) -> None:
    with pytest.raises(GraphError, match=r"radius 60\.0, which needs 97 bits .* float64 has 53"):
        TreeEmbedding(scale=3.0).fit(ge.Graph.from_networkx(nx.path_graph(41)))
    with pytest.warns(UserWarning, match=r"float64 reaches the scale .* needs \d+ bits"):
        model = TreeEmbedding().fit(deep)
    assert model.required_bits_ <= 53
    assert model.radius_ == pytest.approx(29.8, abs=0.1)
    with pytest.warns(UserWarning, match="any number of bits"):
        TreeEmbedding(1).fit(ge.Graph.from_networkx(nx.star_graph(3)))


def test_exact_is_for_the_plane(balanced: ge.Graph) -> None:
    with pytest.raises(GraphError, match="2 dimensions; n_components is 3"):
        TreeEmbedding(3, precision="exact").fit(balanced)
    with pytest.raises(GraphError, match="at most 216"):
        TreeEmbedding(scale=217.0, precision="exact").fit(balanced)


def test_a_hierarchy_begins_where_its_edges_end() -> None:
    mammals = ge.datasets.load("wordnet_mammals").graph
    model = TreeEmbedding(5).fit(mammals)
    assert model.roots_.tolist() == ["mammal.n.01"]
    assert model.parents("mammal.n.01").tolist() == []
    assert model.ancestors("lion.n.01", 3).tolist() == [
        "big_cat.n.01",
        "feline.n.01",
        "carnivore.n.01",
    ]
    assert "lion.n.01" in model.children("big_cat.n.01")
    assert len(model.children("big_cat.n.01", k=2)) == 2
    assert model.norm("lion.n.01") > model.norm("big_cat.n.01") > model.norm("feline.n.01")
    assert model.neighbors("mammal.n.01", 3).scores[0, 0] == pytest.approx(-model.scale_, rel=1e-5)
    # Only ancestors are what a lion is.
    assert model.is_a_score("lion.n.01", "feline.n.01") > model.is_a_score(
        "feline.n.01", "lion.n.01"
    )


def test_root_and_lengths(balanced: ge.Graph) -> None:
    model = TreeEmbedding(root=5, scale=1.0).fit(balanced)
    assert model.roots_.tolist() == [5]
    assert model.norm(5) == 0.0
    with pytest.raises(UnknownNodeError):
        TreeEmbedding(root="5").fit(balanced)
    phylogeny = ge.Graph.from_edges(["a", "a"], ["b", "c"], [0.5, 3.0])
    model = TreeEmbedding(scale=2.0, lengths=True).fit(phylogeny)
    np.testing.assert_allclose(model.distances(["a"])[0], [0.0, 1.0, 6.0])
    with pytest.raises(GraphError, match="non-negative"):
        TreeEmbedding(lengths=True).fit(ge.Graph.from_edges([0], [1], [-1.0]))


def test_a_new_leaf_gets_a_place_of_its_own(balanced: ge.Graph) -> None:
    model = TreeEmbedding(scale=3.0, coordinates="lorentz").fit(balanced)
    for anchor in (0, 5, 39):
        block = np.zeros((1, 40))
        block[0, anchor] = 0.5  # no fitted node has this row
        away = geometry.distances(model.transform(block), model.lorentz_)
        assert away[anchor] == pytest.approx(3.0)
        assert np.delete(away, anchor).min() > 3.0


def test_several_components() -> None:
    model = TreeEmbedding(3).fit(graphs.with_isolated_node())
    assert len(model.roots_) == 2
    assert np.isfinite(model.embedding_).all()
    assert TreeEmbedding().fit(graphs.one_node()).embedding_.tolist() == [[0.0, 0.0]]
    loops = ge.Graph.from_edges([0, 0], [0, 1])
    assert TreeEmbedding().fit(loops).parents_.max() == 0
