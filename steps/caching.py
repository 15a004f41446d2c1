"""What a cached step result depends on besides its inputs: the code beneath it and the locked libraries.

ZenML's own cache key holds the step's source and inputs only; an edit to the library that a step calls would go
unnoticed. `depends_on(__file__)` adds every file of ours that the step's module reaches by imports.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from zenml.config.cache_policy import CachePolicy

from switchyard.parts import Parts

ROOT = Path(__file__).resolve().parents[1]
LOCK = "requirements.txt"
_OURS = ("switchyard", "registry", "deployment", "stacks", "steps", "materializers")


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
            waiting.extend(_imports(path))
    packages = {path.parent for path in found if path.parent != start.parent}
    data = {path for folder in packages for path in folder.iterdir() if path.is_file() and path.suffix in (".j2", ".json", ".yaml")}
    return found | data


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of ours that one module names: in any import, those inside functions included, or in a registry.

    A registry is a call of `Parts` (`switchyard/parts.py`) with the modules as whole dotted names in it. No other string counts:
    what runs as a process of its own (`-m`) is started by steps that are never cached.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Parts.__name__:
            strings = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str))
            names.update(value for value in strings if "." in value)
    return tuple(file for name in names if name.split(".")[0] in _OURS for file in _module_files(name))


def _module_files(name: str) -> list[Path]:
    parts = name.split(".")
    files = [ROOT.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    files.append(ROOT.joinpath(*parts).with_suffix(".py"))
    return [file for file in files if file.is_file()]
