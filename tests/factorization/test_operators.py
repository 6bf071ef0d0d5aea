import numpy as np
import pytest
import scipy.sparse as sp

from graphembed.factorization.operators import SparseOperator
from graphembed.store.writing import write_graph
from graphembed.testing import graphs


def test_products_with_scales_and_constant() -> None:
    rng = np.random.default_rng(0)
    matrix = sp.random_array((30, 20), density=0.3, rng=rng, format="csr")
    left, right = (rng.random(n).astype(np.float32) for n in (30, 20))
    operator = SparseOperator.from_scipy(matrix, left=left, right=right, constant=0.5)
    assert operator.shape == (30, 20)
    dense = left[:, None] * (matrix.toarray() + 0.5) * right
    X, Y = (rng.normal(size=(n, 5)).astype(np.float32) for n in (20, 30))
    np.testing.assert_allclose(operator.matmat(X), dense @ X, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(operator.rmatmat(Y), dense.T @ Y, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(operator.matmat(X, n_jobs=1), operator.matmat(X, n_jobs=3))


def test_of_a_graph_and_of_a_store(tmp_path) -> None:
    graph = graphs.two_cliques()
    X = np.random.default_rng(0).normal(size=(graph.n_nodes, 4)).astype(np.float32)
    operator = SparseOperator.from_graph(graph)
    np.testing.assert_allclose(operator.matmat(X), graph.adjacency @ X, rtol=1e-5)
    np.testing.assert_array_equal(operator.rmatmat(X), operator.matmat(X))
    stored = SparseOperator.from_graph(write_graph(graph, tmp_path / "store"))
    np.testing.assert_array_equal(stored.matmat(X), operator.matmat(X))


def test_without_its_transpose() -> None:
    operator = SparseOperator.from_graph(graphs.weighted_digraph())
    with pytest.raises(ValueError, match="without its transposed"):
        operator.rmatmat(np.ones((20, 1), dtype=np.float32))
