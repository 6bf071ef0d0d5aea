import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphembed.kernels import rank_tiles, ranking
from graphembed.kernels.pair_tiles import QUERIES, ROWS
from graphembed.testing import reference


def lay_out(queries, candidates, shifts):
    """Lay out everything in the order given; one place of the last tile holds no query."""
    order = np.arange(queries.shape[1])
    slots = np.append(np.arange(len(queries)), -1)
    n_groups, n_panels = len(slots) // QUERIES, -(-len(candidates) // ROWS)
    packed = np.full((n_groups, len(order), QUERIES), 9, dtype=np.float32)
    ranking.pack_queries(queries, slots, order, packed)
    panels = np.full((n_panels, len(order), ROWS), 9, dtype=np.float32)
    finite = ranking.pack_candidates(candidates, order, len(candidates), panels)
    padded = np.zeros(n_panels * ROWS, dtype=np.float32)
    padded[: len(shifts)] = shifts
    return slots, packed, panels, padded.reshape(-1, ROWS), finite


def test_products_of_rows_do_not_depend_on_their_place():
    rng = np.random.default_rng(0)
    rows, matrix = (rng.normal(size=size).astype(np.float32) for size in ((37, 11), (11, 21)))
    out, turned = np.zeros((2, 37, 21), dtype=np.float32)
    ranking.add_products(rows, matrix, out)
    assert_allclose(out, rows @ matrix, rtol=1e-5, atol=1e-6)
    ranking.add_products(rows[::-1].copy(), matrix, turned)
    assert_array_equal(turned[::-1], out)


def test_layout_and_what_is_not_finite():
    candidates = np.arange(6, dtype=np.float32).reshape(3, 2)
    order, panels = np.array([1, 0]), np.full((1, 2, ROWS), 9, dtype=np.float32)
    assert ranking.pack_candidates(candidates, order, 3, panels)
    assert_array_equal(panels[0, :, :4], [[1, 3, 5, 0], [0, 2, 4, 0]])
    for bad in (np.nan, np.inf):
        candidates[1, 1] = bad
        assert not ranking.pack_candidates(candidates, order, 3, panels)
    assert ranking.pack_candidates(candidates, order, 1, panels)
    assert_array_equal(panels[0, :, 1:], 0)


@pytest.mark.parametrize("form", [ranking.SUM, ranking.ROOT, ranking.HYPERBOLIC])
def test_counts_are_those_of_the_twin(form):
    rng = np.random.default_rng(form)
    n_queries, n, d = 3 * QUERIES - 1, 3 * ROWS - 5, 6
    queries = (0.3 * rng.normal(size=(n_queries, d))).astype(np.float32)
    candidates = (0.5 * rng.normal(size=(n, d))).astype(np.float32)
    candidates[0] = 0
    shifts = rng.normal(size=n).astype(np.float32)
    own = rng.integers(0, n, n_queries)
    known = [np.unique(rng.integers(0, n, 9)) for _ in range(n_queries)]
    bounds = np.cumsum([0, *map(len, known)])
    slots, packed, panels, laid, finite = lay_out(queries, candidates, shifts)
    assert finite
    curvatures = np.float32([0.2, 0.4, 0.4])
    factors = np.empty(len(slots), dtype=np.float32)
    ranking.query_factors(packed, curvatures, factors)
    answers = candidates[own[np.maximum(slots, 0)]]
    bars = np.empty(len(slots), dtype=np.float32)
    arguments = (rank_tiles.SQUARES, form, packed, factors, curvatures)
    ranking.true_scores(
        *arguments, 0, 3, answers, shifts[own[np.maximum(slots, 0)]], np.arange(d), bars
    )
    counts = np.zeros((3, len(slots)), dtype=np.int64)
    ends = np.concatenate(known)
    # Two chunks, the second of one panel, and groups in two parts.
    for first, stop in ((0, 2 * ROWS), (2 * ROWS, n)):
        for start, end in ((0, 1), (1, 3)):
            part = slice(first // ROWS, None)
            ranking.count_groups(
                *arguments, start, end, panels[part], laid[part], stop - first, first,
                slots, bounds[:-1], bounds[1:], ends, own, bars, *counts,
            )  # fmt: skip
    curved = np.repeat(curvatures, QUERIES)[:-1]
    squares = reference.rank_scores("squared_euclidean", queries, candidates)
    scores = {
        ranking.SUM: lambda: squares,
        ranking.ROOT: lambda: -np.sqrt(-squares),
        ranking.HYPERBOLIC: lambda: reference.hyperbolic_scores(queries, curved, candidates),
    }[form]() + shifts
    assert_allclose(bars[:-1], scores[np.arange(n_queries), own], rtol=1e-4, atol=1e-5)
    for i in range(n_queries):
        expected = reference.count_better(scores[i], own[i], known[i])
        assert tuple(counts[:, i]) == expected
    assert_array_equal(counts[:, -1], 0)
