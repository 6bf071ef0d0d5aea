import numpy as np
import pytest

from graphembed.knowledge.toruse import TorusEFormula
from graphembed.testing.formulas import check_formula


@pytest.mark.parametrize("norm", [1, 2])
def test_formula(norm):
    def numpy_score(h, r, t):
        ways = [min(abs(x - k) for k in range(-20, 21)) for x in h + r - t]
        return -sum(way**norm for way in ways)

    def torch_score(h, r, t):
        x = h + r - t
        return -((x - x.round().detach()).abs() ** norm).sum(1)

    check_formula(TorusEFormula(7, norm), numpy_score, torch_score)


def test_points_are_brought_near_the_origin():
    rows = np.array([[0.25, -0.75, 3.5, 2.25]], dtype=np.float32)
    TorusEFormula(4).constrain_entities(rows)
    np.testing.assert_array_equal(np.abs(rows), [[0.25, 0.25, 0.5, 0.25]])
    TorusEFormula(4).constrain_relations(rows)
    np.testing.assert_array_equal(np.abs(rows), [[0.25, 0.25, 0.5, 0.25]])
