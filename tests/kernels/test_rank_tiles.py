import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.kernels import rank_tiles
from graphembed.kernels.pair_tiles import QUERIES, ROWS
from graphembed.testing import reference

KINDS = {
    "product": rank_tiles.PRODUCT,
    "squared_euclidean": rank_tiles.SQUARES,
    "manhattan": rank_tiles.ABSOLUTE,
    "torus_1": rank_tiles.TORUS,
    "torus_2": rank_tiles.TORUS_SQUARES,
    "modulus": rank_tiles.MODULUS,
}


def tile(name, queries, candidates, shifts):
    """Score one tile of rows."""
    d = queries.shape[1]
    order = np.arange(d).reshape(2, -1).T.ravel() if name == "modulus" else np.arange(d)
    packed = np.full((2, d, QUERIES), 7, dtype=np.float32)
    packed[1] = queries[:, order].T
    out = np.empty((QUERIES, ROWS), dtype=np.float32)
    panel = np.ascontiguousarray(candidates[:, order].T)
    rank_tiles.score_tile(KINDS[name], packed, 1, panel, shifts, out)
    return out


def draw(seed, d):
    rng = np.random.default_rng(seed)
    sizes = [(QUERIES, d), (ROWS, d), (ROWS,)]
    return [rng.normal(size=size).astype(np.float32) for size in sizes]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("d", [2, 6, 64])
def test_scores_are_those_of_the_twin(name, d):
    queries, candidates, shifts = draw(d, d)
    expected = reference.rank_scores(name, queries, candidates, shifts)
    assert_allclose(tile(name, queries, candidates, shifts), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_a_score_has_the_same_bits_wherever_it_stands(name):
    queries, candidates, shifts = draw(0, 50)
    whole = tile(name, queries, candidates, shifts)
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(QUERIES), rng.permutation(ROWS)
    moved = tile(name, queries[rows], candidates[columns], shifts[columns])
    assert_array_equal(moved, whole[np.ix_(rows, columns)])


def test_the_torus_goes_the_shorter_way():
    queries, candidates = np.zeros((QUERIES, 1), np.float32), np.zeros((ROWS, 1), np.float32)
    candidates[:5, 0] = [0.75, -2.25, 5, 0.5, 1.5]
    found = tile("torus_1", queries, candidates, np.zeros(ROWS, np.float32))
    assert_array_equal(found[0, :5], [-0.25, -0.25, 0, -0.5, -0.5])


def test_counts_are_those_of_the_twin():
    rng = np.random.default_rng(2)
    scores = rng.integers(0, 4, (QUERIES, ROWS)).astype(np.float32)
    scores[0, ::3], bars = np.nan, np.ones(2 * QUERIES, dtype=np.float32)
    bars[QUERIES + 1] = np.nan
    chosen = rng.random((QUERIES, ROWS)) < 0.7
    allowed = np.zeros(2 * QUERIES, dtype=np.uint64)
    allowed[QUERIES:] = (chosen * 2.0 ** np.arange(ROWS)).sum(axis=1).astype(np.uint64)
    above, reached = np.full((2, 2 * QUERIES), 10)
    rank_tiles.count_tile(scores, 1, bars, allowed, above, reached)
    assert_array_equal(above[:QUERIES], 10)
    for i in range(QUERIES):
        line = np.append(scores[i], bars[QUERIES + i])
        known = np.flatnonzero(~chosen[i])
        assert reference.count_better(line, ROWS, known) == (
            above[QUERIES + i] - 10, reached[QUERIES + i] - 10, chosen[i].sum(),
        )  # fmt: skip
