import networkx as nx
import numpy as np
import pytest
from contenders.closed_form import classical_mds, graphembed_points, judged
from rows import all_rows, hmds, hyperbolic_trees

import graphembed as ge
from graphembed.embedders.tree import TreeEmbedding
from graphembed.evaluation import distortion


@pytest.fixture(scope="module")
def graph():
    return ge.Graph.from_networkx(nx.balanced_tree(2, 4))


@pytest.fixture(scope="module")
def arrays(graph):
    return {name: getattr(graph.adjacency, name) for name in ("indptr", "indices", "data")}


def test_the_rows_are_found():
    rows = all_rows()
    assert {row.name for row in (*hyperbolic_trees.rows(), *hmds.rows())} <= rows.keys()
    assert set(hyperbolic_trees.PUBLISHED) == {row.name for row in hyperbolic_trees.rows()}


def test_the_judge_agrees_with_the_library(graph):
    model = TreeEmbedding(scale=3.0).fit(graph)
    report = distortion(model, graph)
    found = judged(model.distances(), graph)
    assert found["MAP"] == pytest.approx(report.mean_average_precision, abs=1e-4)
    assert found["distortion"] == pytest.approx(report.average, abs=1e-3)


@pytest.mark.parametrize(
    "contender", [*hyperbolic_trees.EXACT[:3], *hmds.contenders(5)[:2]], ids=lambda c: c.name
)
def test_contenders_hand_back_distances(arrays, graph, contender):
    job = graphembed_points(arrays, threads=1, **contender.params)
    away = job.finish(job.run())
    assert away.shape == (graph.n_nodes, graph.n_nodes)
    assert job.notes["scale"] > 0
    assert judged(away, graph)["distortion"] < 0.2


def test_the_euclidean_peer_recovers_a_path():
    path = ge.Graph.from_networkx(nx.path_graph(6))
    parts = {name: getattr(path.adjacency, name) for name in ("indptr", "indices", "data")}
    job = classical_mds(parts, threads=1, n_components=2)
    expected = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    np.testing.assert_allclose(job.finish(job.run()), expected, atol=1e-6)
