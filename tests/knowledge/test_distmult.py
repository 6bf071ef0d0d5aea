from graphembed.knowledge.distmult import DistMultFormula
from graphembed.testing.formulas import check_formula


def test_formula():
    check_formula(
        DistMultFormula(7),
        lambda h, r, t: sum(h[j] * r[j] * t[j] for j in range(7)),
        lambda h, r, t: (h * r * t).sum(1),
    )
