import numpy as np
import pytest

import graphembed as ge
from graphembed.factorization.proximity import LogProximity
from graphembed.testing import graphs


def slow_proximity(dense: np.ndarray) -> np.ndarray:
    """Formula of the docstring, in float64."""
    degrees = dense.sum(axis=1, keepdims=True)
    shares = np.divide(dense, degrees, out=np.zeros_like(dense), where=degrees > 0)
    noise = shares.sum(axis=0) ** 0.75
    ratios = shares / np.where(noise > 0, noise / max(noise.sum(), 1), 1)
    return np.log(ratios, out=np.zeros_like(ratios), where=dense > 0)


@pytest.mark.parametrize(
    "graph",
    [graphs.weighted_digraph(), graphs.two_cliques(), graphs.with_isolated_node(),
     graphs.without_edges()],
)  # fmt: skip
def test_formula(graph: ge.Graph) -> None:
    operator = LogProximity(graph)
    expected = slow_proximity(graph.to_scipy().toarray().astype(np.float64))
    eye = np.eye(graph.n_nodes, dtype=np.float32)
    np.testing.assert_allclose(operator.matmat(eye), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(operator.rmatmat(eye), expected.T, rtol=1e-5, atol=1e-5)


def test_a_symmetric_matrix_is_the_same_with_and_without_directions() -> None:
    graph = graphs.two_cliques()
    both = ge.Graph.from_scipy(graph.to_scipy(), directed=True)
    X = np.random.default_rng(0).standard_normal((graph.n_nodes, 9)).astype(np.float32)
    one, other = (LogProximity(g) for g in (graph, both))
    np.testing.assert_array_equal(one.matmat(X), other.matmat(X))
    np.testing.assert_array_equal(one.rmatmat(X), other.rmatmat(X))
