"""How long a fresh process takes to import a library, over a bare start of its interpreter."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from harness.contender import Measurement, Row, Settings
from harness.measure import environment

REPEATS = 10
BARE = "pass"
# The module imported, the distribution it comes from, and whether it is a peer.
LIBRARIES = (
    ("graphembed", "graphembed-engine", False),
    ("torch_geometric", "torch-geometric", False),
    ("fastrp", "fastrp", True),
    ("pycleora", "pycleora", True),
    ("sknetwork", "scikit-network", True),
)
LOOK = """
import json, sys
from importlib.metadata import version
before = len(sys.modules)
import {module}
loaded = [name for name in ("torch", "numba", "sklearn", "scipy", "numpy") if name in sys.modules]
print(json.dumps([loaded, len(sys.modules) - before, version("{distribution}")]))
"""


def seconds(python: Path, code: str, settings: Settings) -> float:
    """Return the wall time of ``python -P -c code``, start and end included."""
    start = time.perf_counter()
    _call(python, code, settings)
    return time.perf_counter() - start


def _call(python: Path, code: str, settings: Settings) -> str:
    done = subprocess.run(
        [str(python), "-P", "-c", code],
        cwd=settings.workspace,
        env=environment(settings.threads),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def run(settings: Settings) -> list[Measurement]:
    """Import each library in turn, a bare interpreter before each, REPEATS times over."""
    pythons = {False: Path(sys.executable), True: settings.peer_pythons.get("")}
    found = {
        module: Measurement(module, reference=module == "graphembed", params={"peer": peer})
        for module, _, peer in LIBRARIES
        if pythons[peer] is not None
    }
    bare: dict[str, list[float]] = {module: [] for module in found}
    whole: dict[str, list[float]] = {module: [] for module in found}
    for repeat in range(-1, REPEATS):
        for module, distribution, peer in LIBRARIES:
            python = pythons[peer]
            if python is None or found[module].error is not None:
                continue
            try:
                if repeat < 0:  # not counted: fills the file cache, writes bytecode
                    code = LOOK.format(module=module, distribution=distribution)
                    loaded, n_modules, version = json.loads(_call(python, code, settings))
                    found[module].versions = {distribution: version}
                    found[module].results = {
                        "loads": ", ".join(loaded) or "none of torch, numba, sklearn, scipy, numpy",
                        "modules": n_modules,
                    }
                else:
                    bare[module].append(seconds(python, BARE, settings))
                    whole[module].append(seconds(python, f"import {module}", settings))
            except subprocess.CalledProcessError as error:
                found[module].error = (error.stderr.strip().splitlines() or ["no message"])[-1]
    for module, measured in found.items():
        if measured.error is None:
            start = median(bare[module])
            measured.warm_seconds = [max(0.0, value - start) for value in whole[module]]
            measured.results |= {
                "bare start s": round(start, 4),
                "whole process s": round(median(whole[module]), 4),
            }
    return list(found.values())


def rows() -> list[Row]:
    """Return the rows of this file."""
    title = f"Import in a fresh process less a bare interpreter's start, median of {REPEATS}"
    return [Row("import", title, run, peer_groups=("",))]
