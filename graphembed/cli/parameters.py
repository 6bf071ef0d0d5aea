"""Parameters of methods as they are given and shown on the command line."""

import ast
import inspect
import json
import re
from typing import Any

from graphembed.cli.output import Column, print_json, print_table

# What the commands settle for the user, where the method has such a parameter.
DEFAULTS = {"random_state": 0, "n_jobs": -1}


def parse_param(text: str) -> tuple[str, Any]:
    """Split ``KEY=VALUE``; the value is read as JSON, else as a Python literal, else as text.

    Examples
    --------
    >>> from graphembed.cli.parameters import parse_param
    >>> parse_param("weights=[0, 1.5]"), parse_param("normalize=False"), parse_param("kind=fast")
    (('weights', [0, 1.5]), ('normalize', False), ('kind', 'fast'))
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ValueError(f"Expected -p KEY=VALUE, as in -p normalize=false; got {text!r}.")
    key, value = key.strip().replace("-", "_"), value.strip()
    for read in (json.loads, ast.literal_eval):
        try:
            return key, read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return key, value


def signature_of(embedder_class: type) -> dict[str, Any]:
    """Return the parameters of a class and their defaults."""
    parameters = list(inspect.signature(embedder_class).parameters.values())
    return {parameter.name: parameter.default for parameter in parameters}


def show_parameters(embedder_class: type, *, as_json: bool) -> None:
    """Print what a method can be given, with defaults and the first sentence of its docs."""
    explained = parameter_docs(inspect.getdoc(embedder_class) or "")
    rows = [
        (name, DEFAULTS.get(name, default), explained.get(name, ""))
        for name, default in signature_of(embedder_class).items()
    ]
    if as_json:
        names = ("name", "default", "description")
        parameters = [dict(zip(names, row, strict=True)) for row in rows]
        print_json({"method": embedder_class.__name__, "parameters": parameters})
        return
    columns = [Column("parameter"), Column("default"), Column("what it is")]
    shown = [(name, repr(default), text) for name, default, text in rows]
    print_table(columns, shown, title=f"Parameters of {embedder_class.__name__}")


def parameter_docs(docstring: str) -> dict[str, str]:
    """Return the first sentence about each parameter in a numpydoc docstring."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+$|\Z)", docstring, re.S | re.M)
    entries = re.findall(r"^(\w+) ?:.*\n((?:[ ]+.*\n?|\n)*)", section[1] if section else "", re.M)
    return {name: _first_sentence(text) for name, text in entries}


def _first_sentence(text: str) -> str:
    plain = re.sub(r":\w+:`\\?([^`]*)`", r"\1", " ".join(text.split()))
    return re.split(r"(?<!\bal)\.\s", plain)[0].rstrip(".")  # "et al. 2013" goes on
