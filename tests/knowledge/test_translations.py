import pytest

from graphembed.knowledge.transd import TransDFormula
from graphembed.knowledge.transe import TransEFormula
from graphembed.knowledge.transh import TransHFormula
from graphembed.knowledge.translations import ProjectedTranslation, starting_bound
from graphembed.knowledge.transr import TransRFormula

FORMULAS = [TransEFormula, TransDFormula, TransHFormula, TransRFormula]


@pytest.mark.parametrize("formula", FORMULAS)
def test_first_values_are_within_the_bound(formula):
    for bound, given in ((0.6, formula(4)), (0.5, formula(4, initial_bound=0.5))):
        assert given.initial_bound == pytest.approx(bound)
        largest = abs(given.initial_entities(range(200), 0)).max()
        assert 0.9 * bound < largest <= bound * (1 + 1e-6)


def test_the_bound_of_the_authors():
    assert starting_bound(9, None) == 2
    assert starting_bound(9, 0.1) == 0.1


def test_projected_translations_depend_on_the_relation():
    assert [formula.by_relation for formula in FORMULAS] == [False, True, True, True]
    with pytest.raises(TypeError, match="abstract"):
        ProjectedTranslation()
