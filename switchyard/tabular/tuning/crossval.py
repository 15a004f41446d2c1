"""One trial: fit and score a family on every fold (`cross_validate`)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Self

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families.base import Estimator, Family, Report
from switchyard.tabular.model.model import encode_target
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.typing.targets import in_natural_order
from switchyard.tabular.tasks import TASKS, Metric, metric_of
from switchyard.tabular.tuning.cores import Cores, side_by_side
from switchyard.tabular.tuning.foldsource import FoldData, FoldSource
from switchyard.tabular.tuning.pace import Pace
from switchyard.tabular.tuning.pruning import CurveBound, Race
from switchyard.tabular.tuning.study import State

logger = logging.getLogger(__name__)


def training_target(split: Split, problem: Problem) -> tuple[np.ndarray, tuple[str, ...]]:
    """What is learnt, and the classes by code.

    Returns
    -------
    target : ndarray of shape (n_train,)
        Class codes, or floats for a regression.
    classes : tuple of str
        Sorted; the positive class of a binary task comes second. Empty for a regression.
    """
    values = split.train[problem.data.target]
    if not TASKS[problem.task].classification:
        return values.to_numpy("float64"), ()
    classes = in_natural_order(values.unique())
    if problem.task == "binary" and problem.positive_class in classes:
        classes.sort(key=lambda name: name == problem.positive_class)
    return encode_target(values, classes), tuple(classes)


def constant_score(metric: Metric, target: np.ndarray, n_classes: int, weights: np.ndarray | None = None) -> float:
    """The metric, in its own direction, of what a model without features says: the class shares or the mean of `target`."""
    if n_classes:
        total = len(target) if weights is None else weights.sum()
        return metric.value(target, np.tile(np.bincount(target, weights, n_classes) / total, (len(target), 1)), weights)
    return metric.value(target, np.full(len(target), np.average(target, weights=weights)), weights)


@dataclass(frozen=True)
class _Fold:
    """What came of one fold; the fields are those of `TrialOutcome`, of one fold."""

    predicted: np.ndarray
    score: float
    best_iteration: int | None
    train_rows: int
    fit_seconds: float
    seconds: float
    truncated: bool


@dataclass
class TrialOutcome:
    """What came of one trial; its fields are those of `switchyard.tabular.tuning.study.Trial`."""

    state: State = "complete"
    reason: str = ""
    fold_scores: list[float] = field(default_factory=list)
    pooled: float | None = None
    best_iterations: list[int | None] = field(default_factory=list)
    train_rows: list[int] = field(default_factory=list)
    fit_seconds: list[float] = field(default_factory=list)
    first_loss: float | None = None
    truncated: bool = False
    out_of_time: bool = False
    """Whether the clock ended the trial before its folds were through."""
    oof: np.ndarray | None = None

    def add(self, fold: _Fold) -> None:
        """Note what came of the next fold."""
        self.fold_scores.append(fold.score)
        self.best_iterations.append(fold.best_iteration)
        self.train_rows.append(fold.train_rows)
        self.fit_seconds.append(fold.fit_seconds)
        self.truncated |= fold.truncated

    def ended(self, state: State, reason: str) -> Self:
        """This outcome, as one that came to its end early."""
        self.state, self.reason = state, reason
        return self


_Weighed = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Features, target and weights."""


def _stopping_rows(data: FoldData, later: bool, seed: int) -> tuple[_Weighed, _Weighed]:
    """The rows to fit on and those whose loss says when to stop.

    The validation part, where it is like the training part. Where it is `later`, a random tenth of the training part: the
    loss on a later window rises as soon as its base rate drifts, long before the ranking gets worse. On Bank marketing in
    time order it stopped boosting after 8 to 80 rounds.
    """
    if not later:
        return (data.train, data.train_target, data.train_weights), (data.valid, data.valid_target, data.valid_weights)
    order = np.random.default_rng(seed).permutation(len(data.train))
    watched, fitted = np.sort(order[: max(1, len(order) // 10)]), np.sort(order[max(1, len(order) // 10) :])

    def part(rows: np.ndarray) -> _Weighed:
        return data.train[rows], data.train_target[rows], None if data.train_weights is None else data.train_weights[rows]

    return part(fitted), part(watched)


def cross_validate(
    family: Family,
    params: Mapping[str, Any],
    choices: Mapping[str, str],
    source: FoldSource,
    problem: Problem,
    n_classes: int,
    cores: Cores,
    race: Race,
    curve: CurveBound,
    pace: Pace,
    on_fold: Callable[[Sequence[float]], None] = lambda scores: None,
) -> TrialOutcome:
    """Fit `family` on every fold and score it on what the fold held back.

    Parameters
    ----------
    params, choices
        Of the estimator and of the preprocessing.
    n_classes : int
        0 for regressions.
    cores : Cores
        How many folds are fitted at once. The folds are looked at in their order whoever is through first, so the outcome is the same.
    race, curve, pace
        What may end the trial: its scores, its first learning curve, the clock.
    on_fold : callable
        Told the fold scores so far after each fold.

    Returns
    -------
    TrialOutcome
        With `oof` only when every fold was finished. A fit that raises makes the trial "failed", with the reason.
    """
    classification, metric = TASKS[problem.task].classification, metric_of(problem.task, problem.metric)
    build = {"params": dict(params), "n_classes": n_classes, "n_jobs": cores.threads}
    outcome, count = TrialOutcome(), len(source.folds)
    oof = np.full((len(source.target), n_classes) if classification else len(source.target), np.nan)

    def fold(number: int, given_up: Event) -> _Fold:
        began = time.monotonic()
        data = source.get(family.style, choices, number)
        deadline = pace.deadline(cores.round_of(number, count))
        fitting = time.monotonic()
        report = curve if number == 0 else lambda step, loss: given_up.is_set()
        estimator, learnt = _fitted(family, build, data, source.folds.kind == "time", problem, deadline, report)
        predicted = np.asarray(estimator.predict_proba(data.valid) if classification else estimator.predict(data.valid), dtype="float64")
        score, best, now = metric.value(data.valid_target, predicted, data.valid_weights), estimator.best_iteration_, time.monotonic()
        best = None if best is None else int(best)
        return _Fold(predicted, float(score), best, learnt, now - fitting, now - began, deadline is not None and now >= deadline)

    with closing(side_by_side(fold, count, cores.fits)) as folds:
        for number, (_, valid) in enumerate(source.folds):
            try:
                found = next(folds)
            except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
                logger.info("%s: trial failed on fold %d", family.name, number, exc_info=True)
                return outcome.ended("failed", f"{type(error).__name__}: {error}"[:300])
            if not np.isfinite(found.score):
                return outcome.ended("failed", f"{metric.name} is {found.score} on fold {number}")
            oof[valid] = found.predicted
            outcome.add(found)
            if number == 0:
                outcome.first_loss = curve.best_loss
            on_fold(outcome.fold_scores)
            lost = "its learning curve on the first fold cannot reach the median" if curve.stopped else race.lost(outcome.fold_scores)
            if lost:
                return outcome.ended("pruned", lost)
            pace.passed(found.seconds)
            if pace.late(cores.rounds(count - number - 1)):
                outcome.out_of_time = True
                return outcome.ended("failed", f"out of time after {number + 1} of {count} folds")
    outcome.oof = oof
    if source.folds.kind == "time":
        rows = np.concatenate([valid for _, valid in source.folds])
        outcome.pooled = metric.value(source.target[rows], oof[rows], None if source.weights is None else source.weights[rows])
    return outcome


def _fitted(
    family: Family,
    build: Mapping[str, Any],
    data: FoldData,
    in_time: bool,
    problem: Problem,
    deadline: float | None,
    report: Report,
) -> tuple[Estimator, int]:
    """An estimator fitted to one fold's training rows, and to how many of them."""
    seed = problem.tuning.seed
    estimator = family.build(task=problem.loss, seed=seed, categorical_sizes=list(data.categorical_sizes), **build)
    # To watch the validation loss of what does not stop early would only cost time.
    (X, y, weights), watched = (data.train, data.train_target, data.train_weights), {}
    if family.stops_early:
        (X, y, weights), (*unseen, unseen_weights) = _stopping_rows(data, in_time, seed)
        watched = {"eval_set": tuple(unseen), "eval_weights": unseen_weights, "report": report}
    estimator.fit(X, y, deadline=deadline, weights=weights, **watched)
    return estimator, len(X)
