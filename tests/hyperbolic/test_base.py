"""What both views share; the ball stands for them."""

from typing import Any

import numpy as np
import pytest

from graphembed import geometry
from graphembed.embedders.poincare import PoincareEmbedding
from graphembed.hyperbolic.trainer import HyperbolicTrainer
from graphembed.testing import graphs

SETTINGS = {"n_components": 4, "n_negatives": 20, "n_epochs": 60, "learning_rate": 0.2}


@pytest.fixture(scope="module")
def model() -> PoincareEmbedding:
    return PoincareEmbedding(**SETTINGS, random_state=0).fit(graphs.two_cliques())


def test_rows_of_a_block_are_placed_one_by_one(model: PoincareEmbedding) -> None:
    block = np.random.default_rng(0).random((6, 24)) * (np.arange(6)[:, None] > 0)
    rows = model.transform(block)
    np.testing.assert_array_equal(model.transform(block[::-1])[::-1], rows)
    np.testing.assert_array_equal(model.transform(block[3:4]), rows[3:4])
    np.testing.assert_array_equal(rows[0], np.zeros(4))


@pytest.mark.parametrize("coordinates", ["poincare", "tangent"])
def test_warm_start(model: PoincareEmbedding, coordinates: str) -> None:
    """An array is read in the coordinates that are handed out."""
    start = geometry.export(model.lorentz_, coordinates)
    again = PoincareEmbedding(
        4, n_epochs=1, burn_in=0, learning_rate=1e-9, init=start, coordinates=coordinates,
        random_state=0,
    ).fit(graphs.two_cliques())  # fmt: skip
    assert geometry.distances(again.lorentz_, model.lorentz_).max() < 1e-4


def test_auto_learning_rate() -> None:
    models = [
        PoincareEmbedding(2, n_epochs=3, random_state=1).fit(graphs.two_cliques()) for _ in range(2)
    ]
    assert models[0].learning_rate_ == models[1].learning_rate_ > 0
    assert (
        PoincareEmbedding(2, n_epochs=1, learning_rate=0.07)
        .fit(graphs.two_cliques())
        .learning_rate_
        == 0.07
    )


def test_interrupt_leaves_a_usable_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(trainer: HyperbolicTrainer) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(HyperbolicTrainer, "train", stop)
    model = PoincareEmbedding(**SETTINGS, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(graphs.two_cliques())
    assert model.vectors_.neighbors(["a1"], k=3).ids.shape == (1, 3)
