from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.exceptions import DivergedError
from graphembed.knowledge.optimizers import OPTIMIZERS, make_optimizer
from graphembed.knowledge.tables import PiecedTable, RowTable

BOUNDS = [0, 4, 4, 9, 10]  # one piece is empty


def tables(optimizer):
    """Return a table, and the same in pieces."""
    values = np.random.default_rng(0).standard_normal((BOUNDS[-1], 3), dtype=np.float32)
    state = optimizer.initial_state(*values.shape)
    parts = [slice(*ends) for ends in pairwise(BOUNDS)]
    pieces = [RowTable(values[part].copy(), state[part].copy()) for part in parts]
    return RowTable(values, state), PiecedTable(pieces)


def test_rows_are_numbered_through():
    whole, pieced = tables(make_optimizer("adagrad"))
    assert len(pieced) == len(whole) == 10
    assert pieced.starts.tolist() == BOUNDS
    assert_array_equal(pieced.values, whole.values)
    rows = np.array([9, 0, 4, 3, 4])
    assert_array_equal(pieced.gather(rows), whole.values[rows])
    assert pieced.gather(rows[:0]).shape == (0, 3)


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_pieces_step_as_the_whole_does(name, n_jobs):
    optimizer = make_optimizer(name)
    whole, pieced = tables(optimizer)
    rng = np.random.default_rng(1)

    def halve(rows):
        rows *= 0.5

    for _ in range(3):
        rows = [rng.integers(0, 9, 20), rng.integers(0, 3, 5)]  # none of the last piece
        grads = [rng.standard_normal((len(part), 3), dtype=np.float32) for part in rows]
        for table in (whole, pieced):
            table.update(optimizer, rows, grads, 0.1, halve, n_jobs)
        assert_array_equal(pieced.values, whole.values)
    assert_array_equal(np.concatenate([piece.state for piece in pieced.pieces]), whole.state)


def test_a_gradient_that_is_not_finite():
    optimizer = make_optimizer("adagrad")
    _, pieced = tables(optimizer)
    with pytest.raises(DivergedError, match="Lower the learning rate"):
        pieced.update(
            optimizer, [np.array([5])], [np.full((1, 3), np.nan, dtype=np.float32)], 0.1, None, 2
        )
