"""One trial: fit and score a family on every fold. `cross_validate`, with folds prepared once by `FoldSource`."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families.base import Estimator, Family
from switchyard.tabular.features.plan import FeaturePlan, training_rows
from switchyard.tabular.model.model import encode_target
from switchyard.tabular.tables.folds import Folds
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tables.typing.targets import in_natural_order
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import TASKS, Metric, metric_of
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
class FoldData:
    """One fold as estimators see it: float32 features and encoded targets."""

    train: np.ndarray
    train_target: np.ndarray
    valid: np.ndarray
    valid_target: np.ndarray
    categorical_sizes: tuple[tuple[int, int], ...]
    train_weights: np.ndarray | None = None
    valid_weights: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in (self.train, self.train_target, self.valid, self.valid_target))


class _Shelf:
    """Prepared folds of this process, least recently used out first, so that families of one style prepare once."""

    def __init__(self, limit: int):
        self._limit = limit
        self._items: OrderedDict[tuple, FoldData] = OrderedDict()

    def get(self, key: tuple) -> FoldData | None:
        if key in self._items:
            self._items.move_to_end(key)
        return self._items.get(key)

    def put(self, key: tuple, item: FoldData) -> None:
        self._items[key] = item
        while len(self._items) > 1 and sum(kept.nbytes for kept in self._items.values()) > self._limit:
            self._items.popitem(last=False)


def _eighth_of_memory() -> int:
    return int(min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8, 2 * 2**30))


_SHELF = _Shelf(_eighth_of_memory())


class FoldSource:
    """The folds of a split, preprocessed inside each fold for a style and the tuner's choices.

    Parameters
    ----------
    split, plan, problem, folds
        What to prepare, how, and where to cut.
    target : ndarray of shape (n_train,)
        Class codes, or floats.
    scope : str
        Names this data and plan; prepared folds are shared in the process under it.
    """

    def __init__(self, split: Split, plan: FeaturePlan, problem: Problem, folds: Folds, target: np.ndarray, scope: str):
        self.folds = folds
        self.target = target
        self._split = split
        self._plan = plan
        self._scope = scope
        self._features = model_frame(split.train, plan.used)
        self.weights = weights_of(split.train, split.schema)

    def get(self, style: str, choices: Mapping[str, str], fold: int) -> FoldData:
        """Fold number `fold`, prepared now or before."""
        key = (self._scope, style, json.dumps(choices, sort_keys=True), fold)
        data = _SHELF.get(key)
        if data is None:
            data = self._prepare(style, choices, fold)
            _SHELF.put(key, data)
        return data

    def _prepare(self, style: str, choices: Mapping[str, str], fold: int) -> FoldData:
        # What prepares is scikit-learn's; who only draws up a run need not load it.
        from switchyard.tabular.features.preprocess import build_preprocessor

        train, valid = self.folds[fold]
        # Rows that only training may lose (outliers) go before anything is fitted; positions are what is left.
        kept = training_rows(self._split.train.iloc[train], self._plan, self._split.schema)
        rows = model_frame(kept, self._plan.used)
        fitted_rows = kept.index.to_numpy()
        target = self.target[fitted_rows]
        preprocessor = build_preprocessor(self._plan, style, dict(choices))
        fitted = preprocessor.fit_transform(rows, target)
        unseen = preprocessor.transform(self._features.iloc[valid])
        return FoldData(
            np.asarray(fitted, dtype="float32"),
            target,
            np.asarray(unseen, dtype="float32"),
            self.target[valid],
            tuple(tuple(pair) for pair in preprocessor.categorical_sizes_),
            None if self.weights is None else self.weights[fitted_rows],
            None if self.weights is None else self.weights[valid],
        )


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
    n_jobs: int,
    race: Race,
    curve: CurveBound,
    pace: Pace,
    on_fold: Callable[[Sequence[float]], None] = lambda scores: None,
) -> TrialOutcome:
    """Fit `family` on every fold in turn and score it on what the fold held back.

    Parameters
    ----------
    params, choices
        Of the estimator and of the preprocessing.
    n_classes : int
        0 for regressions.
    race, curve, pace
        What may end the trial: its scores, its first learning curve, the clock.
    on_fold : callable
        Told the fold scores so far after each fold.

    Returns
    -------
    TrialOutcome
        With `oof` only when every fold was finished. A fit that raises makes the trial "failed", with the reason.
    """
    classification = TASKS[problem.task].classification
    metric = metric_of(problem.task, problem.metric)
    outcome = TrialOutcome()
    oof = np.full((len(source.target), n_classes) if classification else len(source.target), np.nan)
    count = len(source.folds)
    for number, (_, valid) in enumerate(source.folds):
        began = time.monotonic()
        data = source.get(family.style, choices, number)
        deadline = pace.deadline(count - number)
        fitting = time.monotonic()
        try:
            build = {"params": dict(params), "n_classes": n_classes, "n_jobs": n_jobs}
            report = curve if number == 0 else None
            estimator, learnt = _fitted(family, build, data, source.folds.kind == "time", problem, deadline, report)
            predicted = estimator.predict_proba(data.valid) if classification else estimator.predict(data.valid)
            score = metric.value(data.valid_target, np.asarray(predicted, dtype="float64"), data.valid_weights)
        except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            logger.info("%s: trial failed on fold %d", family.name, number, exc_info=True)
            outcome.state, outcome.reason = "failed", f"{type(error).__name__}: {error}"[:300]
            return outcome
        if not np.isfinite(score):
            outcome.state, outcome.reason = "failed", f"{metric.name} is {score} on fold {number}"
            return outcome
        oof[valid] = predicted
        outcome.fold_scores.append(float(score))
        outcome.best_iterations.append(None if estimator.best_iteration_ is None else int(estimator.best_iteration_))
        outcome.train_rows.append(learnt)
        outcome.fit_seconds.append(time.monotonic() - fitting)
        outcome.truncated |= deadline is not None and time.monotonic() >= deadline
        if number == 0:
            outcome.first_loss = curve.best_loss
        on_fold(outcome.fold_scores)
        lost = "its learning curve on the first fold cannot reach the median" if curve.stopped else race.lost(outcome.fold_scores)
        if lost:
            outcome.state, outcome.reason = "pruned", lost
            return outcome
        pace.passed(time.monotonic() - began)
        if pace.late(count - number - 1):
            outcome.state, outcome.out_of_time, outcome.reason = "failed", True, f"out of time after {number + 1} of {count} folds"
            return outcome
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
    report: CurveBound | None,
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
