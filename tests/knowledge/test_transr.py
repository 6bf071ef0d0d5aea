import numpy as np
import pytest
import torch

from graphembed.knowledge.transr import TransRFormula
from graphembed.testing.formulas import check_formula


@pytest.mark.parametrize("norm", [1, 2])
def test_formula(norm):
    def numpy_score(h, r, t):
        matrix = r[3:].reshape(3, 5)
        return -np.linalg.norm(matrix @ h + r[:3] - matrix @ t, norm)

    def torch_score(h, r, t):
        matrix = r[:, 3:].reshape(-1, 3, 5)
        h, t = ((matrix @ x[:, :, None])[:, :, 0] for x in (h, t))
        return -torch.linalg.vector_norm(h + r[:, :3] - t, norm, dim=1)

    check_formula(TransRFormula(5, 3, norm), numpy_score, torch_score)


def test_matrices_start_near_the_identity():
    rows = TransRFormula(5).initial_relations(np.arange(4), 0)
    identity = np.broadcast_to(np.eye(5), (4, 5, 5))
    np.testing.assert_allclose(rows[:, 5:].reshape(4, 5, 5), identity, atol=0.05)


def test_ranked_candidates_are_those_of_training():
    formula = TransRFormula(5, 3)
    entities = formula.initial_entities(np.arange(9), 1)
    relations = formula.initial_relations(np.arange(1), 2)
    np.testing.assert_allclose(
        formula.ranked_candidates(entities, relations).vectors,
        formula.candidates(entities, relations).vectors,
        rtol=1e-5,
        atol=1e-6,
    )
