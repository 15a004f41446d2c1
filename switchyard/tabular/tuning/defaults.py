"""`NearestTo`: where a search starts, a family's tuned defaults and its start points, placed in the search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class NearestTo:
    """Stands in for an Optuna trial: answers each `suggest_*` with the value in range that is nearest to the defaults.

    Published defaults may lie outside the range that is worth searching (no regularisation at all on a log scale), or be
    words ("sqrt") where the search uses numbers; such a word counts as the middle of the range.

    Attributes
    ----------
    found : dict
        The answers by name.
    """

    def __init__(self, defaults: Mapping[str, Any]):
        self._defaults = defaults
        self.found: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        default = self._defaults.get(name)
        if not isinstance(default, (int, float)) or isinstance(default, bool):
            default = (low * high) ** 0.5 if log else (low + high) / 2
        value = min(max(float(default), low), high)
        self.found[name] = low + step * round((value - low) / step) if step else value
        return self.found[name]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        value = self.suggest_float(name, low, high, log=log)
        self.found[name] = min(high, low + step * round((value - low) / step))
        return self.found[name]

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        default = self._defaults.get(name)
        self.found[name] = default if default in choices else choices[0]
        return self.found[name]
