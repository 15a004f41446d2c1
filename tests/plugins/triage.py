"""A task with its metric, its family and its pipeline: who comes first, judged by how many the first tenth catches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from zenml import pipeline, step

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.metrics import Metric
from switchyard.tabular.tasks import TaskKind


def _caught(truth, proba):
    first = np.argsort(-proba[:, 1], kind="stable")[: max(1, len(truth) // 10)]
    return float(truth[first].sum() / max(1, truth.sum()))


class Trees(type(FAMILIES["lightgbm"])):
    """Boosted trees, for this task alone."""

    name = "triage_trees"
    tasks = ("triage",)


@dataclass(frozen=True)
class Triage(TaskKind):
    """Who comes first."""

    def filled(self, settings):
        return {**settings, "tuning": {"families": ["triage_trees"], **settings.get("tuning", {})}}


@step(enable_cache=False)
def sort_by_need(problem: Problem, location: str) -> Annotated[str, "order"]:
    """Where a model of the task would be learnt."""
    return f"{problem.data.target} of {location}"


@pipeline
def triage(problem, location, **_):
    """What trains it."""
    sort_by_need(problem, location)


PARTS = (
    Triage("triage", classification=True, default_metric="caught", pipeline=f"{__name__}:triage"),
    Trees(),
    Metric("caught", "Share caught in the first tenth", _caught, greater_is_better=True, tasks=("triage",)),
)
