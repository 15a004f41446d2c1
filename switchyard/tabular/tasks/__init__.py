"""The tasks there are, each one module, and what of metrics fits them."""

from __future__ import annotations

from switchyard.parts import Parts
from switchyard.tabular.errors import InputError
from switchyard.tabular.metrics import METRICS, Metric
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tasks.base import TaskKind

TASKS = Parts(
    TaskKind,
    (
        "switchyard.tabular.tasks.binary",
        "switchyard.tabular.tasks.multiclass",
        "switchyard.tabular.tasks.regression",
        "switchyard.tabular.tasks.clustering",
        "switchyard.tabular.tasks.recommendation",
    ),
)

__all__ = ["METRICS", "TASKS", "Metric", "TaskKind", "kind_of", "metric_of"]


def kind_of(task: str) -> TaskKind:
    """What `task` means; of one that is still to be found what those have in common that predict a column."""
    return TASKS["binary" if task == "auto" else task]


def metric_of(task: str, name: str) -> Metric:
    """The metric `name` for `task`; an `InputError` lists what there is."""
    if name == "auto":
        name = TASKS[task].default_metric
    fitting = TASKS[task].metrics
    if name not in fitting:
        near = did_you_mean(name, fitting) if name not in METRICS else ""
        also = near if near.startswith("; did") else ""
        raise InputError(f"metric: {name!r} is no metric of a {task} task{also}; choose one of {', '.join(fitting)}")
    return METRICS[name]
