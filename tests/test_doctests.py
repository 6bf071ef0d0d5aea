"""Every example in a docstring runs, under the module's real import name."""

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import graphembed
import graphembed.datasets
import graphembed.kernels


def module_names() -> list[str]:
    names = ["graphembed", "graphembed.kernels", "graphembed.datasets"]
    for package in (graphembed, graphembed.kernels, graphembed.datasets):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        names += [module.name for module in found if not module.name.endswith("__main__")]
    return sorted(set(names))


@pytest.mark.parametrize("name", module_names())
def test_docstring_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert result.failed == 0
