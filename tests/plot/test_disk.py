import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from numpy.testing import assert_allclose, assert_array_equal

from graphembed import Graph, Vectors, datasets
from graphembed.exceptions import GraphError, UnknownNodeError
from graphembed.geometry import to_ball
from graphembed.plot import poincare_disk
from graphembed.plot.disk import direct_edges

mpl.use("agg")
MAMMALS = datasets.load("wordnet_mammals").graph
TREE = Graph.from_edges(["b", "c", "d", "d"], ["a", "a", "b", "a"], directed=True)
X = np.array([[0.0, 0.0], [2.0, 0.0], [-1.0, 3.0], [9.0, 1.0]])


class Model:
    """What a fitted hyperbolic embedder has."""

    def __init__(self, graph=TREE, lorentz=X):
        self.lorentz_ = lorentz
        self.node_index_ = graph.node_index
        self.vectors_ = Vectors(graph.nodes, to_ball(lorentz), geometry="poincare")


def drawn(ax, kind):
    found = [one for one in ax.collections if isinstance(one, kind)]
    return found[0] if found else None


def places(ax):
    """Return the points as drawn, sorted: the important are drawn last."""
    points = drawn(ax, PathCollection).get_offsets()
    return np.array(sorted(map(tuple, np.asarray(points))))


def test_a_thousand_mammals_are_drawn_with_legible_names(tmp_path):
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((MAMMALS.n_nodes, 2))
    depth = 1.0 + MAMMALS.degrees
    lorentz = np.sinh(depth)[:, None] * directions / np.linalg.norm(directions, axis=1)[:, None]
    model = Model(MAMMALS, lorentz)
    ax = poincare_disk(model, MAMMALS, path=tmp_path / "disk.png", title="Mammals")
    assert (tmp_path / "disk.png").stat().st_size > 20_000
    assert ax.get_title(loc="left") == "Mammals"
    FigureCanvasAgg(ax.figure).draw()
    names = [text.get_text() for text in ax.texts]
    assert names[0] == "mammal.n.01"
    assert 10 < len(names) <= 25
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])
    shown = np.asarray(drawn(ax, PathCollection).get_offsets())
    assert len(shown) == MAMMALS.n_nodes
    assert (np.linalg.norm(shown, axis=1) < 1).all()
    assert len(drawn(ax, LineCollection).get_paths()) < 1300 < MAMMALS.n_edges


def test_direct_edges_of_a_closure_are_those_to_parents():
    pairs = direct_edges(MAMMALS.edges(), MAMMALS.n_nodes)
    # The mammals of WordNet are a tree but for some nodes with two parents.
    assert set(pairs[:, 0]) == set(np.flatnonzero(MAMMALS.degrees))
    assert len(pairs) < 1.02 * MAMMALS.n_nodes
    both_ways = np.array([[0, 1], [1, 0], [1, 2], [2, 1], [0, 2], [2, 2]])
    assert direct_edges(both_ways, 3).tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 1]]


@pytest.mark.parametrize(("edges", "expected"), [(True, 3), ("all", 4), (False, 0)])
def test_which_edges_are_drawn(tmp_path, edges, expected):
    ax = poincare_disk(Model(), TREE, edges=edges, path=tmp_path / "a.svg")
    lines = drawn(ax, LineCollection)
    assert (0 if lines is None else len(lines.get_paths())) == expected


def test_arrays_and_vectors_are_drawn_alike(tmp_path):
    path = tmp_path / "a.svg"
    wanted = to_ball(X)
    reordered = Vectors(TREE.nodes[::-1], X[::-1], geometry="lorentz")
    for model in (Model(), wanted, Vectors(TREE.nodes, wanted, geometry="poincare"), reordered):
        ax = poincare_disk(model, TREE, path=path)
        assert_allclose(places(ax), sorted(map(tuple, wanted)), atol=1e-12)
        ends = [tuple(line.vertices[-1].round(6)) for line in drawn(ax, LineCollection).get_paths()]
        assert sorted(ends) == sorted(tuple(wanted[row].round(6)) for row in (0, 0, 1))
    assert drawn(poincare_disk(wanted, path=path), LineCollection) is None


def test_a_tree_brings_its_own_edges(tmp_path):
    model = Model()
    model.parents_ = np.array([-1, 0, 0, 1])
    ax = poincare_disk(model, path=tmp_path / "a.svg")
    assert len(drawn(ax, LineCollection).get_paths()) == 3


def test_points_farther_out_than_float64_can_square(tmp_path):
    far = np.vstack([X[:3], [1e280, 1e280]])
    model = Model(TREE, X)
    model.lorentz_ = far
    shown = places(poincare_disk(model, TREE, path=tmp_path / "a.png"))
    assert_allclose(shown.max(axis=0), [0.5**0.5, 0.7207592200561264], atol=0.02)


def test_center_moves_a_node_to_the_middle(tmp_path):
    ax = poincare_disk(Model(), TREE, center="c", labels=["c"], path=tmp_path / "a.svg")
    assert_allclose(ax.texts[0].xy, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, []),
        (0, []),
        (2, ["a", "b"]),
        (99, ["a", "b", "c", "d"]),
        (["d", "b"], ["d", "b"]),
        ({"c": "cat"}, ["cat"]),
        ([], []),
        ({}, []),
    ],
)
def test_labels(tmp_path, labels, expected):
    ax = poincare_disk(Model(), TREE, labels=labels, path=tmp_path / "a.svg")
    assert [text.get_text() for text in ax.texts] == expected


def test_colors_and_axes():
    own = plt.figure().add_subplot()
    assert poincare_disk(Model(), TREE, color=[1, 2, 3, 4], ax=own) is own
    # Drawn in the order of importance: leaves c and d, then b, then a.
    assert_array_equal(drawn(own, PathCollection).get_array(), [3, 4, 2, 1])
    plt.close(own.figure)
    ax = poincare_disk(Model(), TREE, color="crimson")
    assert ax.figure.number in plt.get_fignums()
    assert len(drawn(ax, PathCollection).get_facecolor()) == 1
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("model", "graph", "options", "error", "message"),
    [
        (np.zeros((4, 3)), TREE, {}, GraphError, "two dimensions; the shape"),
        (np.zeros((3, 2)), TREE, {}, GraphError, "3 rows, but the graph has 4 nodes"),
        (np.ones((4, 2)), TREE, {}, GraphError, "shorter than 1"),
        (Vectors(range(2), np.eye(2)), None, {}, GraphError, "these are 'cosine'"),
        (Model(), TREE, {"edges": "some"}, ValueError, "edges must be"),
        (Model(), TREE, {"labels": ["x"]}, UnknownNodeError, "x"),
        (Model(), TREE, {"center": "x"}, UnknownNodeError, "x"),
        (Model(), Graph.from_edges(["a"], ["z"]), {}, UnknownNodeError, "z"),
    ],
)
def test_what_cannot_be_drawn(model, graph, options, error, message):
    with pytest.raises(error, match=message):
        poincare_disk(model, graph, **options)
