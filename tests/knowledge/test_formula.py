"""What a formula is unless it says otherwise."""

import numpy as np
import pytest

from graphembed.knowledge import all_models
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.interactions import Candidates


def test_entities_are_candidates_as_they_are() -> None:
    formula = DistMultFormula(3)
    rows = np.ones((2, 3), dtype=np.float32)
    np.testing.assert_array_equal(formula.candidates(rows, rows[:0]).vectors, rows)
    back = formula.candidates_backward(rows, rows[:0], Candidates(2 * rows))
    np.testing.assert_array_equal(back.entities, 2 * rows)


@pytest.mark.parametrize("name", all_models())
def test_rows_have_the_widths_that_are_declared(name: str) -> None:
    formula = all_models()[name](n_components=4)._formula()
    entities = formula.initial_entities(np.arange(5), 1)
    relations = formula.initial_relations(np.arange(3), 1)
    assert entities.shape == (5, formula.entity_width)
    assert relations.shape == (3, formula.relation_width)
    assert entities.dtype == relations.dtype == np.float32
    np.testing.assert_array_equal(formula.initial_entities(np.array([4]), 1), entities[4:])
    assert formula.settings()["formula"] == type(formula).__name__
