"""What an epoch with negatives of each triple's own goes through."""

import numpy as np
import pytest

from graphembed.knowledge.individual_triples import Epoch, TriplesToTrain, cut

# Relation 0 leads many heads to one tail, relation 1 has no triples.
TRIPLES = np.array([[0, 0, 3], [1, 0, 3], [2, 0, 3], [3, 2, 0]])


def make(negatives: str, *, reciprocal: bool = False) -> TriplesToTrain:
    return TriplesToTrain.make(TRIPLES, 4, 3, negatives, reciprocal=reciprocal)


def test_sides() -> None:
    prepared = make("bernoulli")
    assert prepared.source is TRIPLES
    np.testing.assert_array_equal(prepared.rows, TRIPLES)
    np.testing.assert_allclose(prepared.chances, [0.25, 0.5, 0.5])
    np.testing.assert_array_equal(prepared.units, [2**30, 2**31, 2**31])
    np.testing.assert_array_equal(make("uniform").chances, 0.5)


@pytest.mark.parametrize("negatives", ["uniform", "bernoulli"])
def test_inverses_replace_only_tails(negatives: str) -> None:
    prepared = make(negatives, reciprocal=True)
    np.testing.assert_array_equal(prepared.rows[:4], TRIPLES)
    np.testing.assert_array_equal(prepared.rows[4:, [2, 0]], TRIPLES[:, [0, 2]])
    np.testing.assert_array_equal(prepared.rows[4:, 1], TRIPLES[:, 1] + 3)
    assert prepared.rows.flags.c_contiguous
    assert len(prepared.units) == 6
    assert not prepared.units.any()


def test_learning_rate_within_an_epoch() -> None:
    epoch = Epoch(make("uniform"), np.arange(4), np.uint64(0), 2, lambda done: done / 10)
    assert epoch.rate(0) == np.float32(0.2)
    assert epoch.rate(2) == np.float32(0.25)


def test_cut() -> None:
    assert cut(3, 10, 3) == [(3, 6), (6, 9), (9, 10)]
    assert cut(3, 3, 3) == []
