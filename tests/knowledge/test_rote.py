import pytest
import torch

from graphembed.knowledge.rote import RotEFormula
from graphembed.testing import isometries


def move(heads: torch.Tensor, parts: isometries.Parts) -> torch.Tensor:
    return isometries.rotate(heads, parts.planes[0]) + parts.vectors[0]


@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("n_components", [5, 8])
def test_formula(n_components: int, spread: float) -> None:
    isometries.check_isometry(RotEFormula(n_components), move, spread=spread)
