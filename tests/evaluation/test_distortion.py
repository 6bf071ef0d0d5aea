import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import shortest_path

from graphembed import Graph, Vectors, datasets
from graphembed.evaluation import distortion
from graphembed.testing import reference

KARATE = datasets.load("karate").graph


def by_hand(X, graph, scale):
    """Average and worst distortion and MAP of points with Lorentz coordinates, by all pairs."""
    wanted = shortest_path(graph.adjacency != 0, directed=False, unweighted=True)
    keys = reference.distance_keys(X, "lorentz")
    u, v = np.nonzero(np.isfinite(wanted) & (wanted > 0))
    ratios = np.arccosh(1 + keys[u, v]) / wanted[u, v]
    precision = []
    for node in range(len(X)):
        others = np.delete(np.arange(len(X)), node)
        neighbors = np.flatnonzero(wanted[node, others] == 1)
        if len(neighbors):
            precision.append(reference.answer_ranks(keys[node, others], neighbors)[1])
    return np.mean(abs(ratios / scale - 1)), ratios.max() / ratios.min(), np.mean(precision)


@pytest.mark.parametrize("directed", [False, True])
def test_agrees_with_all_pairs_by_hand(directed):
    rng = np.random.default_rng(0)
    graph = Graph.from_edges(
        *rng.integers(0, 40, (2, 45)), weights=rng.random(45) + 1, nodes=range(40),
        directed=directed,
    )  # fmt: skip
    X = rng.standard_normal((40, 3))
    report = distortion(X, graph, scale=0.7, geometry="lorentz")
    found = [report.average, report.worst, report.mean_average_precision]
    assert found == pytest.approx(by_hand(X, graph, 0.7), rel=1e-9)
    wanted = shortest_path(graph.adjacency != 0, directed=False, unweighted=True)
    assert report.n_pairs == (np.isfinite(wanted).sum() - 40) / 2
    given_distances = distortion(X, wanted, scale=0.7, geometry="lorentz")
    assert given_distances.average == pytest.approx(report.average)
    assert given_distances.mean_average_precision is None


def test_distances_that_are_measured_elsewhere():
    """Of an exact tree, for instance, whose points float64 cannot hold."""
    X = np.random.default_rng(1).integers(0, 4, (34, 2)).astype(float)
    apart = np.sqrt(reference.distance_keys(X, "euclidean"))
    wanted = distortion(X, KARATE, geometry="euclidean", n_sources=20)
    report = distortion(apart, KARATE, geometry="precomputed", n_sources=20)
    assert report.geometry == "precomputed"
    for name in ("average", "worst", "mean_average_precision", "scale"):
        assert getattr(report, name) == pytest.approx(getattr(wanted, name))
    with pytest.raises(ValueError, match="square matrix of distances"):
        distortion(X, KARATE, geometry="precomputed")
    with pytest.raises(ValueError, match="3 rows, but the graph has 34"):
        distortion(np.ones((3, 3)), KARATE, geometry="precomputed")


@settings(max_examples=25)
@given(st.integers(0, 999), st.floats(0.8, 1.25))
def test_no_other_scale_is_better(seed, factor):
    X = np.random.default_rng(seed).standard_normal((34, 2))
    best = distortion(X, KARATE, geometry="euclidean")
    other = distortion(X, KARATE, scale=best.scale * factor, geometry="euclidean")
    assert best.average <= other.average * (1 + 1e-12)


def test_a_star_in_the_disk_and_its_scale():
    """Points on equally long rays of a tree: all distances, at their scale, nearly right."""
    star = Graph.from_edges([0] * 6, range(1, 7))
    angles = np.arange(6) * np.pi / 3
    rays = np.column_stack([np.cos(angles), np.sin(angles)])
    averages = []
    for radius in (2.0, 6.0, 18.0):
        X = np.vstack([np.zeros(2), np.sinh(radius) * rays])
        report = distortion(X, star, geometry="lorentz")
        assert report.mean_average_precision == 1
        assert report.scale == pytest.approx(radius, rel=0.3)
        averages.append(report.average)
    assert averages == sorted(averages, reverse=True)
    assert averages[-1] < 0.05
    ball = np.vstack([np.zeros(2), np.tanh(3.0) * rays])
    in_ball = distortion(Vectors(range(7), ball), star, geometry="poincare")
    assert in_ball.average == pytest.approx(averages[1], rel=1e-9)


def test_a_sample_of_sources_and_threads():
    X = np.random.default_rng(0).standard_normal((34, 3))
    everything = distortion(X, KARATE, geometry="euclidean", n_jobs=1)
    assert distortion(X, KARATE, geometry="euclidean", n_sources=99).n_pairs == 34 * 33 // 2
    assert distortion(X, KARATE, geometry="euclidean", n_jobs=2) == everything
    some = distortion(X, KARATE, geometry="euclidean", n_sources=10, random_state=0)
    assert (some.n_nodes, some.n_pairs) == (10, 330)
    assert some.average == pytest.approx(everything.average, rel=0.3)


def test_nodes_in_one_place():
    report = distortion(np.zeros((34, 2)), KARATE, geometry="euclidean")
    assert (report.average, report.worst) == (1, np.inf)


@pytest.mark.parametrize(
    ("graph", "options", "message"),
    [
        (KARATE, {}, "geometry 'cosine' has no distances"),
        (KARATE, {"scale": 0}, "scale must be"),
        (KARATE, {"geometry": "euclidean", "n_sources": 0}, "n_sources must be"),
        (np.ones((3, 3)), {"geometry": "euclidean"}, "a row for each of the 34 vectors"),
        (np.zeros((34, 34)), {"geometry": "euclidean"}, "positive between different nodes"),
        (
            Graph.from_edges([0], [0], nodes=range(34)),
            {"geometry": "euclidean"},
            "No path connects",
        ),
    ],
)
def test_what_is_refused(graph, options, message):
    with pytest.raises(ValueError, match=message):
        distortion(np.eye(34), graph, **options)
