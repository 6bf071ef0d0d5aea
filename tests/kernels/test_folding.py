import itertools

import numpy as np
import pytest

from graphembed.kernels.folding import fold_in, hash_rows
from graphembed.testing import reference


def case(seed: int = 0):
    rng = np.random.default_rng(seed)
    indptr = np.array([0, 3, 3, 7], dtype=np.int64)
    indices = np.array([0, 2, 5, 1, 2, 3, 8], dtype=np.int32)
    weights = rng.random(7).astype(np.float32) + np.float32(0.1)
    w_in, w_out = rng.standard_normal((2, 10, 6)).astype(np.float32)
    table = np.arange(10, dtype=np.uint64) << np.uint64(32)  # every alias is the entry itself
    return indptr, indices, weights, w_in, w_out, table


def test_hash_twins_agree() -> None:
    indptr, indices, weights, *_ = case()
    found = np.empty(3, dtype=np.uint64)
    bits = weights.view(np.uint32)
    hash_rows(indptr, indices, bits, found, 0, 3)
    expected = [reference.row_hash(indices[a:b], bits[a:b]) for a, b in itertools.pairwise(indptr)]
    assert found.tolist() == expected


@pytest.mark.parametrize("n_steps", [0, 1, 25])
def test_fold_in_twins_agree(n_steps: int) -> None:
    indptr, indices, weights, w_in, w_out, table = case()
    keys = np.array([11, 12, 13], dtype=np.uint64)
    rows = np.full((3, 6), np.nan, dtype=np.float32)
    rate = np.float32(0.05)
    fold_in(indptr, indices, weights, keys, w_in, w_out, table, n_steps, 2, rate, rows, 0, 3)
    for i, (a, b) in enumerate(itertools.pairwise(indptr)):
        expected = reference.fold_in(
            indices[a:b], weights[a:b], int(keys[i]), w_in, w_out, n_steps, 2, 0.05
        )
        np.testing.assert_allclose(rows[i], expected, rtol=1e-4, atol=1e-5)
    assert not rows[1].any()
