"""Penalties against autograd."""

import numpy as np
import pytest
import torch

from graphembed.knowledge.complex import ComplExFormula
from graphembed.knowledge.distmult import DistMultFormula
from graphembed.knowledge.regularizers import REGULARIZERS

PENALTIES = {
    ("l2", False): lambda x: (x**2).sum(),
    ("l2", True): lambda x: (x**2).sum(),
    ("n3", False): lambda x: (x.abs() ** 3).sum(),
    ("n3", True): lambda x: (torch.hypot(*x.chunk(2, dim=1)) ** 3).sum(),
}


@pytest.mark.parametrize(("name", "is_complex"), PENALTIES)
def test_gradients_are_added(name: str, is_complex: bool) -> None:
    formula = ComplExFormula(6) if is_complex else DistMultFormula(6)
    values = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    before = np.ones_like(values)
    wanted = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    PENALTIES[name, is_complex](wanted).backward()
    found = REGULARIZERS[name](values, before, 0.3, formula)
    np.testing.assert_allclose(found, 1 + 0.3 * wanted.grad.numpy(), rtol=1e-5)
