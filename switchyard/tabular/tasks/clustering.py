"""Groups of rows that belong together. Nothing is predicted: the groups that are found become the classes that are answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.tabular.config.names import our_families
from switchyard.tabular.tasks.base import TaskKind

ANSWER = "group"
"""What the answer is called, where the config says nothing else."""


@dataclass(frozen=True)
class _Clustering(TaskKind):
    def filled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Nothing is tuned, so one trial is enough, and nothing is blended; memberships follow from densities and are not calibrated."""
        own = settings.get("clustering")
        answer = own.get("answer", ANSWER) if isinstance(own, Mapping) else ANSWER
        said: dict[str, dict[str, Any]] = {
            "data": {"target": answer},
            "tuning": {"trials": 1, "families": our_families("clustering"), "ensemble": False},
            "decision": {"calibration": "none"},
        }
        filled = dict(settings)
        for section, values in said.items():
            given = settings.get(section, {})
            if isinstance(given, Mapping):
                filled[section] = {**values, **given}
        data = filled["data"]
        if isinstance(data, Mapping) and data["target"] != answer:
            raise ValueError(f"data.target is {data['target']!r}, and task: clustering predicts no column; remove it, or the task")
        return filled


PARTS = (_Clustering("clustering", True, "stability", target=False, pipeline="pipelines.clustering:clustering", labels=""),)
