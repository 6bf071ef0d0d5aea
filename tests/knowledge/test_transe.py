import numpy as np
import pytest
import torch

from graphembed.knowledge.transe import TransEFormula
from graphembed.testing.formulas import check_formula


@pytest.mark.parametrize("norm", [1, 2])
def test_formula(norm):
    check_formula(
        TransEFormula(7, norm),
        lambda h, r, t: -np.linalg.norm(h + r - t, norm),
        lambda h, r, t: -torch.linalg.vector_norm(h + r - t, norm, dim=1),
    )
