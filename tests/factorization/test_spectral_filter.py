import numpy as np
import pytest
from scipy.linalg import svd

import graphembed as ge
from graphembed.factorization.spectral_filter import (
    SpectralFilter,
    compression,
    mean_rows,
    row_safe_weights,
    row_sums,
    scale_rows,
)
from graphembed.testing import graphs, reference

CASES = [graphs.weighted_digraph(), graphs.two_cliques(), graphs.with_isolated_node()]


def columns(n: int, d: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, d)).astype(np.float32)


@pytest.mark.parametrize("order", [1, 2, 3, 10])
@pytest.mark.parametrize("graph", CASES)
def test_formula(graph: ge.Graph, order: int) -> None:
    X = columns(graph.n_nodes, 18)
    expected = reference.spectral_filter(graph.to_scipy().toarray(), X, order, 0.2, 0.5)
    walk = SpectralFilter(graph, order, 0.2, 0.5)
    seen: list[int] = []
    found = walk.apply(X.copy(), seen.append)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert sum(seen) == walk.n_terms == order - 1


def test_smooth_vectors_pass_and_rough_ones_do_not() -> None:
    """A band-pass at low frequencies: the partition of the cliques stays, noise does not."""
    graph = graphs.two_cliques()
    sides = np.repeat([1.0, -1.0], graphs.CLIQUE)[:, None].astype(np.float32)
    noise = columns(graph.n_nodes, 1)
    noise -= sides * (sides.T @ noise) / len(sides)
    walk = SpectralFilter(graph, 10, 0.2, 0.5)
    kept = [np.linalg.norm(walk.average(walk.apply(x.copy()))) / np.linalg.norm(x)
            for x in (sides, noise)]  # fmt: skip
    assert kept[0] > 5 * kept[1]


@pytest.mark.parametrize("graph", CASES)
def test_means(graph: ge.Graph) -> None:
    X = columns(graph.n_nodes, 18)
    walk = SpectralFilter(graph, 10, 0.2, 0.5)
    dense = graph.to_scipy().toarray().astype(np.float64)
    degrees = dense.sum(axis=1)
    np.testing.assert_allclose(row_sums(graph.indptr, graph.weights), degrees, rtol=1e-6)
    expected = dense / np.where(degrees > 0, degrees, 1)[:, None] @ X
    np.testing.assert_allclose(walk.average(X), expected, rtol=1e-4, atol=1e-5)
    rows = mean_rows(graph.indptr, graph.indices, graph.weights, X, True)
    np.testing.assert_allclose(rows, scale_rows(expected), rtol=1e-4, atol=1e-5)


def test_extreme_weights() -> None:
    """Weights whose sums leave float32 give the same walk as weights of 1."""
    graph = graphs.two_cliques()
    huge = np.full(len(graph.indices), 3e38, dtype=np.float32)
    safe = row_safe_weights(graph.indptr, huge)
    np.testing.assert_allclose(row_sums(graph.indptr, safe) / graph.degrees, safe[0])
    assert np.isfinite(row_sums(graph.indptr, safe)).all()
    assert row_safe_weights(graph.indptr, None) is None


@pytest.mark.parametrize("rank", [6, 3])
def test_compression(rank: int) -> None:
    mean = columns(50, rank) @ columns(rank, 6)
    found = mean @ compression(mean)
    U, s, _ = svd(mean, full_matrices=False)
    expected = U[:, :rank] * np.sqrt(s[:rank])
    expected *= np.sign(np.take_along_axis(expected, abs(expected).argmax(axis=0)[None], 0))
    np.testing.assert_allclose(found[:, :rank], expected, rtol=1e-3, atol=1e-3)
    assert not found[:, rank:].any()


def test_same_bits_at_any_thread_count() -> None:
    graph = ge.datasets.synthetic.rmat(10, 8, random_state=0)
    X = columns(graph.n_nodes, 24)
    found = [SpectralFilter(graph, 5, 0.2, 0.5, n_jobs).apply(X.copy()) for n_jobs in (1, 2, 5)]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])
