"""Embeddings of knowledge graphs: entities and relations from triples (head, relation, tail).

One file, one model: its formula and its class; this listing is the registry.
"""

from importlib import import_module

# Where each model lives; loaded when asked for, as formulas are used without the classes too.
_HOME = {
    "AttH": "atth",
    "ComplEx": "complex",
    "DistMult": "distmult",
    "RefH": "refh",
    "RotE": "rote",
    "RotH": "roth",
    "RotatE": "rotate",
    "TorusE": "toruse",
    "TransD": "transd",
    "TransE": "transe",
    "TransH": "transh",
    "TransR": "transr",
}

__all__ = ["all_models", "find_model"]


def all_models() -> dict[str, type]:
    """Return every model of knowledge graphs by name.

    Examples
    --------
    >>> from graphembed.knowledge import all_models
    >>> "TransE" in all_models()
    True
    """
    return {name: _load(name) for name in _HOME}


def find_model(name: str) -> type | None:
    """Return the model of this name, None if there is none; the others are not imported."""
    return _load(name) if name in _HOME else None


def _load(name: str) -> type:
    model: type = getattr(import_module(f"graphembed.knowledge.{_HOME[name]}"), name)
    return model
