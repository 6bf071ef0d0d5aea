"""Every registered embedder keeps scikit-learn's contract and ours."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from graphembed.embedders import all_embedders
from graphembed.testing import CHECKS

ROOT = Path(__file__).resolve().parent.parent
EMBEDDERS = all_embedders()


@pytest.mark.parametrize("name", EMBEDDERS)
def test_scikit_learn_contract(name: str) -> None:
    with warnings.catch_warnings():
        # The array API check skips itself unless an environment variable asks for it.
        warnings.simplefilter("ignore", SkipTestWarning)
        # Of one column, or of a dense graph, whose tree no float64 holds.
        warnings.filterwarnings("ignore", "float64 reaches the scale")
        embedder = EMBEDDERS[name]()
        if "random_state" in embedder.get_params():
            embedder.set_params(random_state=0)
        if "n_epochs" in embedder.get_params():
            embedder.set_params(n_epochs=3)  # what is learned does not matter here
        results = check_estimator(embedder, on_fail=None)
    passed = [result for result in results if result["status"] == "passed"]
    other = [result["check_name"] for result in results if result["status"] != "passed"]
    assert other in ([], ["check_array_api_input"])
    assert len(passed) >= 45


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedder_contract(name: str, check: Any) -> None:
    check(EMBEDDERS[name](n_components=16))


@pytest.mark.parametrize("name", EMBEDDERS)
def test_registered_means_tested_documented_and_measured(name: str) -> None:
    stem = EMBEDDERS[name].__module__.rsplit(".", 1)[1]
    assert (ROOT / "tests" / "embedders" / f"test_{stem}.py").exists()
    assert name in (ROOT / "docs" / "api.rst").read_text()
    assert list((ROOT / "benchmarks").rglob(f"*{stem}*.py"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.astype("float64"),
        lambda rows: rows * float("nan"),
        lambda rows: rows[:-1],
        lambda rows: rows[::-1],
    ],
)
def test_checks_can_fail(spoil: Any) -> None:
    fastrp = EMBEDDERS["FastRP"]

    class Spoilt(fastrp):
        def _embed(self, graph: Any, rng: Any) -> Any:
            return spoil(super()._embed(graph, rng))

    failed = []
    for check in CHECKS:
        try:
            check(Spoilt(n_components=8))
        except Exception:
            failed.append(check.__name__)
    assert failed
