"""Where a search starts: the family's tuned defaults, then `START_POINTS`; `NearestTo` places both in the search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

START_POINTS: dict[str, tuple[dict[str, Any], ...]] = {
    "lightgbm": (
        {
            "learning_rate": 0.05,
            "num_leaves": 31,
            "min_data_in_leaf": 20,
            "min_sum_hessian_in_leaf": 1e-3,
            "bagging_fraction": 1.0,
            "bagging_freq": 0,
            "feature_fraction": 0.6,
        },
    ),
    "xgboost": ({"max_depth": 5, "min_child_weight": 1.0, "reg_lambda": 1.0, "subsample": 0.9, "colsample_bylevel": 0.6},),
}
"""What a second trial changes in the tuned defaults, by family.

Near the libraries' own defaults, with fewer columns per tree, as in the learnt portfolio of Salinas and Erickson, *TabRepo*,
AutoML Conference 2024 (its XGBoost_r89 has depth 5 and 66 % of the columns). Cross-validated against the tuned defaults: LightGBM
0.9291 to 0.9271 ROC-AUC on Adult and 22,982 to 23,231 RMSE on Ames housing, XGBoost 0.9280 to 0.9261 and 22,263 to 23,302;
worse on Bank marketing in time order (0.855 to 0.857, 0.850 to 0.861). So both are tried.
"""


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
