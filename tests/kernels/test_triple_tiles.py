import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.kernels.triple_tiles import (
    Absolute,
    ComplexModulus,
    Squared,
    TorusAbsolute,
    TorusSquared,
    block_gradients,
    block_scores,
    pair_gradients,
    pair_scores,
)
from graphembed.testing.reference import distance_slopes, row_distances

METRICS = [Absolute, Squared, TorusAbsolute, TorusSquared, ComplexModulus]
SIZES = [(1, 1), (2, 3), (4, 4), (5, 7), (9, 66), (17, 33)]


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def with_twins(rng, n_queries, n_candidates, width):
    """Return rows of which some are equal, so that differences are 0."""
    queries, candidates = normal(rng, n_queries, width), normal(rng, n_candidates, width)
    candidates[0] = queries[-1]
    return queries, candidates


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [32, 96])
def test_block_agrees_with_its_twin(metric, size, width):
    rng = np.random.default_rng(width)
    queries, candidates = with_twins(rng, *size, width)
    # A row more on each side: what lies behind is neither read nor written.
    out = np.full((size[0] + 1, size[1]), 7, np.float32)
    block_scores(metric(), queries, candidates, out[:-1])
    expected = row_distances(metric.__name__, queries[:, np.newaxis], candidates)
    assert_allclose(out[:-1], -expected, rtol=1e-5, atol=1e-5)
    assert_array_equal(out[-1], 7)

    grads = normal(rng, *size)
    to_queries = np.ones((size[0] + 1, width), np.float32)
    to_candidates = np.ones((size[1] + 1, width), np.float32)
    scaled = grads * np.float32(metric.slope_unit)
    block_gradients(metric(), queries, candidates, scaled, to_queries[:-1], to_candidates[:-1])
    slopes = distance_slopes(metric.__name__, queries[:, np.newaxis], candidates)
    pulls = grads[:, :, np.newaxis] * slopes
    assert_allclose(to_queries[:-1], 1 - pulls.sum(axis=1), rtol=1e-4, atol=1e-4)
    assert_allclose(to_candidates[:-1], 1 + pulls.sum(axis=0), rtol=1e-4, atol=1e-4)
    assert_array_equal(to_queries[-1], 1)
    assert_array_equal(to_candidates[-1], 1)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n", [0, 1, 15, 16, 35])
def test_pairs_agree_with_their_twin(metric, n):
    rng = np.random.default_rng(n)
    queries, candidates = normal(rng, n, 64), normal(rng, n, 64)
    candidates[: n // 2] = queries[: n // 2]
    out = np.empty(n, np.float32)
    pair_scores(metric(), queries, candidates, out)
    expected = row_distances(metric.__name__, queries, candidates)
    assert_allclose(out, -expected, rtol=1e-5, atol=1e-5)

    grads = normal(rng, n)
    to_queries, to_candidates = np.empty_like(queries), np.empty_like(queries)
    scaled = grads * np.float32(metric.slope_unit)
    pair_gradients(metric(), queries, candidates, scaled, to_queries, to_candidates)
    pulls = grads[:, np.newaxis] * distance_slopes(metric.__name__, queries, candidates)
    assert_allclose(to_candidates, pulls, rtol=1e-5, atol=1e-6)
    assert_array_equal(to_queries, -to_candidates)


@pytest.mark.parametrize("metric", METRICS)
def test_a_score_does_not_depend_on_its_place(metric):
    rng = np.random.default_rng(0)
    queries, candidates = normal(rng, 11, 64), normal(rng, 70, 64)
    whole, part = np.empty((11, 70), np.float32), np.empty((8, 65), np.float32)
    block_scores(metric(), queries, candidates, whole)
    block_scores(metric(), queries[3:], candidates[5:], part)
    assert_array_equal(part, whole[3:, 5:])


@pytest.mark.parametrize("metric", METRICS)
def test_nan_stays_in_its_row(metric):
    rng = np.random.default_rng(0)
    queries, candidates = normal(rng, 6, 32), normal(rng, 9, 32)
    candidates[4, 3] = np.nan
    out = np.empty((6, 9), np.float32)
    block_scores(metric(), queries, candidates, out)
    assert_array_equal(np.isnan(out), np.arange(9) == 4 * np.ones((6, 1)))


@pytest.mark.parametrize("metric", [Absolute, TorusAbsolute])
def test_small_differences_have_a_full_slope(metric):
    tiny = np.float32(1e-18)
    queries, candidates = np.zeros((1, 16), np.float32), np.full((1, 16), tiny)
    to_queries, to_candidates = np.zeros((1, 16), np.float32), np.zeros((1, 16), np.float32)
    block_gradients(
        metric(), queries, candidates, np.ones((1, 1), np.float32), to_queries, to_candidates
    )
    assert_array_equal(to_queries, 1)
    assert_array_equal(to_candidates, -1)


PLAIN = """
import numpy as np
from graphembed.kernels import triple_tiles as tiles
from graphembed.testing.reference import distance_slopes, row_distances

assert not tiles._WIDE
rng = np.random.default_rng(0)
queries, candidates = (rng.normal(size=(n, 32)).astype(np.float32) for n in (5, 7))
candidates[0] = queries[0]
for metric in (tiles.Absolute, tiles.TorusAbsolute, tiles.ComplexModulus):
    scores, weights = np.empty((5, 7), np.float32), np.full((5, 7), metric.slope_unit, np.float32)
    tiles.block_scores(metric(), queries, candidates, scores)
    expected = row_distances(metric.__name__, queries[:, np.newaxis], candidates)
    np.testing.assert_allclose(scores, -expected, rtol=1e-5, atol=1e-5)
    found = np.zeros_like(queries), np.zeros_like(candidates)
    tiles.block_gradients(metric(), queries, candidates, weights, *found)
    slopes = distance_slopes(metric.__name__, queries[:, np.newaxis], candidates)
    np.testing.assert_allclose(found[0], -slopes.sum(axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], slopes.sum(axis=0), rtol=1e-5, atol=1e-5)
"""


def test_a_processor_without_vectors_will_do(tmp_path):
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONSAFEPATH": "1",
    }
    command = [sys.executable, "-W", "error", "-c", PLAIN]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
