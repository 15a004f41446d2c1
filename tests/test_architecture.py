"""Arrows go one way, and what a step depends on is what its cache key holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from steps import caching

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app", "deployment", "materializers", "pipelines", "registry", "stacks", "steps", "switchyard")


def test_imports_go_one_way():
    done = subprocess.run([str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_needs_one_that_needs_it():
    """By imports anywhere in a module: at its head, in a function, for types only."""
    graph = grimp.build_graph(*ROOMS, cache_dir=None)

    assert circles_in({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}) == []


def test_a_circle_would_be_seen():
    assert circles_in({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_a_step_depends_on_what_it_reaches_and_on_nothing_else():
    explain = names_of("steps/evaluation/explain_model.py")
    tune = names_of("steps/modelling/tune_family.py")

    assert "switchyard/tabular/explanation/explanation.py" in explain
    assert "switchyard/tabular/explanation/explanation.py" not in tune
    assert "switchyard/tabular/families/lightgbm.py" in tune
    assert "switchyard/tabular/features/categories.py" in tune


def test_templates_count_as_code():
    assert any(name.endswith(".j2") for name in names_of("steps/registry/document_model.py"))


@pytest.mark.parametrize(
    "path", sorted(str(path.relative_to(ROOT)) for path in (ROOT / "steps").glob("*/*.py") if path.name != "__init__.py")
)
def test_every_step_says_what_it_depends_on_or_is_never_cached(path):
    text = (ROOT / path).read_text()

    assert text.count("@step(") == text.count("depends_on(__file__)") + text.count("enable_cache=False")


def test_an_edit_changes_the_digest_of_those_who_depend_on_it(tmp_path, monkeypatch):
    for room in ("steps", "switchyard", "registry", "deployment", "stacks", "materializers"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    monkeypatch.setattr(caching, "ROOT", tmp_path)
    steps = ("steps/evaluation/explain_model.py", "steps/modelling/tune_family.py")
    before = {step: caching.code_digest(str(tmp_path / step)) for step in steps}
    edited = tmp_path / "switchyard/tabular/explanation/explanation.py"
    edited.write_text(edited.read_text() + "\n# edited\n")
    after = {step: caching.code_digest(str(tmp_path / step)) for step in steps}

    assert before[steps[0]] != after[steps[0]]
    assert before[steps[1]] == after[steps[1]]


def names_of(step: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in caching.code_beneath(ROOT / step)}


def circles_in(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules of which each reaches each other one."""

    def reached(module: str) -> set[str]:
        seen, waiting = set(), [module]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    reach = {module: reached(module) for module in graph}
    groups = {frozenset(other for other in reach[module] if module in reach[other]) for module in graph if module in reach[module]}
    return sorted(map(sorted, groups))
