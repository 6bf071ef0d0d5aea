"""Losses against their slow twin."""

import numpy as np
import pytest

from graphembed.kernels import losses
from graphembed.testing import reference

F = np.float32
CALLS = {
    "softmax": (losses.softmax, ()),
    "margin": (losses.margin, (F(1.5),)),
    "logistic": (losses.logistic, (F(3.0),)),
    "self_adversarial": (losses.self_adversarial, (F(1.5), F(2.0))),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("n_negatives", [1, 15, 64])
def test_losses_are_the_twin_s(name: str, n_negatives: int) -> None:
    rng = np.random.default_rng(n_negatives)
    positive = rng.normal(size=9).astype(F)
    negative = rng.normal(0, 3, size=(9, n_negatives)).astype(F)
    negative[rng.random(negative.shape) < 0.1] = -np.inf
    negative[0] = -1.0
    kernel, settings = CALLS[name]
    found = np.empty_like(positive)
    kernel(positive, negative, *settings, np.empty_like(positive), np.empty_like(negative), found)
    rows = ~np.isneginf(negative).all(axis=1)
    expected = reference.triple_losses(
        name, positive[rows], negative[rows], margin=1.5, temperature=2.0, negative_weight=3.0
    )
    np.testing.assert_allclose(found[rows], expected, rtol=1e-5, atol=1e-6)
