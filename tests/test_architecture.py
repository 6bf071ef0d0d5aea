"""The architecture, as rules that fail."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "graphembed": ROOT / "graphembed",
    "graphembed.kernels": ROOT / "kernels",
    "graphembed.datasets": ROOT / "datasets",
}

# A row may import itself and the rows above it; modules without a row of their own belong to that
# of their package. `graphembed` itself is lazy and imports nothing.
LAYERS = [
    [
        "graphembed.exceptions",
        "graphembed.random_state",
        "graphembed.callbacks",
        "graphembed.atomic",
    ],
    ["graphembed.kernels"],
    ["graphembed.engine"],
    ["graphembed.graph"],
    ["graphembed.store"],
    ["graphembed.geometry"],
    ["graphembed.neighbors"],
    ["graphembed.vectors", "graphembed.vector_files", "graphembed.word2vec"],
    ["graphembed.base"],
    ["graphembed.training"],
    ["graphembed.factorization", "graphembed.hyperbolic", "graphembed.message_passing"],
    ["graphembed.embedders", "graphembed.heuristics", "graphembed.knowledge"],
    ["graphembed.compose", "graphembed.persistence", "graphembed.saved_state"],
    ["graphembed.link_predictor", "graphembed.link_scorers", "graphembed.model_selection"],
    [
        "graphembed.datasets",
        "graphembed.evaluation",
        "graphembed.plot",
    ],
    ["graphembed.testing"],
    ["graphembed.cli", "graphembed.__main__"],
]
HEAVY = {"torch", "torch_geometric", "numba", "sklearn", "pandas", "polars", "networkx", "igraph"}


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join([package, *(part for part in parts if part != "__init__")])
            yield name, path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> int | None:
    for number, row in enumerate(LAYERS):
        if any(module == name or module.startswith(f"{name}.") for name in row):
            return number
    return None


def test_every_module_has_a_layer() -> None:
    homeless = [name for name, _ in modules() if name != "graphembed" and layer(name) is None]
    assert homeless == []


def test_layers_import_only_downwards() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if name != "graphembed"
        for target in imports(path)
        if (below := layer(target)) is not None and below > layer(name)
    ]
    assert wrong == []


def test_embedders_never_import_each_other() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if name.startswith("graphembed.embedders.")
        for target in imports(path)
        if target.startswith("graphembed.embedders") and not target.startswith(name)
    ]
    assert wrong == []


def test_no_pickle_and_no_parallel_kernels() -> None:
    """Loading a file never runs code; threads are the engine's business."""
    words = ("allow_pickle=True", "import pickle", "parallel=True", "np.random.seed")
    found = [
        f"{name}: {word}" for name, path in modules() for word in words if word in path.read_text()
    ]
    assert found == []


def test_kernels_know_no_graph() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if name.startswith("graphembed.kernels")
        for target in imports(path)
        if target.startswith("graphembed.") and not target.startswith("graphembed.kernels")
    ]
    assert wrong == []


def test_import_is_light() -> None:
    code = f"import sys, graphembed; print(*sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONSAFEPATH": "1"},
    )  # fmt: skip
    assert run.stdout.strip() == ""


def test_every_public_name_loads() -> None:
    import graphembed

    assert set(graphembed.__all__) <= set(dir(graphembed))
    for name in graphembed.__all__:
        assert getattr(graphembed, name) is not None


def test_bare_source_folders_are_refused() -> None:
    for folder in ("kernels", "datasets"):
        run = subprocess.run(
            [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True
        )
        assert f"import graphembed.{folder}" in run.stderr


def test_every_source_file_has_a_test_file() -> None:
    """One concept, one file, one test file; what has none is tested through what is named here."""
    through = {
        "graphembed.cli": "test_cli.py",
        "graphembed.testing": "test_common.py",
    }
    missing = []
    for name, path in modules():
        if path.name == "__init__.py" or any(name.startswith(prefix) for prefix in through):
            continue
        folder = Path(*name.split(".")[1:-1])
        if not (ROOT / "tests" / folder / f"test_{path.stem}.py").exists():
            missing.append(name)
    assert missing == []
