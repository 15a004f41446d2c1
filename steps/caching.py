"""What a cached step result depends on besides its inputs: the code beneath it and the locked libraries.

ZenML's own cache key holds the step's source and inputs only; an edit to the library that a step calls would go
unnoticed. `depends_on(__file__)` adds every file of ours that the step's module reaches by imports.
"""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

from zenml.config.cache_policy import CachePolicy

from switchyard.parts import Parts

ROOT = Path(__file__).resolve().parents[1]
LOCK = "requirements.txt"
# By a pattern, since parsing the 300 files beneath the steps takes half a second of every pipeline's start;
# a test holds that it finds what the parser finds.
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+(\([^)]*\)|[^\n]+)", re.MULTILINE)
OURS = ("switchyard", "registry", "deployment", "stacks", "steps", "materializers")


def depends_on(step_file: str) -> CachePolicy:
    """The cache policy of the step defined in `step_file`."""
    files = sorted(str(path.relative_to(ROOT)) for path in code_beneath(Path(step_file).resolve()))
    return CachePolicy(include_artifact_ids=True, include_artifact_values=True, file_dependencies=[LOCK, *files])


def code_digest(step_file: str) -> str:
    """sha256 over the code beneath `step_file` and the lock, as hex."""
    digest = hashlib.sha256((ROOT / LOCK).read_bytes())
    for path in sorted(code_beneath(Path(step_file).resolve())):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def code_beneath(start: Path) -> set[Path]:
    """`start` and all files of ours that it imports, directly or not, with the data files beside them."""
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(imported_files(path))
    packages = {path.parent for path in found if path.parent != start.parent}
    data = {path for folder in packages for path in folder.iterdir() if path.is_file() and path.suffix in (".j2", ".json", ".yaml")}
    return found | data


@cache
def imported_files(path: Path) -> tuple[Path, ...]:
    """Files of ours that one module names: in any import, those inside functions included, or in a registry.

    A registry is a call of `Parts` (`switchyard/parts.py`) with the modules as whole dotted names in it. No other string counts:
    what runs as a process of its own (`-m`) is started by steps that are never cached.
    """
    text = path.read_text(encoding="utf-8")
    names: set[str] = set()
    for module, imported in _IMPORT.findall(text):
        listed = [name.split()[0] for name in re.sub(r"#.*|[()]", "", imported).split(",") if name.strip()]
        names.update([module, *(f"{module}.{name}" for name in listed)] if module else listed)
    if f"{Parts.__name__}(" in text:
        names.update(_registered(ast.parse(text)))
    return tuple(file for name in names if name.split(".")[0] in OURS for file in files_of(name))


def _registered(tree: ast.AST) -> set[str]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    parts = (part for call in calls if isinstance(call.func, ast.Name) and call.func.id == Parts.__name__ for part in ast.walk(call))
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str) and "." in part.value}


def files_of(name: str) -> list[Path]:
    """The files of a dotted name: the packages on its way, and the module where it is one."""
    parts = name.split(".")
    files = [ROOT.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    files.append(ROOT.joinpath(*parts).with_suffix(".py"))
    return [file for file in files if file.is_file()]
