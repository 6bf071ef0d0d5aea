import numpy as np
import pytest

from graphembed.knowledge.interactions import Candidates
from graphembed.knowledge.rote import RotEFormula


def test_first_values_are_the_published_ones() -> None:
    """Small normal vectors, no biases, directions uniform in a square."""
    formula = RotEFormula(32)
    entities = formula.initial_entities(np.arange(500), 1)
    relations = formula.initial_relations(np.arange(500), 1)
    for vectors in (entities[:, :32], relations[:, :32]):
        assert vectors.std() == pytest.approx(1e-3, rel=0.05)
    np.testing.assert_array_equal(entities[:, 32:], 0)
    planes = relations[:, 32:]
    assert planes.shape == (500, 32)
    assert np.abs(planes).max() <= 1
    assert planes.std() == pytest.approx(3**-0.5, rel=0.05)


def test_a_candidate_is_its_vector_and_its_second_bias() -> None:
    formula = RotEFormula(3)
    rows = np.arange(10, dtype=np.float32).reshape(2, 5)
    vectors, shifts = formula.candidates(rows, rows[:0])
    np.testing.assert_array_equal(vectors, [[0, 1, 2], [5, 6, 7]])
    np.testing.assert_array_equal(shifts, [4, 9])
    back, _ = formula.candidates_backward(rows, rows[:0], Candidates(vectors, shifts))
    np.testing.assert_array_equal(back, [[0, 1, 2, 0, 4], [5, 6, 7, 0, 9]])
