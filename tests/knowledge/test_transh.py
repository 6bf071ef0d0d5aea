import numpy as np
import pytest
import torch

from graphembed.knowledge.transh import TransHFormula
from graphembed.testing.formulas import check_formula


@pytest.mark.parametrize("norm", [1, 2])
def test_formula(norm):
    def numpy_score(h, r, t):
        translation, normal = r[:7], r[7:]
        plane = np.eye(7) - np.outer(normal, normal)
        return -np.linalg.norm(plane @ h + translation - plane @ t, norm)

    def torch_score(h, r, t):
        translation, normal = r[:, :7], r[:, 7:]
        h, t = (x - (normal * x).sum(1, keepdim=True) * normal for x in (h, t))
        return -torch.linalg.vector_norm(h + translation - t, norm, dim=1)

    check_formula(TransHFormula(7, norm), numpy_score, torch_score)


def test_normals_are_unit_vectors():
    formula = TransHFormula(4)
    rows = formula.initial_relations(np.arange(5), 0)
    np.testing.assert_allclose(np.linalg.norm(rows[:, 4:], axis=1), 1, rtol=1e-6)
    moved = 3 * rows
    moved[4] = 0
    formula.constrain_relations(moved)
    np.testing.assert_allclose(moved[:4, 4:], rows[:4, 4:], rtol=1e-6)
    np.testing.assert_array_equal(moved[:4, :4], 3 * rows[:4, :4])
    assert not moved[4].any()


def test_an_answer_may_move_along_the_normal():
    formula = TransHFormula(4)
    relations = formula.initial_relations(np.array([0]), 0)
    tails = formula.initial_entities(np.arange(3), 1)
    moved = formula.candidates(tails + 5 * relations[:, 4:], relations)
    np.testing.assert_allclose(
        moved.vectors, formula.candidates(tails, relations).vectors, atol=1e-5
    )
