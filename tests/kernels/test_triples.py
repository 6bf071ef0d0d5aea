import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.kernels import triples

SHAPES = [(0, 3), (1, 1), (3, 17), (20, 65)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_square_norms(rng, shape):
    rows, out = normal(rng, *shape), np.empty(shape[0], np.float32)
    triples.square_norms(rows, out)
    assert_allclose(out, (rows**2).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_add_outer(rng, shape):
    scores, by_row, by_column = normal(rng, *shape), normal(rng, shape[0]), normal(rng, shape[1])
    expected = 2 * scores + by_row[:, np.newaxis] + by_column
    triples.add_outer(scores, np.float32(2), by_row, by_column)
    assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_products_become_distances(rng, shape):
    queries, candidates = normal(rng, shape[0], 8), normal(rng, shape[1], 8)
    scores = queries @ candidates.T
    triples.products_to_distances(scores, (queries**2).sum(1), (candidates**2).sum(1))
    expected = -np.linalg.norm(queries[:, np.newaxis] - candidates, axis=2)
    assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_rounding_never_makes_a_root_of_a_negative_number():
    scores = np.array([[1.0000001, np.nan]], np.float32)
    one = np.ones(1, np.float32)
    triples.products_to_distances(scores, one, np.ones(2, np.float32))
    assert_array_equal(scores, [[0, np.nan]])


@pytest.mark.parametrize("shape", SHAPES)
def test_sum_both_ways(rng, shape):
    values = normal(rng, *shape)
    by_row, by_column = np.full(shape[0], 9, np.float32), np.full(shape[1], 9, np.float32)
    triples.sum_both_ways(values, by_row, by_column)
    assert_allclose(by_row, values.sum(axis=1), rtol=1e-5, atol=1e-5)
    assert_allclose(by_column, values.sum(axis=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_distance_weights(rng, shape):
    distances = np.abs(normal(rng, *shape))
    row_shifts, column_shifts = normal(rng, shape[0]), normal(rng, shape[1])
    scores = row_shifts[:, np.newaxis] + column_shifts - distances
    floors = np.full(shape[0], 0.5, np.float32)
    grads = normal(rng, *shape)
    expected = grads / np.maximum(distances, 0.5)
    by_row, by_column = np.full(shape[0], 9, np.float32), np.full(shape[1], 9, np.float32)
    triples.distance_weights(scores, row_shifts, column_shifts, floors, grads, by_row, by_column)
    assert_allclose(grads, expected, rtol=1e-4, atol=1e-5)
    assert_allclose(by_row, expected.sum(axis=1), rtol=1e-4, atol=1e-4)
    assert_allclose(by_column, expected.sum(axis=0), rtol=1e-4, atol=1e-4)


def test_a_masked_score_has_no_weight():
    zero = np.zeros(1, np.float32)
    scores, grads = np.full((1, 1), -np.inf, np.float32), np.zeros((1, 1), np.float32)
    by_row, by_column = np.empty(1, np.float32), np.empty(1, np.float32)
    triples.distance_weights(scores, zero, zero, zero, grads, by_row, by_column)
    assert (grads[0, 0], by_row[0], by_column[0]) == (0, 0, 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_subtract_scaled(rng, shape):
    gradients, rows, sums = normal(rng, *shape), normal(rng, *shape), normal(rng, shape[0])
    expected = 2 * (gradients - sums[:, np.newaxis] * rows)
    triples.subtract_scaled(gradients, np.float32(2), sums, rows)
    assert_allclose(gradients, expected, rtol=1e-5, atol=1e-5)
