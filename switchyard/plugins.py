"""`load_plugin`: one's own families, metrics, sources, channels, encoders and functions, from a file or a module.

A plugin has a tuple `PARTS` of parts (`switchyard/parts.py`), made by subclassing what this library's own are made of. The
config names it, and naming it runs it: **who may write a config may run code** as whoever trains, scores or monitors.

A plugin is one file, or one folder with an `__init__.py`, and its digest is that of all files in it. Whatever else it imports
is a library, which the lock has to pin.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module, reload
from importlib.metadata import entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchyard.parts import Part, add_parts
from switchyard.project import folder
from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

GROUP = "switchyard.plugins"
"""Of Python's entry points: an installed package offers its module by a name in it."""
FOLDER = "plugins"
"""Of the project, or of a folder of one's own: what lies there is in the image of the pipelines."""
_PACKAGE = "switchyard_plugins"
"""Files are imported as modules of this name."""


class Plugin(BaseModel):
    """A plugin as the config has it: where it is, and of what content it was when the config was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    digest: str = ""


@dataclass(frozen=True)
class _Place:
    """Where a plugin was found: the file to begin with, and the module to import where it is no mere file."""

    begin: Path
    module: str | None

    @property
    def name(self) -> str:
        stem = self.begin.parent.name if self.begin.name == "__init__.py" else self.begin.stem
        return self.module or f"{_PACKAGE}.{stem}"

    def digest(self) -> str:
        files = [self.begin]
        if self.begin.name == "__init__.py":
            files = sorted(path for path in self.begin.parent.rglob("*") if path.is_file() and path.suffix != ".pyc")
        found = hashlib.sha256()
        for path in files:
            found.update(path.relative_to(self.begin.parent).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()


_loaded: dict[str, tuple[Plugin, _Place]] = {}
"""By source: what is in the registries, and where it was found."""


def load_plugin(source: str) -> Plugin:
    """Import the plugin and add its parts to the registries; one that is loaded with the same content stays as it is.

    Parameters
    ----------
    source : str
        A file or folder (`plugins/money.py`; below the working directory, else the folder of the configs), the name of an entry point
        of the group `switchyard.plugins`, or a module.

    Raises
    ------
    InputError
        Where it is missing, can't be imported, or what it brings can't be used.
    """
    place = _find(source)
    plugin = Plugin(source=source, digest=place.digest())
    if source in _loaded and _loaded[source][0] == plugin:
        return plugin
    first = next((other for other, (_, known) in _loaded.items() if known.name == place.name), source)
    if first != source and _loaded[first][1].begin != place.begin:
        raise InputError(f"plugin {source}: {first} is called alike; rename one of the files")
    parts = getattr(_imported(source, place), "PARTS", None)
    if not isinstance(parts, (tuple, list)) or not all(isinstance(part, Part) for part in parts) or not parts:
        raise InputError(f"plugin {source}: give it PARTS = (...), a tuple of families, metrics, sources, channels, encoders or functions")
    add_parts(first, tuple(parts))
    _loaded[source] = plugin, place
    return plugin


def modules_of_plugins() -> tuple[str, ...]:
    """Names of the modules that the loaded plugins are."""
    return tuple(place.name for _, place in _loaded.values())


def plugins_of(types: Iterable[str]) -> list[str]:
    """Sources of the plugins that any of these dotted type names is of."""
    names = tuple(types)
    return [source for source, (_, place) in _loaded.items() if any(name.startswith(f"{place.name}.") for name in names)]


def loaded_plugins() -> tuple[str, ...]:
    """Sources of what this process has loaded."""
    return tuple(_loaded)


def is_in_folder(source: str, root: Path | None = None) -> bool:
    """Whether another copy of the repository finds the plugin by this name: a path below `plugins/`, or an installed module."""
    place = _find(source)
    if place.module is not None and "site-packages" in place.begin.parts:
        return True
    named = Path(place.module.replace(".", "/") if place.module else source).parts
    return named[:1] == (FOLDER,) and ".." not in named and place.begin.is_relative_to((root or folder()).resolve() / FOLDER)


def _find(source: str) -> _Place:
    if source.endswith(".py") or "/" in source:
        return _Place(_file(source), None)
    points = {point.name: point.module for point in entry_points(group=GROUP)}
    module = points.get(source, source)
    try:
        spec = find_spec(module)
    except Exception:  # of the package around it, which is imported to look
        spec = None
    if spec is None or not spec.origin or not Path(spec.origin).is_file():
        near = did_you_mean(source, points) if points else ""
        raise InputError(
            f"plugin {source} is no entry point of {GROUP} and no module that can be imported; a file is named by its path{near}"
        )
    return _Place(Path(spec.origin).resolve(), module)


def _file(source: str) -> Path:
    for base in (Path(), folder()):
        path = base / Path(source).expanduser()
        begin = path / "__init__.py" if path.is_dir() else path
        if begin.is_file():
            return begin.resolve()
    beside = (folder() / source).parent
    names = sorted(item.name for item in beside.glob("*.py")) if beside.is_dir() else []
    raise InputError(f"plugin {source}: there is no such file{did_you_mean(Path(source).name, names) if names else ''}")


def _imported(source: str, place: _Place) -> ModuleType:
    try:
        if place.module is not None:
            known = sys.modules.get(place.module)
            return import_module(place.module) if known is None or source not in _loaded else reload(known)
        return _from_file(place)
    except (Exception, SystemExit) as error:
        raise InputError(f"plugin {source} cannot be imported: {_why(error, place)}") from None


def _from_file(place: _Place) -> ModuleType:
    folders = [str(place.begin.parent)] if place.begin.name == "__init__.py" else None
    spec = spec_from_file_location(place.name, place.begin, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    before = {name: module for name, module in sys.modules.items() if name == place.name or name.startswith(f"{place.name}.")}
    for name in before:
        del sys.modules[name]
    sys.modules.setdefault(_PACKAGE, ModuleType(_PACKAGE))
    module = module_from_spec(spec)
    sys.modules[place.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[place.name]
        sys.modules.update(before)
        raise
    return module


def _why(error: BaseException, place: _Place) -> str:
    frames: list[Any] = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).resolve() == place.begin]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    said = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {said}" + (f" (line {line})" if line else "")
