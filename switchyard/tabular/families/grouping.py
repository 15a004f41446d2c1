"""`GroupsFamily`: what families have in common that find groups."""

from __future__ import annotations

from typing import Any

from switchyard.tabular.families.base import Family, Params


class GroupsFamily(Family):
    """A family of clusterings: it needs distances, and nothing of it is worth tuning."""

    style = "distances"
    tasks = ("clustering",)
    weight = 1.0
    export_s = 0.5

    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """None."""
        return {}

    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        return self.default_params(task, n_rows, n_features)

    def with_iterations(self, params: Params, iterations: int) -> Params:
        return dict(params)
