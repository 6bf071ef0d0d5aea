import numpy as np
import pytest
import torch

from graphembed.knowledge import ball
from graphembed.knowledge.atth import AttHFormula
from graphembed.knowledge.isometry import Motion
from graphembed.testing import isometries


def move(heads: torch.Tensor, parts: isometries.Parts) -> torch.Tensor:
    (translation, attention), (rotation, reflection) = parts.vectors, parts.planes
    both = torch.stack([isometries.rotate(heads, rotation), isometries.reflect(heads, reflection)])
    logits = (attention * both).sum(dim=2, keepdim=True) / heads.shape[1] ** 0.5
    mixed = isometries.exp_0((logits.softmax(dim=0) * both).sum(dim=0), parts.curvatures)
    return isometries.translate(mixed, translation, parts.curvatures)


@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("n_components", [5, 8])
def test_formula(n_components: int, spread: float) -> None:
    isometries.check_isometry(AttHFormula(n_components), move, spread=spread)


@pytest.mark.parametrize("chosen", ["rotate", "reflect"])
def test_attention_chooses(chosen: str) -> None:
    """A long vector of attention leaves only the move it points along."""
    rng = np.random.default_rng(0)
    heads, translation = 0.3 * rng.standard_normal((2, 30, 6))
    rotation, reflection = rng.standard_normal((2, 30, 6))
    difference = ball.rotate(heads, rotation) - ball.reflect(heads, reflection)
    attention = (1e4 if chosen == "rotate" else -1e4) * difference
    c = np.ones(30)
    found = AttHFormula(6).move(heads, Motion([translation, attention], [rotation, reflection], c))
    moved = getattr(ball, chosen)(heads, rotation if chosen == "rotate" else reflection)
    expected = ball.mobius_add(ball.exp_0(moved, c), ball.exp_0(translation, c), c)
    np.testing.assert_allclose(found, expected, atol=1e-9)
