import numpy as np
import scipy.sparse as sp

import graphembed as ge
from graphembed.message_passing.new_nodes import (
    beside_fitted,
    mean_features,
    stacked,
    without_edges,
)

GRAPH = ge.Graph.from_edges([0, 1], [1, 2])
BLOCK = sp.csr_array(np.array([[0, 1, 1], [0, 0, 0]], dtype=np.float32))


def test_new_nodes_hear_and_are_not_heard() -> None:
    grown = beside_fitted(GRAPH, BLOCK)
    dense = grown.to_scipy().toarray()
    np.testing.assert_array_equal(dense[:3, :3], GRAPH.to_scipy().toarray())
    np.testing.assert_array_equal(dense[3:, :3], BLOCK.toarray())
    assert not dense[:, 3:].any()
    assert not grown.weighted


def test_weights_of_either_make_both_weighted() -> None:
    weighted = ge.Graph.from_edges([0, 1], [1, 2], [2.0, 3.0])
    assert beside_fitted(weighted, BLOCK).weights.tolist() == [2, 2, 3, 3, 1, 1]
    assert beside_fitted(GRAPH, 2 * BLOCK).weights.tolist() == [1, 1, 1, 1, 2, 2]


def test_features_are_means_by_weight() -> None:
    features = np.array([[1.0, 0.0], [2.0, 4.0], [6.0, 8.0]], dtype=np.float32)
    block = sp.csr_array(np.array([[0, 1, 3], [0, 0, 0]], dtype=np.float32))
    expected = [[5.0, 7.0], [0.0, 0.0]]
    dense = mean_features(block, GRAPH.with_features(features))
    np.testing.assert_allclose(dense, expected)
    assert dense.dtype == np.float32
    sparse = mean_features(block, GRAPH.with_features(sp.csr_array(features)))
    assert sp.issparse(sparse)
    np.testing.assert_allclose(sparse.toarray(), expected)
    assert mean_features(block, GRAPH) is None


def test_stacked() -> None:
    for first in (BLOCK, BLOCK.toarray()):
        for second in (BLOCK, BLOCK.toarray()):
            both = stacked(first, second)
            assert sp.issparse(both) == sp.issparse(first)
            both = both.toarray() if sp.issparse(both) else both
            np.testing.assert_array_equal(both, np.tile(BLOCK.toarray(), (2, 1)))


def test_without_edges() -> None:
    graph = without_edges(3)
    assert (graph.n_nodes, graph.n_edges) == (3, 0)
    assert graph.nodes.tolist() == [0, 1, 2]
