"""The rows. A file here that defines ``rows()`` takes part; nothing else needs to know of it."""

from importlib import import_module
from pkgutil import iter_modules

from harness.contender import Row


def all_rows() -> dict[str, Row]:
    """Return every row by name, files in alphabetical order."""
    modules = (import_module(f"rows.{found.name}") for found in iter_modules(__path__))
    return {row.name: row for module in modules for row in module.rows()}
