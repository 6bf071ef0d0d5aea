import numpy as np
import pytest
import torch

from graphembed.knowledge.transd import TransDFormula
from graphembed.testing.formulas import check_formula


@pytest.mark.parametrize("norm", [1, 2])
def test_formula(norm):
    def numpy_score(h, r, t):
        h, t = ((np.outer(r[5:], x[5:]) + np.eye(5)) @ x[:5] for x in (h, t))
        return -np.linalg.norm(h + r[:5] - t, norm)

    def torch_score(h, r, t):
        h, t = (x[:, :5] + (x[:, 5:] * x[:, :5]).sum(1, keepdim=True) * r[:, 5:] for x in (h, t))
        return -torch.linalg.vector_norm(h + r[:, :5] - t, norm, dim=1)

    check_formula(TransDFormula(5, norm), numpy_score, torch_score)
