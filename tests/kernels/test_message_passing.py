import numpy as np
import pytest

from graphembed.kernels.message_passing import SPAN, drop, segment_max, segment_max_gradient
from graphembed.testing import reference

INDPTR = np.array([0, 3, 3, 5, 6])
INDICES = np.array([1, 0, 4, 2, 4, 3], dtype=np.int32)


def rows(*shape: int) -> np.ndarray:
    # Few different values, so that maxima are shared.
    return np.random.default_rng(0).integers(-3, 3, size=shape).astype(np.float32)


@pytest.mark.parametrize("d", [1, 5, 40])
def test_segment_max_and_its_gradient(d: int) -> None:
    matrix = rows(5, d)
    out = np.full((4, d), 7, dtype=np.float32)
    winners = np.full((4, d), 7, dtype=np.int32)
    segment_max(INDPTR, INDICES, matrix, out, winners, 0, 4)
    expected, where = reference.segment_max(INDPTR, INDICES, matrix)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(winners, where)

    gradient = rows(4, d)
    turned, targets = np.array([0, 1, 2, 3, 4, 6]), np.array([0, 0, 2, 3, 0, 2], dtype=np.int32)
    back = np.full((5, d), 7, dtype=np.float32)
    segment_max_gradient(turned, targets, winners, gradient, back, 0, 5)
    np.testing.assert_array_equal(back, reference.segment_max_gradient(winners, gradient, 5))


def test_segment_max_writes_its_range_only() -> None:
    out, winners = np.full((4, 2), 7, dtype=np.float32), np.full((4, 2), 7, dtype=np.int32)
    segment_max(INDPTR, INDICES, rows(5, 2), out, winners, 1, 2)
    assert (out[[0, 2, 3]] == 7).all()
    assert (out[1] == 0).all()


def test_drop_is_its_twin_wherever_it_is_cut() -> None:
    values = np.random.default_rng(0).normal(size=2 * SPAN + 7).astype(np.float32)
    threshold, scale = np.uint32(0.3 * 2**32), np.float32(1 / 0.7)
    out = np.empty_like(values)
    for first, last in ((SPAN, len(values)), (0, SPAN)):
        drop(np.uint64(5), values, threshold, scale, out, first, last)
    np.testing.assert_array_equal(out, reference.drop(5, values, threshold, scale, SPAN))


def test_places_are_dropped_independently() -> None:
    n = 1 << 20
    out = np.empty(n, dtype=np.float32)
    drop(np.uint64(1), np.ones_like(out), np.uint32(2**32 // 4), np.float32(1), out, 0, n)
    dropped = out == 0
    assert abs(dropped.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / n)
    for lag in (1, 2, 16, 256, SPAN):
        assert abs(np.corrcoef(dropped[:-lag], dropped[lag:])[0, 1]) < 5 / np.sqrt(n)
    counts = dropped.reshape(-1, 256).sum(axis=1)
    assert counts.var() == pytest.approx(256 * 0.25 * 0.75, rel=0.1)
