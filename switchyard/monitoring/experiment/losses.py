"""What an experiment measures: a loss for each prediction whose label has come, so that arms can be compared by means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from switchyard.predictionlog.records import PROBABILITY
from switchyard.tabular.errors import InputError
from switchyard.tabular.tasks import TASKS

if TYPE_CHECKING:
    import pandas as pd

_LEAST = 1e-4
"""Probabilities are taken to be at least this, so that one sure and wrong answer does not outweigh thousands."""


@dataclass(frozen=True)
class Measure:
    """One metric as a loss: the lower the better.

    `function(frame, classes, positive)` takes rows of the prediction log and gives float64 of shape (n,), NaN where a row
    has no label that it understands. A measure of pairs, ROC-AUC, gives the score, from which the loss of a row follows
    only among the others of its arm (`pair_losses`).
    """

    name: str
    title: str
    function: Callable[[pd.DataFrame, tuple[str, ...], str | None], np.ndarray]
    unit: bool
    """Losses lie between 0 and 1."""
    pairs: bool = False
    rare: bool = False
    """What it counts is seldom: the smallest difference that matters is a share of the score, not of the whole."""

    def score(self, loss: float) -> float:
        """What people call it: accuracy, ROC-AUC and the hit rate are 1 less the loss."""
        return 1 - loss if self.name in ("accuracy", "roc_auc", "hit_rate") else loss


def measure_for(task: str, wanted: str, metric: str) -> Measure:
    """What the experiment goes by.

    Parameters
    ----------
    task : str
        Of the model.
    wanted : str
        `experiment.metric` of the config; auto: the problem's own metric, or the loss nearest to it.
    metric : str
        The problem's.

    Raises
    ------
    InputError
        `wanted` is no measure of the task.
    """
    possible = _OF_TASK[task]
    if wanted == "auto":
        metric = TASKS[task].default_metric if metric == "auto" else metric
        return MEASURES[metric if metric in possible else possible[0]]
    if wanted not in possible:
        raise InputError(f"experiment.metric: {wanted!r} does not fit a {task} model; choose one of {', '.join(possible)}")
    return MEASURES[wanted]


def pair_losses(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A value for each row, whose weighted mean is 1 - ROC-AUC, and whose spread is that of the estimate.

    Parameters
    ----------
    scores : ndarray of shape (n,)
    positive : ndarray of bool, shape (n,)
        With rows of both kinds.
    weights : ndarray of shape (n,)
        1 over the rows of the entity, so that each entity counts the same.

    References
    ----------
    The influence function of the Mann-Whitney statistic, from the placements of DeLong, DeLong & Clarke-Pearson,
    *Biometrics* 44, 1988.
    """
    losses = np.empty(len(scores))
    for side, worse in ((positive, 1.0), (~positive, -1.0)):
        order = np.argsort(worse * scores[~side], kind="stable")
        others, heights = (worse * scores[~side])[order], np.append(0.0, np.cumsum(weights[~side][order]))
        below = heights[np.searchsorted(others, worse * scores[side], "left")]
        through = heights[np.searchsorted(others, worse * scores[side], "right")]
        losses[side] = 1 - (below + through) / (2 * heights[-1])
    overall = float(np.average(losses[positive], weights=weights[positive]))
    shares = np.where(positive, weights[positive].sum(), weights[~positive].sum()) / weights.sum()
    return overall + (losses - overall) / shares


def is_positive(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    """1 and 0 for labels of the positive and of the other class, NaN elsewhere."""
    actual = frame["actual"]
    known = actual.isin(classes).to_numpy()
    return np.where(known, (actual == positive).to_numpy().astype(float), np.nan)


def _wrong(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    known = frame["actual"].isin(classes).to_numpy()
    return np.where(known, (frame["actual"] != frame["label"]).to_numpy().astype(float), np.nan)


def _log_loss(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    return -np.log(np.maximum(_of_actual(frame, classes), _LEAST))


def _brier(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    chances = _chances(frame, classes)
    truth = np.stack([(frame["actual"] == name).to_numpy() for name in classes], axis=1)
    known = frame["actual"].isin(classes).to_numpy()
    return np.where(known, ((chances - truth) ** 2).sum(axis=1) / 2, np.nan)


def _score(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    known = frame["actual"].isin(classes).to_numpy()
    return np.where(known, _chances(frame, (str(positive),))[:, 0], np.nan)


def _absolute(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    return np.abs(_errors(frame))


def _squared(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    return _errors(frame) ** 2


def _errors(frame: pd.DataFrame) -> np.ndarray:
    import pandas as pd

    return (pd.to_numeric(frame["actual"], errors="coerce") - pd.to_numeric(frame["prediction"], errors="coerce")).to_numpy(dtype=float)


def _of_actual(frame: pd.DataFrame, classes: tuple[str, ...]) -> np.ndarray:
    """Probability that was given to the class that it was."""
    chances, found = _chances(frame, classes), np.full(len(frame), np.nan)
    for column, name in enumerate(classes):
        is_it = (frame["actual"] == name).to_numpy()
        found[is_it] = chances[is_it, column]
    return found


def _chances(frame: pd.DataFrame, classes: tuple[str, ...]) -> np.ndarray:
    missing = [name for name in classes if PROBABILITY + name not in frame]
    if missing:
        return np.full((len(frame), len(classes)), np.nan)
    return frame[[PROBABILITY + name for name in classes]].to_numpy(dtype=float)


def _missed(frame: pd.DataFrame, classes: tuple[str, ...], positive: str | None) -> np.ndarray:
    """Whether what was taken had not been shown; `frame` has the answers whole, as `probabilities`."""
    shown = zip(frame["actual"], frame["probabilities"])
    return np.array([np.nan if actual is None or actual != actual else float(actual not in items) for actual, items in shown])


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("accuracy", "accuracy", _wrong, unit=True),
        Measure("log_loss", "log loss", _log_loss, unit=False),
        Measure("brier", "Brier score", _brier, unit=True),
        Measure("roc_auc", "ROC-AUC", _score, unit=True, pairs=True),
        Measure("mae", "mean absolute error", _absolute, unit=False),
        Measure("rmse", "mean squared error (RMSE squared)", _squared, unit=False),
        Measure("hit_rate", "hit rate of what was shown", _missed, unit=True, rare=True),
    )
}
_OF_TASK = {
    # The first stands in for metrics that are no mean over rows, such as F1 and average precision.
    "binary": ("log_loss", "accuracy", "brier", "roc_auc"),
    "multiclass": ("log_loss", "accuracy", "brier"),
    "regression": ("rmse", "mae"),
    "clustering": ("accuracy", "log_loss", "brier"),
    "recommendation": ("hit_rate",),
}
