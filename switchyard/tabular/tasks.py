"""The tasks there are, and what of metrics fits them."""

from __future__ import annotations

from dataclasses import dataclass

from switchyard.parts import Part, Parts
from switchyard.tabular.errors import InputError
from switchyard.tabular.metrics import METRICS, Metric
from switchyard.tabular.suggest import did_you_mean


@dataclass(frozen=True)
class TaskKind(Part):
    """What a task means for the rest of the library."""

    noun = "task"
    home = "switchyard.tabular.tasks:TASKS"
    REQUIRED = ("name", "classification", "default_metric")

    name: str
    classification: bool
    default_metric: str

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that are defined for it."""
        return tuple(metric.name for metric in METRICS.values() if self.name in metric.tasks)


PARTS = (
    TaskKind("binary", True, "roc_auc"),
    TaskKind("multiclass", True, "log_loss"),
    TaskKind("regression", False, "rmse"),
    TaskKind("recommendation", False, "ndcg_at_10"),
)
TASKS = Parts(TaskKind, ("switchyard.tabular.tasks",))


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
