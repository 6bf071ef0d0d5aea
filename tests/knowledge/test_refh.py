import numpy as np
import pytest
import torch

from graphembed.knowledge.refh import RefHFormula
from graphembed.testing import isometries


def move(heads: torch.Tensor, parts: isometries.Parts) -> torch.Tensor:
    mirrored = isometries.exp_0(isometries.reflect(heads, parts.planes[0]), parts.curvatures)
    return isometries.translate(mirrored, parts.vectors[0], parts.curvatures)


@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("n_components", [5, 8])
def test_formula(n_components: int, spread: float) -> None:
    isometries.check_isometry(RefHFormula(n_components), move, spread=spread)


def test_without_translation_a_relation_is_symmetric() -> None:
    """A reflection undoes itself: (h, r, t) and (t, r, h) score alike."""
    formula = RefHFormula(6)
    rng = np.random.default_rng(0)
    heads, tails = 0.3 * rng.standard_normal((2, 30, formula.entity_width)).astype(np.float32)
    heads[:, 6:] = tails[:, 6:] = 0
    relations = formula.initial_relations(np.arange(30), 0)
    relations[:, :6] = 0
    there, back = (
        formula.interaction.pairs(
            formula.tail_queries(a, relations), formula.candidates(b, relations)
        )
        for a, b in ((heads, tails), (tails, heads))
    )
    np.testing.assert_allclose(there, back, rtol=1e-4)
