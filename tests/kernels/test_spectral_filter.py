import numpy as np
import pytest

from graphembed.kernels import spectral_filter as kernels
from graphembed.testing import graphs, reference

CASES = [graphs.weighted_digraph(), graphs.two_cliques(), graphs.with_isolated_node()]


def columns(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


@pytest.mark.parametrize("d", [3, 16, 40])
@pytest.mark.parametrize("graph", CASES)
def test_laplacian(graph: object, d: int) -> None:
    n = graph.n_nodes
    matrix, (scale, own) = columns(n, d), columns(n, 2, 1).T.copy()
    args = (graph.indptr, graph.indices, graph.weights, scale, own, matrix)
    out = np.empty_like(matrix)
    for first, last in [(0, n // 2), (n // 2, n)]:
        kernels.laplacian(*args, out, first, last)
    np.testing.assert_allclose(out, reference.laplacian(*args), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
@pytest.mark.parametrize("graph", CASES)
def test_chebyshev_step(graph: object, alpha: float) -> None:
    n, d = graph.n_nodes, 20
    scale, own = columns(n, 2, 1).T.copy()
    product, current, previous, total = (columns(n, d, seed) for seed in range(4))
    args = (graph.indptr, graph.indices, graph.weights, scale, own, product)
    term = alpha * (reference.laplacian(*args) - 2 * current.astype(np.float64))
    if alpha == 1:
        term -= previous
    else:
        previous[:] = np.nan  # not read: there is no term before the first
    expected = total + 0.3 * term
    kernels.chebyshev_step(
        *args, np.float32(alpha), current, previous, np.float32(0.3), total, 0, n
    )
    np.testing.assert_allclose(previous, term, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(total, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("graph", CASES)
def test_log_ratios_and_shares(graph: object) -> None:
    parts = (graph.indptr, graph.indices, graph.weights)
    degrees = np.asarray(graph.adjacency.sum(axis=1), dtype=np.float64)
    shares = np.zeros(graph.n_nodes)
    kernels.add_shares(*parts, degrees, shares)
    expected = reference.add_shares(*parts, np.where(degrees > 0, degrees, 1), graph.n_nodes)
    np.testing.assert_allclose(shares, expected)
    rows, cols = np.random.default_rng(0).standard_normal((2, graph.n_nodes))
    out = np.empty(len(graph.indices), dtype=np.float32)
    kernels.log_ratios(*parts, rows, cols, out, 0, graph.n_nodes)
    np.testing.assert_allclose(out, reference.log_ratios(*parts, rows, cols), rtol=1e-5, atol=1e-6)
