"""`TaskKind`: what a task means for the rest of the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.parts import Part
from switchyard.tabular.metrics import METRICS


@dataclass(frozen=True)
class TaskKind(Part):
    """A task.

    Parameters
    ----------
    name : str
        What configs call it.
    classification : bool
        Whether an answer is one of some classes, with the probability of each.
    default_metric : str
    target : bool
        Whether the table has a column to predict. Where it has none, training makes one: what it found.
    columns : bool
        Whether it is learnt from what rows hold in their columns; a recommendation is learnt from who took what.
    pipeline : str
        module:NAME of the pipeline that trains it.
    labels : str
        What a label of an answer is, which comes later by the answer's id; empty where none can come.
    """

    noun = "task"
    home = "switchyard.tabular.tasks:TASKS"
    REQUIRED = ("name", "classification", "default_metric")

    name: str
    classification: bool
    default_metric: str
    target: bool = True
    columns: bool = True
    pipeline: str = "pipelines.training:training"
    labels: str = "what the target turned out to be"

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that are defined for it."""
        return tuple(metric.name for metric in METRICS.values() if self.name in metric.tasks)

    def filled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A config with what this task settles by itself, before it is checked.

        Raises
        ------
        ValueError
            Where it says what the task has no use for.
        """
        return dict(settings)
