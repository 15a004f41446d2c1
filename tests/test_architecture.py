"""Arrows go one way, and what a step depends on is what its cache key holds."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

from steps import caching
from switchyard.parts import registry_at
from switchyard.tabular.families import FAMILIES

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


def test_what_a_module_imports_from_ours_is_there():
    """A name that moved is found without running the line that wants it, which may be in a function."""
    missing = []
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
                known = defined_in(node.module)
                missing += [f"{path.relative_to(ROOT)}: {node.module}.{one.name}" for one in node.names if one.name not in known]

    assert missing == []


def test_a_name_that_moved_would_be_seen():
    assert "ask_registry" in defined_in("registry.asking") and "ask_registry" not in defined_in("registry.versions")


@cache
def defined_in(module: str) -> frozenset[str]:
    """Names at the head of a module, those that it imports or offers as text, and the modules below it."""
    place = ROOT.joinpath(*module.split("."))
    below = {path.stem for path in place.glob("*")} if place.is_dir() else set()
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not file.is_file():
        return frozenset(below)
    found = below
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((one.asname or one.name).split(".")[0] for one in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return frozenset(found)


def test_a_step_depends_on_what_it_reaches_and_on_nothing_else():
    explain = names_of("steps/evaluation/explain_model.py")
    tune = names_of("steps/modelling/tune_family.py")

    assert "switchyard/tabular/explanation/explanation.py" in explain
    assert "switchyard/tabular/explanation/explanation.py" not in tune
    assert "switchyard/tabular/families/lightgbm.py" in tune
    assert "switchyard/tabular/features/categories.py" in tune


def test_the_pattern_finds_the_imports_that_the_parser_finds():
    differing = []
    for path in (file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imported = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
        for node in (node for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level):
            imported |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        files = {file for name in imported if name.split(".")[0] in caching.OURS for file in caching.files_of(name)}
        if "Parts(" not in path.read_text(encoding="utf-8") and files != set(caching.imported_files(path)):
            differing.append(str(path.relative_to(ROOT)))

    assert differing == []


def test_no_cached_explanation_is_lost_to_an_edit_of_a_stack():
    assert not any(name.startswith(("stacks/", "deployment/")) for name in names_of("steps/evaluation/explain_model.py"))


def test_no_module_but_its_own_knows_a_family():
    files = [
        path
        for room in ("app", "deployment", "pipelines", "registry", "stacks", "steps", "switchyard")
        for path in (ROOT / room).rglob("*.py")
    ]
    for name in FAMILIES.ours:
        family = FAMILIES[name]
        own = sys.modules[type(family).__module__].__file__
        words = re.compile(rf"\b({name}\w*|{family.estimator.__name__})\b")
        knowing = {path.relative_to(ROOT).as_posix() for path in files if str(path) != own and words.search(_code_of(path))}
        # The registry, and the second half of the net, which alone imports torch.
        assert knowing <= {"switchyard/tabular/families/__init__.py", "switchyard/tabular/families/neural_training.py"}, name


def _code_of(path: Path) -> str:
    """The module without comments and docstrings."""
    return ast.unparse(_Bare().visit(ast.parse(path.read_text(encoding="utf-8"))))


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else node


@pytest.mark.parametrize(
    "home",
    [
        "tabular.families:FAMILIES",
        "tabular.metrics:METRICS",
        "tabular.features.encoders:ENCODERS",
        "tabular.features.functions:FUNCTIONS",
        "tabular.tables.reading.sources:SOURCES",
        "monitoring.alerts.channels:CHANNELS",
        "tabular.tasks:TASKS",
    ],
)
def test_what_a_registry_holds_is_in_the_cache_key_of_who_reaches_it(home):
    registry = registry_at(f"switchyard.{home}")
    reached = {str(path) for path in caching.code_beneath(Path(sys.modules[f"switchyard.{home.split(':')[0]}"].__file__))}
    homes = {sys.modules[type(registry[name]).__module__].__file__ for name in registry.ours}

    assert homes <= reached


def test_names_in_the_config_are_no_dependency_on_the_code_behind_them():
    assert not any("/families/" in name or "/alerts/" in name for name in names_of("steps/data/check_quality.py"))


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
