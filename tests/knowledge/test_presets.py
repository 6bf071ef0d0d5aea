"""Settings by the size of the data."""

import numpy as np
import pytest

from graphembed.knowledge import all_models
from graphembed.knowledge.presets import AUTO, COMMON, SIZES, describe_auto, resolve, size_of
from graphembed.knowledge.trainer import TripleSettings


def test_sizes_have_bounds() -> None:
    assert [size_of(n) for n in (0, 19_999, 20_000, 199_999, 200_000)] == [
        "small", "small", "medium", "medium", "large"
    ]  # fmt: skip


def test_what_is_given_stays() -> None:
    array = np.zeros(2)
    found = resolve({"margin": 3.0, "loss": AUTO, "init": array}, {"small": {"loss": "margin"}}, 9)
    assert found == {"margin": 3.0, "loss": "margin", "init": array}


@pytest.mark.parametrize("name", all_models())
def test_presets_of_models_are_settings(name: str) -> None:
    model = all_models()[name]()
    assert set(model._presets) <= set(SIZES)
    for size, values in model._presets.items():
        assert set(values) <= set(COMMON), size
        # Each value is one that the parameter may have.
        model.set_params(**values)._validate_params()
    for n_triples in (100, 50_000, 500_000):
        assert isinstance(all_models()[name]()._settings(n_triples), TripleSettings)


def test_text_says_what_auto_means() -> None:
    assert describe_auto("margin", {}) == '"auto" is 1.0.'
    text = describe_auto("margin", {"large": {"margin": 9.0}})
    assert text == '"auto" goes by the size of the data: 1.0 (small, medium), 9.0 (large).'


def test_individual_negatives_are_few_unless_told() -> None:
    model = all_models()["TransE"](negatives="bernoulli")
    assert model._settings(300_000).n_negatives == 16
    assert model.set_params(n_negatives=3)._settings(300_000).n_negatives == 3
