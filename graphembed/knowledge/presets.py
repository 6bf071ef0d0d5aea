"""Settings by the size of the data, found on validation triples alone.

A model names those that differ from :data:`COMMON` and :data:`BY_SIZE`, for each size; a parameter
that is ``"auto"`` takes its value from there when the model is fitted.
"""

from collections.abc import Mapping
from typing import Any

AUTO = "auto"
SMALL, MEDIUM, LARGE = "small", "medium", "large"
SIZES = (SMALL, MEDIUM, LARGE)
BOUNDS = {SMALL: 20_000, MEDIUM: 200_000}  # triples; more is LARGE

Preset = Mapping[str, Any]
Presets = Mapping[str, Preset]

COMMON: Preset = {
    "loss": "softmax",
    "margin": 1.0,
    "negative_weight": 1.0,
    "n_negatives": 512,
    "regularizer": None,
    "regularization": 0.0,
    "optimizer": "adagrad",
    "learning_rate": 0.1,
    "decay": True,
    "batch_size": 512,
    "n_epochs": 50,
}
BY_SIZE: Presets = {SMALL: {"n_negatives": 1000, "batch_size": 200, "n_epochs": 60}}

# Of the models that multiply, whose vectors have to be kept small (Lacroix et al. 2018).
N3: Presets = {
    "small": {
        "regularizer": "n3",
        "regularization": 0.005,
        "decay": False,
        "n_epochs": 40,
    },
    "medium": {
        "n_negatives": 4000,
        "regularizer": "n3",
        "regularization": 0.1,
        "decay": False,
        "batch_size": 500,
        "n_epochs": 30,
    },
    "large": {
        "n_negatives": 1000,
        "regularizer": "n3",
        "regularization": 0.05,
        "decay": False,
        "batch_size": 1000,
        "n_epochs": 40,
    },
}


def size_of(n_triples: int) -> str:
    """Return the size of the data that presets are for: "small", "medium" or "large".

    Examples
    --------
    >>> from graphembed.knowledge.presets import size_of
    >>> size_of(5_000), size_of(86_835), size_of(272_115)
    ('small', 'medium', 'large')
    """
    return next((size for size, bound in BOUNDS.items() if n_triples < bound), LARGE)


def preset(presets: Presets, size: str) -> dict[str, Any]:
    """Return the values of all parameters that may be "auto", for a size of data."""
    return {**COMMON, **BY_SIZE.get(size, {}), **presets.get(size, {})}


def resolve(values: Mapping[str, Any], presets: Presets, n_triples: int) -> dict[str, Any]:
    """Return parameters with a value in place of each "auto".

    Parameters
    ----------
    values : mapping of str to object
        Parameters of a model.
    presets : mapping of str to mapping
        Those of the model, by size.
    n_triples : int

    Examples
    --------
    >>> from graphembed.knowledge.presets import resolve
    >>> resolve({"learning_rate": "auto", "margin": 2.0}, {"small": {"learning_rate": 0.5}}, 100)
    {'learning_rate': 0.5, 'margin': 2.0}
    """
    found = preset(presets, size_of(n_triples))
    # Compared with the text only if it is one: a parameter may be an array.
    return {
        name: found[name] if isinstance(value, str) and value == AUTO else value
        for name, value in values.items()
    }


def describe_auto(name: str, presets: Presets) -> str:
    """Return what "auto" means for a parameter, as text."""
    by_value: dict[str, list[str]] = {}
    for size in SIZES:
        by_value.setdefault(repr(preset(presets, size)[name]), []).append(size)
    if len(by_value) == 1:
        return f'"auto" is {next(iter(by_value))}.'
    parts = (f"{value} ({', '.join(sizes)})" for value, sizes in by_value.items())
    return f'"auto" goes by the size of the data: {", ".join(parts)}.'
