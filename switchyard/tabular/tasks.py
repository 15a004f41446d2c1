"""The tasks and metrics there are. A new one is one line of these tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.errors import InputError


@dataclass(frozen=True)
class Metric:
    """A score of predictions against truth.

    `function(truth, prediction)`: for classifications truth is int codes of shape (n,) and prediction is
    probabilities of shape (n, n_classes); for regressions both are floats of shape (n,).
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray], float]
    greater_is_better: bool

    @property
    def sign(self) -> float:
        """+1 or -1: `sign * value` is larger for the better model."""
        return 1.0 if self.greater_is_better else -1.0


@dataclass(frozen=True)
class TaskKind:
    """What a task means for the rest of the library."""

    name: str
    classification: bool
    default_metric: str
    metrics: tuple[str, ...]


def _roc_auc(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    if proba.shape[1] == 2:
        return float(roc_auc_score(truth, proba[:, 1]))
    return float(roc_auc_score(truth, proba, multi_class="ovr", average="macro", labels=np.arange(proba.shape[1])))


def _average_precision(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, proba[:, 1]))


def _log_loss(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(truth, np.clip(proba, 1e-15, 1), labels=np.arange(proba.shape[1])))


def _brier(truth: np.ndarray, proba: np.ndarray) -> float:
    return float(np.mean((proba - np.eye(proba.shape[1])[truth]) ** 2) * proba.shape[1] / 2)


def _accuracy(truth: np.ndarray, proba: np.ndarray) -> float:
    return float(np.mean(proba.argmax(axis=1) == truth))


def _f1(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, proba.argmax(axis=1), average="binary" if proba.shape[1] == 2 else "weighted"))


def _rmse(truth: np.ndarray, prediction: np.ndarray) -> float:
    return float(np.sqrt(np.mean((truth - prediction) ** 2)))


def _mae(truth: np.ndarray, prediction: np.ndarray) -> float:
    return float(np.mean(np.abs(truth - prediction)))


def _r2(truth: np.ndarray, prediction: np.ndarray) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(truth, prediction))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", _roc_auc, True),
        Metric("average_precision", _average_precision, True),
        Metric("log_loss", _log_loss, False),
        Metric("brier", _brier, False),
        Metric("accuracy", _accuracy, True),
        Metric("f1", _f1, True),
        Metric("rmse", _rmse, False),
        Metric("mae", _mae, False),
        Metric("r2", _r2, True),
    )
}
TASKS = {
    task.name: task
    for task in (
        TaskKind("binary", True, "roc_auc", ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1")),
        TaskKind("multiclass", True, "log_loss", ("log_loss", "roc_auc", "accuracy", "f1", "brier")),
        TaskKind("regression", False, "rmse", ("rmse", "mae", "r2")),
    )
}


def metric_of(task: str, name: str) -> Metric:
    """The metric `name` for `task`; an `InputError` lists what there is."""
    if name == "auto":
        name = TASKS[task].default_metric
    if name not in TASKS[task].metrics:
        raise InputError(f"metric: {name!r} is no metric of a {task} task; choose one of {', '.join(TASKS[task].metrics)}")
    return METRICS[name]
