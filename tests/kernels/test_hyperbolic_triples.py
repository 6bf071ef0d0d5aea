import numpy as np
import pytest

from graphembed.kernels import hyperbolic_triples as kernels
from graphembed.testing import reference


def example(n: int, n_candidates: int, d: int, spread: float):
    """Points of balls at the distances of tangent vectors of this spread, and such vectors."""
    rng = np.random.default_rng(d)
    curvatures = rng.uniform(0.3, 3, n).astype(np.float32)
    tangents = spread * rng.standard_normal((n, d))
    lengths = np.sqrt((tangents**2).sum(axis=1) * curvatures)
    points = tangents * (np.minimum(np.tanh(lengths), 1 - 1e-5) / lengths)[:, np.newaxis]
    vectors = spread * rng.standard_normal((n_candidates, d))
    return points.astype(np.float32), curvatures, vectors.astype(np.float32)


def block(points, curvatures, vectors):
    n, n_candidates = len(points), len(vectors)
    factors = np.full((n, 4), np.nan, dtype=np.float32)
    lengths = np.full((2, n_candidates), np.nan, dtype=np.float32)
    kernels.query_factors(points, curvatures, factors)
    kernels.lengths(vectors, lengths)
    products = points @ vectors.T
    scores = products.copy()
    shifts = np.arange(n, dtype=np.float32), np.arange(n_candidates, dtype=np.float32)
    kernels.block_scores(scores, factors, shifts[0], lengths, shifts[1])
    return factors, lengths, products, scores - shifts[0][:, np.newaxis] - shifts[1]


@pytest.mark.parametrize("spread", [1e-3, 0.1, 0.5])
@pytest.mark.parametrize(("n_candidates", "d"), [(1, 1), (20, 5), (70, 32)])
def test_block_scores_agree_with_the_reference(n_candidates: int, d: int, spread: float) -> None:
    case = example(17, n_candidates, d, spread)
    *_, found = block(*case)
    expected = reference.hyperbolic_scores(*case)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("spread", [1e-3, 0.5, 3.0, 100.0])
def test_pair_scores_agree_with_the_reference(spread: float) -> None:
    points, curvatures, vectors = example(40, 40, 6, spread)
    found = np.full(40, np.nan, dtype=np.float32)
    kernels.pair_scores(points, curvatures, vectors, found)
    expected = reference.hyperbolic_scores(points, curvatures, vectors).diagonal()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gradients_of_a_block_are_sums_over_its_pairs() -> None:
    points, curvatures, vectors = example(12, 50, 8, 0.3)
    factors, lengths, products, _ = block(points, curvatures, vectors)
    grads = np.random.default_rng(0).standard_normal((12, 50)).astype(np.float32)
    sums, by_lengths = np.empty((12, 4), dtype=np.float32), np.ones(50, dtype=np.float32)
    kernels.block_gradients(products, grads, factors, lengths, sums, by_lengths)
    by_points, by_curvatures = products @ vectors, np.empty_like(curvatures)
    kernels.query_gradients(points, curvatures, sums, by_points, by_curvatures)
    by_vectors = products.T @ points + ((by_lengths - 1) * lengths[1])[:, np.newaxis] * vectors

    rows, columns = (side.ravel() for side in np.indices(grads.shape))
    pairs = [np.empty((600, 8), np.float32), np.empty(600, np.float32)]
    pairs.append(np.empty_like(pairs[0]))
    kernels.pair_gradients(points[rows], curvatures[rows], vectors[columns], grads.ravel(), *pairs)
    np.testing.assert_allclose(by_points, sums_over(pairs[0], rows, 12), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(by_curvatures, sums_over(pairs[1], rows, 12), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(by_vectors, sums_over(pairs[2], columns, 50), rtol=1e-3, atol=1e-4)


def sums_over(values, groups, n: int):
    total = np.zeros((n, *values.shape[1:]))
    np.add.at(total, groups, values)
    return total


def test_a_point_that_rounding_put_on_the_border() -> None:
    points, curvatures = np.array([[1, 0]], dtype=np.float32), np.ones(1, dtype=np.float32)
    *_, scores = block(points, curvatures, np.array([[0.1, 0], [90, 0]], dtype=np.float32))
    assert np.isfinite(scores).all()
