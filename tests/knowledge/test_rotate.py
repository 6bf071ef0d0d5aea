import numpy as np
import pytest
import torch

from graphembed.knowledge.rotate import RotatEFormula
from graphembed.testing.formulas import check_formula


def test_formula():
    def numpy_score(h, r, t):
        return -sum(
            abs((h[j] + 1j * h[j + 4]) * np.exp(1j * r[j]) - (t[j] + 1j * t[j + 4]))
            for j in range(4)
        )

    def torch_score(h, r, t):
        turned = torch.complex(h[:, :4], h[:, 4:]) * torch.polar(torch.ones_like(r), r)
        return -(turned - torch.complex(t[:, :4], t[:, 4:])).abs().sum(1)

    check_formula(RotatEFormula(8), numpy_score, torch_score)


def test_first_distances_are_small():
    formula = RotatEFormula(128)
    heads, tails = np.split(formula.initial_entities(np.arange(400), 0), 2)
    queries = formula.tail_queries(heads, formula.initial_relations(np.arange(200), 1))
    scores = formula.interaction.pairs(queries, formula.candidates(tails, heads[:0]))
    assert -scores.mean() == pytest.approx(2.1, abs=0.2)
