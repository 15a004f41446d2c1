"""The model families there are. A new one is one module and one line here."""

from __future__ import annotations

from importlib import import_module

from switchyard.tabular.families.base import Estimator, Family

_MODULES = {
    "lightgbm": "switchyard.tabular.families.lightgbm",
    "xgboost": "switchyard.tabular.families.xgboost",
    "random_forest": "switchyard.tabular.families.random_forest",
    "neural_network": "switchyard.tabular.families.neural_network",
}


class _Registry(dict[str, Family]):
    # Filled on first use: the libraries behind the families are slow to import and seldom all needed.
    def __missing__(self, name: str) -> Family:
        if name not in _MODULES:
            raise KeyError(f"no model family {name!r}; there are {', '.join(_MODULES)}")
        self[name] = import_module(_MODULES[name]).FAMILY
        return self[name]


FAMILIES: dict[str, Family] = _Registry()
"""Family by name, imported when asked for: `FAMILIES["lightgbm"]`."""

FAMILY_NAMES = tuple(_MODULES)

__all__ = ["FAMILIES", "FAMILY_NAMES", "Estimator", "Family"]
