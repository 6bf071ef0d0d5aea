import numpy as np
import pytest
from numpy.testing import assert_array_equal

from graphembed.knowledge.growing import grow_tables
from graphembed.knowledge.transe import TransEFormula

FORMULA = TransEFormula(3)


@pytest.mark.parametrize("reciprocal", [True, False])
def test_known_rows_stay_and_inverses_stay_behind(reciprocal):
    entities = np.ones((4, 3), dtype=np.float32)
    relations = np.arange(12, dtype=np.float32).reshape(4, 3)
    n_known = 2 if reciprocal else 4
    more, grown = grow_tables(
        FORMULA, entities, relations, 6, n_known + 1, reciprocal=reciprocal, key=5
    )
    assert_array_equal(more[:4], entities)
    assert more.shape == (6, 3)
    assert len(np.unique(more[3:], axis=0)) == 3
    if reciprocal:
        assert_array_equal(grown[[0, 1, 3, 4]], relations)
        assert not np.array_equal(grown[2], grown[5])
    else:
        assert_array_equal(grown[:4], relations)
    assert grown.dtype == more.dtype == np.float32


def test_fresh_rows_depend_on_the_key():
    tables = np.ones((1, 3), dtype=np.float32), np.ones((1, 3), dtype=np.float32)
    one, same, other = (
        grow_tables(FORMULA, *tables, 3, 2, reciprocal=False, key=key) for key in (5, 5, 6)
    )
    for a, b, c in zip(one, same, other, strict=True):
        assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_nothing_new_is_a_copy():
    tables = np.ones((2, 3), dtype=np.float32), np.ones((2, 3), dtype=np.float32)
    grown = grow_tables(FORMULA, *tables, 2, 1, reciprocal=True, key=0)
    for old, new in zip(tables, grown, strict=True):
        assert_array_equal(old, new)
        assert not np.shares_memory(old, new)
