import numpy as np
import pytest
import torch

from graphembed.knowledge.hyperbolic_interaction import Hyperbolic
from graphembed.knowledge.interactions import Candidates, Queries
from graphembed.testing import isometries, reference


def example(n: int, n_candidates: int, d: int = 8, spread: float = 0.3):
    rng = np.random.default_rng(n_candidates)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    curvatures = rng.uniform(0.3, 3, n).astype(np.float32)
    tangents = torch.tensor(spread * normal(n, d))
    points = isometries.exp_0(tangents, torch.tensor(curvatures)[:, None]).numpy()
    return (
        Queries(points, normal(n), curvatures),
        Candidates(spread * normal(n_candidates, d), normal(n_candidates)),
    )


def autograd(queries: Queries, candidates: Candidates, rows, columns, grads):
    """Scores of the pairs (rows, columns), and the gradients of their weighted sum, in float64."""
    leaves = [
        torch.tensor(part, dtype=torch.float64, requires_grad=True)
        for part in (*queries, *candidates)
    ]
    points, shifts, curvatures, vectors, others = leaves
    c = curvatures[rows, None]
    distances = isometries.distance(points[rows], isometries.exp_0(vectors[columns], c), c)
    scores = shifts[rows] + others[columns] - distances.square()
    scores.backward(torch.tensor(grads, dtype=torch.float64))
    found = [leaf.grad.numpy() for leaf in leaves]
    return scores.detach().numpy(), Queries(*found[:3]), Candidates(*found[3:])


def assert_close(found, expected, tolerance: float) -> None:
    """Near 0, where space is flat, what curvatures pull cancels out but for a few 1e-9."""
    for part, other in zip(found, expected, strict=True):
        assert part.dtype == np.float32
        allowed = tolerance * abs(other).max() + 5e-9
        np.testing.assert_allclose(part, other, rtol=tolerance, atol=allowed)


@pytest.mark.parametrize("spread", [1e-3, 0.1, 0.5])
@pytest.mark.parametrize(("n", "n_candidates"), [(1, 1), (9, 40), (300, 310)])
def test_a_block_agrees_with_autograd(n: int, n_candidates: int, spread: float) -> None:
    queries, candidates = example(n, n_candidates, spread=spread)
    rows, columns = (side.ravel() for side in np.indices((n, n_candidates)))
    grads = np.random.default_rng(0).standard_normal((n, n_candidates)).astype(np.float32)
    expected, *by = autograd(queries, candidates, rows, columns, grads.ravel())
    scores = np.full((n, n_candidates), np.nan, dtype=np.float32)
    interaction = Hyperbolic()
    interaction.block(queries, candidates, scores)
    np.testing.assert_allclose(scores.ravel(), expected, rtol=1e-4, atol=2e-5)
    for found, other in zip(
        interaction.block_backward(queries, candidates, scores, grads), by, strict=True
    ):
        assert_close(found, other, 1e-3)


@pytest.mark.parametrize("spread", [1e-3, 0.5, 2.0])
def test_pairs_agree_with_autograd(spread: float) -> None:
    queries, candidates = example(60, 60, spread=spread)
    rows = np.arange(60)
    grads = np.random.default_rng(0).standard_normal(60).astype(np.float32)
    expected, *by = autograd(queries, candidates, rows, rows, grads)
    interaction = Hyperbolic()
    np.testing.assert_allclose(interaction.pairs(queries, candidates), expected, rtol=1e-4)
    for found, other in zip(
        interaction.pairs_backward(queries, candidates, grads), by, strict=True
    ):
        assert_close(found, other, 1e-4)


def test_without_shifts_there_are_no_gradients_by_them() -> None:
    queries, candidates = example(5, 5)
    bare = queries._replace(shifts=None), candidates._replace(shifts=None)
    interaction = Hyperbolic()
    scores, grads = np.empty((5, 5), dtype=np.float32), np.ones((5, 5), dtype=np.float32)
    interaction.block(*bare, scores)
    expected = reference.hyperbolic_scores(queries.vectors, queries.curvatures, candidates.vectors)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(interaction.pairs(*bare), expected.diagonal(), rtol=1e-5)
    for by_queries, by_candidates in (
        interaction.block_backward(*bare, scores, grads),
        interaction.pairs_backward(*bare, grads[0]),
    ):
        assert by_queries.shifts is None
        assert by_candidates.shifts is None


@pytest.mark.parametrize("length", [0.0, 1e-20, 1e-6, 0.2, 3.0, 1e4])
def test_coincident_points_have_finite_gradients(length: float) -> None:
    """At 0, inside and beyond the border, where a query and its candidate are the same point."""
    vectors = np.zeros((4, 3), dtype=np.float32)
    vectors[:, 0] = length
    curvatures = np.array([0.1, 1, 2, 10], dtype=np.float32)
    tangents, c = torch.tensor(vectors, dtype=torch.float64), torch.tensor(curvatures)[:, None]
    points = isometries.exp_0(tangents, c).numpy().astype(np.float32)
    queries, candidates = Queries(points, None, curvatures), Candidates(vectors)
    interaction = Hyperbolic()
    scores = np.empty((4, 4), dtype=np.float32)
    interaction.block(queries, candidates, scores)
    pairs = interaction.pairs(queries, candidates)
    if length < 3:
        np.testing.assert_allclose(pairs, 0, atol=1e-6)
    parts = [scores, pairs]
    for by in (
        interaction.block_backward(queries, candidates, scores, np.ones((4, 4), np.float32)),
        interaction.pairs_backward(queries, candidates, np.ones(4, np.float32)),
    ):
        parts += [part for side in by for part in side if part is not None]
    assert all(np.isfinite(part).all() for part in parts)


def test_at_the_origin_candidates_are_pulled_as_in_flat_space() -> None:
    """Near 0 a ball is flat, with twice the distance."""
    points = np.array([[1e-3, -2e-3]], dtype=np.float32)
    queries = Queries(points, None, np.ones(1, dtype=np.float32))
    vectors = np.zeros((1, 2), dtype=np.float32)
    ones = np.ones((1, 1), dtype=np.float32)
    _, by_block = Hyperbolic().block_backward(queries, Candidates(vectors), ones, ones)
    _, by_pairs = Hyperbolic().pairs_backward(queries, Candidates(vectors), ones[0])
    np.testing.assert_allclose(by_block.vectors, 8 * points, rtol=1e-3)
    np.testing.assert_allclose(by_pairs.vectors, 8 * points, rtol=1e-4)


def test_nan_is_seen() -> None:
    queries, candidates = example(3, 40)
    candidates.vectors[7, 2] = np.nan
    scores = np.empty((3, 40), dtype=np.float32)
    Hyperbolic().block(queries, candidates, scores)
    assert np.isnan(scores[:, 7]).all()
    assert np.isfinite(np.delete(scores, 7, axis=1)).all()


def test_a_missing_curvature_is_an_error() -> None:
    queries, candidates = example(3, 3)
    with pytest.raises(ValueError, match="need curvatures"):
        Hyperbolic().pairs(queries._replace(curvatures=None), candidates)
