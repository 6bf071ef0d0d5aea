import numpy as np
import pytest
import torch

from graphembed.knowledge.rote import RotEFormula
from graphembed.knowledge.roth import RotHFormula
from graphembed.testing import isometries


def move(heads: torch.Tensor, parts: isometries.Parts) -> torch.Tensor:
    before, after = parts.vectors
    moved = isometries.translate(
        isometries.exp_0(heads, parts.curvatures), before, parts.curvatures
    )
    return isometries.translate(isometries.rotate(moved, parts.planes[0]), after, parts.curvatures)


@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("n_components", [5, 8])
def test_formula(n_components: int, spread: float) -> None:
    isometries.check_isometry(RotHFormula(n_components), move, spread=spread)


def test_without_curvature_it_is_rote() -> None:
    """Flat, the distance of the ball is twice that of Euclid, and one translation is enough."""
    curved, flat = RotHFormula(6), RotEFormula(6)
    rng = np.random.default_rng(0)
    heads, tails = rng.standard_normal((2, 30, 8)).astype(np.float32)
    heads[:, 6:] = tails[:, 6:] = 0
    moves, planes = rng.standard_normal((2, 30, 6)).astype(np.float32)
    almost_flat = np.full((30, 1), -12, dtype=np.float32)
    relations = np.hstack([0 * moves, moves, planes, almost_flat])
    scores = [
        formula.interaction.pairs(
            formula.tail_queries(heads, rows), formula.candidates(tails, rows)
        )
        for formula, rows in ((curved, relations), (flat, np.hstack([moves, planes])))
    ]
    np.testing.assert_allclose(scores[0], 4 * scores[1], rtol=1e-3)


def test_the_first_curvature_is_the_published_one() -> None:
    formula = RotHFormula(6)
    rows = formula.initial_relations(np.arange(3), 0)
    queries = formula.tail_queries(formula.initial_entities(np.arange(3), 0), rows)
    np.testing.assert_allclose(queries.curvatures, np.log1p(np.e), rtol=1e-6)
