"""Poincaré and Lorentz embeddings as a whole, on data as it comes."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import graphembed as ge
from graphembed.evaluation import hierarchy_reconstruction
from graphembed.geometry.lorentz import distance_matrix, radius
from graphembed.geometry.poincare import to_ball
from graphembed.hyperbolic.trainer import HyperbolicTrainer
from graphembed.testing import graphs

SMALL: dict[str, Any] = {
    "n_components": 5, "n_negatives": 10, "n_epochs": 60, "learning_rate": 0.3,
}  # fmt: skip
CLASSES = [ge.PoincareEmbedding, ge.LorentzEmbedding]


def tree(n: int) -> ge.Graph:
    """Return a binary tree, each node with an edge to its parent."""
    children = np.arange(1, n)
    return ge.Graph.from_edges(children, (children - 1) // 2, directed=True)


@pytest.fixture(scope="module")
def mammals() -> ge.Graph:
    return ge.datasets.load("wordnet_mammals").graph


@pytest.fixture(scope="module")
def fitted(mammals: ge.Graph) -> ge.PoincareEmbedding:
    return ge.PoincareEmbedding(**SMALL, random_state=0).fit(mammals)


def test_mammals_come_out_as_a_hierarchy(mammals: ge.Graph, fitted: ge.PoincareEmbedding) -> None:
    report = hierarchy_reconstruction(fitted, mammals)
    assert report.mean_average_precision > 0.85
    assert report.mean_rank < 2
    assert fitted.loss_curve_[-1] < 0.5 * fitted.loss_curve_[0]
    root = "mammal.n.01"
    depths = fitted.norm()
    assert depths[fitted.node_index_.rows(root)[0]] < np.quantile(depths, 0.1)
    assert fitted.is_a_score("dog.n.01", root) > fitted.is_a_score(root, "dog.n.01")


def test_both_views_are_of_the_same_points(mammals: ge.Graph, fitted: ge.PoincareEmbedding) -> None:
    other = ge.LorentzEmbedding(**SMALL, random_state=0).fit(mammals)
    np.testing.assert_array_equal(other.lorentz_, fitted.lorentz_)
    np.testing.assert_array_equal(other.embedding_, other.lorentz_)
    np.testing.assert_array_equal(fitted.embedding_, to_ball(fitted.lorentz_))
    assert (np.linalg.norm(fitted.embedding_, axis=1) < 1).all()


def test_near_nodes_by_both_views_and_by_all_distances(fitted: ge.PoincareEmbedding) -> None:
    apart = distance_matrix(fitted.lorentz_[:20], fitted.lorentz_)
    apart[np.arange(20), np.arange(20)] = np.inf
    expected = np.sort(apart, axis=1)[:, :5]
    for vectors in (
        fitted.vectors_,
        ge.Vectors(fitted.nodes_, fitted.lorentz_, geometry="lorentz"),
    ):
        found = vectors.neighbors(fitted.nodes_[:20], k=5)
        np.testing.assert_allclose(-found.scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", ["softmax", "fermi_dirac", "triplet", "distortion"])
@pytest.mark.parametrize("directed", [True, False])
def test_every_loss_falls(loss: str, directed: bool) -> None:
    graph = tree(127)
    if not directed:
        graph = graph.to_undirected()
    # The laid out tree may be better than what so few epochs make of it.
    model = ge.PoincareEmbedding(**SMALL, loss=loss, init="uniform", random_state=0).fit(graph)
    assert np.isfinite(model.lorentz_).all()
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_a_rate_that_is_far_too_high_yields_numbers_still(mammals: ge.Graph) -> None:
    """Ten times the highest that is tried by default, on threads that overwrite each other."""
    model = ge.PoincareEmbedding(5, n_negatives=5, n_epochs=200, learning_rate=10.0).fit(mammals)
    assert np.isfinite(model.loss_curve_).all()
    assert np.isfinite(model.embedding_).all()
    assert radius(model.lorentz_).max() <= 15 * (1 + 1e-9)


@pytest.mark.parametrize("loss", ["softmax", "distortion"])
def test_same_bits_at_any_thread_count(loss: str) -> None:
    graph = tree(6_000)  # enough for tiles that train side by side
    settings = {**SMALL, "n_epochs": 3, "burn_in": 1, "loss": loss, "random_state": 3}
    found = {
        ge.PoincareEmbedding(**settings, n_jobs=n_jobs).fit(graph).lorentz_.tobytes()
        for n_jobs in (1, 2, 3, 4)
    }
    assert len(found) == 1


def test_heavy_edges_pull_more() -> None:
    n = 60
    leaves = [f"leaf {i}" for i in range(n)]
    graph = ge.Graph.from_edges(
        leaves * 2, ["near"] * n + ["far"] * n, weights=[20.0] * n + [1.0] * n, directed=True
    )
    model = ge.PoincareEmbedding(**SMALL, random_state=0).fit(graph)
    near, far = (
        -model.vectors_.score_edges([(leaf, hub) for leaf in leaves]) for hub in ("near", "far")
    )
    assert near.mean() < far.mean()


def test_self_loops_do_not_count_as_pairs() -> None:
    loops = ge.Graph.from_edges([0, 1, 2], [0, 1, 2], directed=True)
    alone = ge.Graph.from_edges([], [], nodes=[0, 1, 2], directed=True)
    rows = [ge.PoincareEmbedding(**SMALL, random_state=0).fit(each) for each in (loops, alone)]
    np.testing.assert_array_equal(rows[0].lorentz_, rows[1].lorentz_)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "graph", [graphs.without_edges(), graphs.one_node(), graphs.with_isolated_node()]
)
def test_little_or_nothing_to_learn_from(cls: type, graph: ge.Graph) -> None:
    model = cls(n_components=3, n_epochs=5, random_state=0).fit(graph)
    assert model.embedding_.shape == (graph.n_nodes, 3)
    assert np.isfinite(model.embedding_).all()


def test_components_stay_apart() -> None:
    first, second = (np.arange(1, 64) + start for start in (0, 64))
    children = np.concatenate([first, second])
    parents = np.concatenate([(first - 1) // 2, (second - 65) // 2 + 64])
    graph = ge.Graph.from_edges(children, parents)
    model = ge.PoincareEmbedding(**SMALL, random_state=0).fit(graph)
    near = model.vectors_.neighbors(graph.nodes, k=1).ids[:, 0]
    assert np.mean((near < 64) == (graph.nodes < 64)) > 0.95


def test_hubs_and_coincident_points() -> None:
    """A star from one point for all: nothing tells the leaves apart at first."""
    star = ge.Graph.from_edges(np.arange(1, 300), np.zeros(299, dtype=int))
    start = np.zeros((300, 3))
    model = ge.PoincareEmbedding(
        3, n_epochs=30, n_negatives=10, init=start, learning_rate=0.3, random_state=0
    ).fit(star)
    assert np.isfinite(model.lorentz_).all()
    apart = distance_matrix(model.lorentz_)
    assert np.median(apart[0, 1:]) < np.median(apart[1:, 1:])


def test_new_leaves_are_placed_near_their_parents(
    mammals: ge.Graph, fitted: ge.PoincareEmbedding
) -> None:
    np.testing.assert_array_equal(fitted.transform(mammals), fitted.embedding_)
    rows = mammals.node_index.rows(["dog.n.01", "cat.n.01"])
    block = mammals.adjacency[rows].toarray()
    block[np.arange(2), rows] = 1  # beneath the dog, and beneath the cat
    block[:, mammals.node_index.rows("mammal.n.01")] = 0  # a row that no fitted node has
    placed = fitted.transform(block)
    again = fitted.transform(block[::-1])
    np.testing.assert_array_equal(placed, again[::-1])
    ids, everything = [*fitted.nodes_, "pup", "kitten"], np.vstack([fitted.embedding_, placed])
    vectors = ge.Vectors(ids, everything, geometry="poincare")
    scores = vectors.score_edges(
        [("pup", "dog.n.01"), ("pup", "cat.n.01"), ("kitten", "cat.n.01"), ("kitten", "dog.n.01")]
    )
    assert scores[0] > scores[1]
    assert scores[2] > scores[3]


def test_tangent_coordinates_suit_a_classifier(
    mammals: ge.Graph, fitted: ge.PoincareEmbedding
) -> None:
    carnivores = mammals.node_index.rows("carnivore.n.01")[0]
    below = mammals.adjacency[:, [carnivores]].toarray().ravel() > 0
    rows = fitted.to_tangent()
    classifier = LogisticRegression(max_iter=1000).fit(rows[::2], below[::2])
    base = max(below[1::2].mean(), 1 - below[1::2].mean())
    assert classifier.score(rows[1::2], below[1::2]) > (1 + base) / 2


def test_saved_models_answer_the_same(fitted: ge.PoincareEmbedding, tmp_path: Path) -> None:
    ge.save(fitted, tmp_path / "model")
    loaded = ge.load(tmp_path / "model")
    for name in ("embedding_", "lorentz_", "loss_curve_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(fitted, name))
    assert list(loaded.parents("dog.n.01", 3)) == list(fitted.parents("dog.n.01", 3))
    block = np.zeros((1, len(fitted.nodes_)))
    block[0, :3] = 1
    np.testing.assert_array_equal(loaded.transform(block), fitted.transform(block))


def test_an_interrupt_leaves_usable_coordinates(
    mammals: ge.Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = HyperbolicTrainer.rate

    def interrupted(self: HyperbolicTrainer, epoch: int) -> float:
        if epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return rate(self, epoch)

    monkeypatch.setattr(HyperbolicTrainer, "rate", interrupted)
    model = ge.PoincareEmbedding(**SMALL, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(mammals)
    assert 3 <= len(model.loss_curve_) < SMALL["n_epochs"]
    assert model.embedding_.shape == (mammals.n_nodes, 5)
    assert np.isfinite(model.embedding_).all()
    assert model.vectors_.neighbors(["dog.n.01"], k=3).ids.shape == (1, 3)


@pytest.mark.parametrize("name", ["poincare", "lorentz"])
def test_from_the_command_line(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    from typer.testing import CliRunner

    from graphembed.cli import app

    monkeypatch.chdir(tmp_path)
    lines = [f"node {child},node {(child - 1) // 2}" for child in range(1, 31)]
    Path("edges.csv").write_text("\n".join(["source,target", *lines]))
    command = ["fit", "edges.csv", "-m", name, "--directed", "-d", "3", "-p", "n_epochs=20"]
    result = CliRunner().invoke(app, [*command, "-o", "model/"])
    assert result.exit_code == 0, result.output
    model = ge.load("model")
    assert model.embedding_.shape == (31, 3)
    result = CliRunner().invoke(app, ["neighbors", "model", "node 3", "-k", "2"])
    assert result.exit_code == 0, result.output
