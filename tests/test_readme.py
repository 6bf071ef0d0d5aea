"""What the README and the guides show is what happens."""

import ast
import doctest
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = {
    "quickstart": "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e . "
    "&& .venv/bin/graphembed quickstart",
    "tests": ".venv/bin/pip install -c constraints.txt -e '.[test]' "
    "&& .venv/bin/pytest -n logical --dist loadfile",
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def run_block(source: str, names: dict[str, Any]) -> None:
    """Run a block; an expression with a comment behind it must have that value."""
    lines = source.splitlines()
    for statement in ast.parse(source).body:
        code = ast.unparse(statement)
        _, _, promised = lines[statement.end_lineno - 1].partition("#")
        if isinstance(statement, ast.Expr) and promised:
            assert str(eval(code, names)) == promised.strip(), code  # noqa: S307
        else:
            exec(code, names)  # noqa: S102


def test_python_blocks_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(blocks("python")) >= 2
    for source in blocks("python"):
        run_block(source, names)
    assert (tmp_path / "model").is_dir()


@pytest.mark.parametrize("marker", LINES)
def test_each_command_is_printed_once_and_is_what_ci_runs(marker: str) -> None:
    assert README.count(LINES[marker]) == 1
    assert f"<!-- ci: {marker} -->\n```bash\n{LINES[marker]}\n```\n" in README
    assert f'run_readme_line "{marker}"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_commands_exist() -> None:
    from graphembed.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    shown = set(re.findall(r"^\$ graphembed (\w+)", README, re.MULTILINE))
    assert shown
    assert shown <= known


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.rst")))
def test_guide_examples(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(
        str(ROOT / "docs" / page), module_relative=False, optionflags=flags, encoding="utf-8"
    )
    assert result.failed == 0


def test_api_page_lists_every_public_name() -> None:
    import graphembed
    from graphembed import datasets, evaluation, exceptions

    text = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    modules = {"datasets", "evaluation", "heuristics", "kernels", "model_selection", "store"}
    modules |= {"knowledge", "plot", "synthetic", "testing", "OPERATORS"}
    names = {*graphembed.__all__, *datasets.__all__, *evaluation.__all__} - modules
    names |= {name for name in vars(exceptions) if name.endswith("Error")}
    listed = {line.split(".")[-1].strip() for line in text.splitlines() if line.startswith("   ")}
    assert sorted(names - listed) == []
