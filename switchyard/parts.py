"""`Parts`: what there is of one kind (model families, metrics, sources, ...) by name, ours and what plugins add.

A kind is a subclass of `Part`, and its registry is one tuple of modules:

    FAMILIES = Parts(Family, ("switchyard.tabular.families.lightgbm", ...))

Each module has its parts in `PARTS`, a tuple. The modules are imported when the first of them is asked for. They stand in the
tuple as whole dotted names, because `steps/caching.py` reads them there: what a step may reach through a registry is in its
cache key. `switchyard/plugins.py` adds parts from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar, Generic, TypeVar, cast

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean


class Part:
    """One thing of a kind.

    Attributes
    ----------
    name : str
        What configs call it.
    noun : str
        What its kind is called in errors.
    home : str
        module:NAME of the registry that holds its kind.
    """

    name: str
    noun: ClassVar[str]
    home: ClassVar[str]
    REQUIRED: ClassVar[tuple[str, ...]] = ("name",)
    """Attributes that a part can't do without."""

    def lacks(self) -> str:
        """What keeps it from being used, in words; empty where nothing does."""
        missing = [name for name in self.REQUIRED if getattr(self, name, None) is None]
        return f"lacks {', '.join(missing)}" if missing else ""


T = TypeVar("T", bound=Part)

_added: dict[str, tuple[Part, ...]] = {}
"""Parts of plugins, by the plugin."""


class Parts(Mapping[str, T], Generic[T]):
    """The parts of `kind` by name, in the order of `modules`, then those of plugins in the order in which they were loaded.

    Parameters
    ----------
    kind : type
        A subclass of `Part`.
    modules : tuple of str
        Ours, each with a tuple `PARTS`.
    """

    def __init__(self, kind: Callable[..., T], modules: tuple[str, ...]) -> None:
        # By Callable a checker lets an abstract class pass; it is a class all the same.
        self.kind, self._modules = cast(type[T], kind), modules
        self._ours: dict[str, T] | None = None

    def __getitem__(self, name: str) -> T:
        """Raises `InputError`, with the names there are, for a name that is none of them."""
        known = self._known()
        if name not in known:
            raise InputError(self.unknown(name))
        return known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._known()

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    @property
    def ours(self) -> tuple[str, ...]:
        """Names of the parts that no plugin brought."""
        return tuple(self._own())

    def unknown(self, name: str) -> str:
        """What to say of `name`, which is none of them: the nearest, and all there are."""
        near, names = did_you_mean(name, self), ", ".join(self)
        return f"there is no {self.kind.noun} {name!r}{near}" + ("" if near.startswith("; there are") else f" (there are {names})")

    def _own(self) -> dict[str, T]:
        if self._ours is None:
            found = [part for module in self._modules for part in import_module(module).PARTS]
            self._ours = {part.name: part for part in found if isinstance(part, self.kind)}
        return self._ours

    def _known(self) -> dict[str, T]:
        if not _added:
            return self._own()
        known = dict(self._own())
        for plugin, parts in _added.items():
            for part in parts:
                if isinstance(part, self.kind):
                    if part.name in known:
                        raise InputError(f"plugin {plugin}: there is a {self.kind.noun} {part.name!r} already; give its own another name")
                    known[part.name] = part
        return known


def registry_at(home: str) -> Parts[Any]:
    """The registry at `module:NAME`.

    Whoever only checks names, as the config does, asks so and not by an import: it doesn't depend on the code behind them.
    """
    module, _, name = home.partition(":")
    found: Parts[Any] = getattr(import_module(module), name)
    return found


def add_parts(plugin: str, parts: tuple[Part, ...]) -> None:
    """Put the parts of `plugin` into the registries of their kinds, in place of what it brought before.

    Raises
    ------
    InputError
        Where a part can't be used, or its name is taken; nothing is added then.
    """
    before = _added.get(plugin)
    _added[plugin] = parts
    try:
        for part in parts:
            if reason := part.lacks():
                raise InputError(f"plugin {plugin}: the {part.noun} {getattr(part, 'name', type(part).__name__)!r} {reason}")
            registry_at(part.home)[part.name]
    except BaseException:
        remove_parts(plugin)
        if before is not None:
            _added[plugin] = before
        raise


def remove_parts(plugin: str) -> None:
    """Take the parts of `plugin` out of the registries."""
    _added.pop(plugin, None)
