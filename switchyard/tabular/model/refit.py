"""Fitting what a search has chosen: its candidates to the training rows (`fit_chosen`), and the same once more to all (`fit_again`)."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.families.base import Params
from switchyard.tabular.features.plan import FeaturePlan, training_rows
from switchyard.tabular.model.model import Member, Model, encode_target
from switchyard.tabular.model.ondisk import OnDisk, Rows
from switchyard.tabular.model.unlike import with_limits
from switchyard.tabular.tables.large.rest import NO_REST, Rest
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tuning.study import Candidate, Trial
from switchyard.tabular.workers.fit import Workers

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

logger = logging.getLogger(__name__)


def refit_params(family: str, trial: Trial, rows: int) -> Params:
    """The parameters of a fit to `rows` rows, which has no validation rows to stop on.

    Boosting takes the geometric mean of the folds' best rounds, more by the square root of what there are more rows: a fold
    of few rows without a mistake gets the better the longer it goes on, by less and less, and one with a mistake the worse. Nets take
    the mean of the epochs, which hold more steps by themselves, with a learning rate schedule of that length; forests
    take the trees they had.
    """
    found = [(best, rows / trained) for best, trained in zip(trial.best_iterations, trial.train_rows) if best is not None]
    if not found:
        return dict(trial.params)
    wanted = [best * _more_rounds(family, ratio) for best, ratio in found]
    kind = FAMILIES[family]
    iterations = np.exp(np.mean(np.log(wanted))) if kind.stops_early and not kind.scheduled else np.mean(wanted)
    return FAMILIES[family].with_iterations(trial.params, max(1, round(float(iterations))))


def _more_rounds(family: str, ratio: float) -> float:
    """By what to multiply the rounds of a fit that gets `ratio` times the rows."""
    kind = FAMILIES[family]
    return min(ratio, 2.0) ** 0.5 if kind.stops_early and not kind.scheduled else 1.0


def fit_chosen(
    chosen: Sequence[tuple[str, Candidate]],
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    classes: tuple[str, ...],
    end: float | None = None,
    n_jobs: int | None = None,
    times: Sequence[int] = (),
) -> list[Member]:
    """Fit the chosen (family, candidate) pairs to the training rows.

    Parameters
    ----------
    classes : tuple of str
        Labels by code; empty for a regression.
    end : float, optional
        `time.monotonic` at which fitting and export should be through. A fit that would take longer ends early;
        the estimates made before should keep it from that.
    n_jobs : int, optional
        Threads of a fit; all cores when absent.
    times : sequence of int, optional
        How often each is fitted, with other seeds: its members stand in a row. Once when absent.
    """
    from switchyard.tabular.features.preprocess import build_preprocessor

    rows = _Rows(split, plan, problem, classes)
    prepared: dict[tuple, Pipeline] = {}
    recipes = []
    for (family, candidate), count in zip(chosen, times or [1] * len(chosen)):
        style, choices = FAMILIES[family].style, candidate.trial.choices
        key = (style, *sorted(choices.items()))
        if key not in prepared:
            prepared[key] = build_preprocessor(plan, style, choices)
        params = refit_params(family, candidate.trial, len(rows.frame))
        recipes += [_Recipe(family, params, prepared[key], problem.tuning.seed + again) for again in range(count)]
    return list(_Fitting(rows, problem, end, n_jobs).members(recipes))


def with_all_rows(split: Split) -> Split:
    """`split` with every row in its training part, up to the newest; the holdout stays, as rows to compare answers on."""
    boundary = split.boundary
    if split.kind == "time":
        boundary = _newest(split)
    return replace(split, train=pd.concat([split.train, split.holdout], ignore_index=True), boundary=boundary)


def _newest(split: Split) -> str:
    """The last moment of the table, or its number of rows where these are in order; of all rows where the split's are a sample."""
    time, of = split.schema.time, split.schema.of
    if time is None:
        return str(of or len(split.train) + len(split.holdout))
    newest = max(*split.train[time.name], *split.holdout[time.name])
    if of is None or time.maximum is None:
        return str(newest)
    return str(pd.Timestamp(time.maximum, unit="s") if time.kind == "datetime" else time.maximum)


def fit_again(
    model: Model,
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    end: float | None = None,
    n_jobs: int | None = None,
    rest: Rest = NO_REST,
    by: float | None = None,
) -> Model | None:
    """The same recipe as `model`, fitted to training rows and holdout together; None where the time ended before.

    Hyperparameters, weights, calibration, threshold and interval are those of `model`, all chosen on out-of-fold answers.
    Boosting gets more rounds by the square root of what there are more rows.

    Parameters
    ----------
    model : Model
        Fitted to `split.train`.
    split, plan, problem
        As `model` had them.
    end, n_jobs
        As in `fit_chosen`.
    rest : Rest
        Rows on disk that are learnt from besides, by the families that can (`Estimator.streams`); preparation is that of the rows in
        memory.
    by : float, optional
        `time.monotonic` at which these families should be through: where the pace says they would not, they make fewer and
        larger steps (`Strides`), and at the worst end later.
    """
    from sklearn.base import clone

    if end is not None and time.monotonic() >= end:
        return None
    rows = _Rows(with_all_rows(split), plan, problem, model.classes, rest)
    before = len(training_rows(split.train, plan, split.schema))
    fresh = {id(member.preprocessor): clone(member.preprocessor) for member in model.members}
    recipes = []
    for member in model.members:
        more = _more_rounds(member.family, rows.count(member.family) / before)
        rounds = max(1, round(member.params.get("iterations", 1) * more))
        params = FAMILIES[member.family].with_iterations(member.params, rounds) if more > 1 else member.params
        recipes.append(_Recipe(member.family, params, fresh[id(member.preprocessor)], member.estimator.seed))
    fitting = _Fitting(rows, problem, end, n_jobs, by)
    # A schedule takes what it takes, so that boosting, whose steps follow the clock, gets what is left.
    order = sorted(range(len(recipes)), key=lambda place: by is not None and not FAMILIES[recipes[place].family].scheduled)
    members: dict[int, Member] = {}
    for place, member in zip(order, fitting.members([recipes[place] for place in order])):
        if fitting.cut_short:
            return None
        members[place] = member
    fitted = replace(model, members=tuple(members[place] for place in range(len(recipes))))
    return with_limits(fitted, with_all_rows(split).train, problem.clustering.unlike)


@dataclass(frozen=True, eq=False)
class _Recipe:
    """What is fitted: a family with its parameters behind a preprocessor; those that hold the same one share its fit."""

    family: str
    params: Params
    preprocessor: Pipeline
    seed: int


class _Rows:
    """The rows of a split's training part that fits see, and their target."""

    def __init__(self, split: Split, plan: FeaturePlan, problem: Problem, classes: tuple[str, ...], rest: Rest = NO_REST):
        kept = training_rows(split.train, plan, split.schema)
        target = kept[problem.data.target]
        self.frame = model_frame(kept, plan.used)
        self.target = encode_target(target, classes) if classes else target.to_numpy("float64")
        self.weights = weights_of(kept, split.schema)
        self.n_classes = len(classes)
        self.on_disk = OnDisk(rest, plan, split.schema, classes)

    def count(self, family: str) -> int:
        """How many rows a family learns from."""
        return len(self.frame) + (self.on_disk.rest.rows if FAMILIES[family].estimator.streams else 0)


class _Fitting:
    """Fits recipes one after the other, within a time."""

    def __init__(self, rows: _Rows, problem: Problem, end: float | None, n_jobs: int | None, by: float | None = None):
        self._rows, self._problem, self._end, self._by, self._n_jobs = rows, problem, end, by, n_jobs or joblib.cpu_count()
        self._prepared: dict[int, np.ndarray] = {}
        self._streamed: dict[int, Rows] = {}
        self.cut_short = False
        """Whether the clock ended a fit before it was through."""

    def members(self, recipes: Sequence[_Recipe]) -> Iterator[Member]:
        exports = sum(FAMILIES[recipe.family].export_s for recipe in recipes)
        for number, recipe in enumerate(recipes):
            began = time.monotonic()
            deadline = None if self._end is None else max(began, self._end - exports)
            sharing = sum(FAMILIES[other.family].boosts for other in recipes[number:])
            member = self._member(recipe, deadline, sharing)
            done = time.monotonic()
            counted = f"{recipe.family} ({number + 1} of {len(recipes)})"
            logger.info("fitted %s to %s rows in %.1f s", counted, f"{self._rows.count(recipe.family):,}", done - began)
            if deadline is not None and done > deadline:
                self.cut_short = True
                logger.warning("the fit of %s was cut short by the budget", recipe.family)
            if not any(other.preprocessor is recipe.preprocessor for other in recipes[number + 1 :]):
                # Targets of all rows are large, and the file of prepared values goes with its last reader.
                self._streamed.pop(id(recipe.preprocessor), None)
            yield member

    def _member(self, recipe: _Recipe, deadline: float | None, sharing: int) -> Member:
        """`sharing`: how many of those to come, itself included, share the time for all rows of a large table."""
        features = self._features(recipe.preprocessor)
        estimator = FAMILIES[recipe.family].build(
            task=self._problem.loss,
            params=recipe.params,
            seed=recipe.seed,
            n_classes=self._rows.n_classes,
            n_jobs=self._n_jobs,
            categorical_sizes=recipe.preprocessor.categorical_sizes_,
        )
        here = Rows(features, self._rows.target, self._rows.weights)
        beyond = self._rows.count(recipe.family) > len(self._rows.frame)
        if beyond and self._problem.training.by_workers and FAMILIES[recipe.family].boosts:
            estimator = Workers(self._problem.training).fit(estimator, recipe.preprocessor, here, self._rows.on_disk)
        else:
            rows, now = self._with_rest(recipe.preprocessor, here) if beyond else here, time.monotonic()
            by = None if self._by is None else now + (self._by - now) / max(1, sharing)
            estimator.fit(rows.matrix, rows.target, deadline=deadline, weights=rows.weights, by=by)
        return Member(recipe.family, recipe.params, recipe.preprocessor, estimator)

    def _with_rest(self, preprocessor: Pipeline, here: Rows) -> Rows:
        """Every row, of which those on disk are prepared once for all recipes that share a preprocessor."""
        if id(preprocessor) not in self._streamed:
            on_disk = self._rows.on_disk
            self._streamed[id(preprocessor)] = on_disk.behind(here, preprocessor, on_disk.rest.parts[0].parent)
        return self._streamed[id(preprocessor)]

    def _features(self, preprocessor: Pipeline) -> np.ndarray:
        if id(preprocessor) not in self._prepared:
            fitted = preprocessor.fit_transform(self._rows.frame, self._rows.target)
            self._prepared[id(preprocessor)] = np.asarray(fitted, dtype="float32")
        return self._prepared[id(preprocessor)]
