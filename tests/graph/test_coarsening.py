import numpy as np
import pytest

from graphembed import Graph
from graphembed.exceptions import GraphError
from graphembed.graph.coarsening import Level
from graphembed.testing.graphs import two_cliques, with_isolated_node


def dense(level: Level) -> np.ndarray:
    matrix = np.zeros((level.n_groups, level.n_groups))
    rows = np.repeat(np.arange(level.n_groups), np.diff(level.indptr))
    matrix[rows, level.indices] = level.weights
    return matrix


def test_first_level_is_the_graph_without_loops() -> None:
    graph = Graph.from_edges([0, 1, 1], [1, 2, 1], [0.5, 1.5, 4.0])
    level = Level.of(graph, key=1)
    unit = level.weights[0] / 0.5
    expected = graph.adjacency.toarray()
    np.testing.assert_array_equal(level.volumes, expected.sum(axis=1) * unit)
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(dense(level), expected * unit)
    assert (level.weights == np.rint(level.weights)).all()
    assert level.volumes.sum() < 2.0**53


@pytest.mark.parametrize("scale", [1e-40, 1.0, 1e38])
def test_weights_of_any_size_become_whole_numbers(scale: float) -> None:
    weights = np.array([1, 0.25, 3], dtype=np.float32) * np.float32(scale)
    level = Level.of(Graph.from_edges([0, 1, 2], [1, 2, 0], weights), key=1)
    np.testing.assert_array_equal(level.weights, np.rint(level.weights))
    ratio = level.weights / level.weights.max()
    np.testing.assert_allclose(np.unique(ratio), np.unique(weights) / weights.max(), rtol=1e-6)


def test_contraction_adds_up_what_it_merges() -> None:
    level = Level.of(two_cliques(), key=1)
    groups = np.repeat(np.array([0, 1, 2], dtype=np.int32), 8)
    merged = level.contract(groups, n_jobs=2)
    indicator = np.eye(3)[groups]
    expected = indicator.T @ dense(level) @ indicator
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(dense(merged), expected)
    np.testing.assert_array_equal(merged.volumes, indicator.T @ level.volumes)
    np.testing.assert_array_equal(merged.sizes, [8, 8, 8])
    np.testing.assert_array_equal(merged.hashes, level.hashes.reshape(3, 8).min(axis=1))


@pytest.mark.parametrize("n_merges", [1, 3, 100])
@pytest.mark.parametrize("careful", [False, True])
def test_merges_are_edges_and_no_more_than_asked_for(n_merges: int, careful: bool) -> None:
    level = Level.of(two_cliques(), key=1)
    groups = level.merge(n_merges, careful, n_jobs=1)
    assert 1 <= level.n_groups - (groups.max() + 1) <= n_merges
    for group in range(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        links = dense(level)[np.ix_(members, members)]
        assert np.count_nonzero(links) >= 2 * (len(members) - 1)


def test_a_star_shrinks_at_once() -> None:
    star = Level.of(Graph.from_edges([0] * 1000, range(1, 1001)), key=1)
    assert star.merge(1000, careful=False, n_jobs=1).max() == 0
    assert star.merge(1000, careful=True, n_jobs=1).max() + 1 == 501


def test_small_components_are_not_counted() -> None:
    level = Level.of(with_isolated_node(), key=1)
    assert level.count(mean_size=2) == 4
    assert level.count(mean_size=3) == 3


def test_negative_weights_are_refused() -> None:
    with pytest.raises(GraphError, match="non-negative weights"):
        Level.of(Graph.from_edges([0], [1], [-1.0]), key=1)
