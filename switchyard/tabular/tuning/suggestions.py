"""`Suggestions`: what each trial of a search tries.

The order of trials is the same whether or not the search was interrupted: the first are the family's start points, its tuned
defaults among them, the very first once more for each choice of preprocessing. The others come from TPE, which is seeded anew
for each trial by (seed, family, number of the trial) and sees only finished trials.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import NATIVE, Family
from switchyard.tabular.tuning.defaults import NearestTo

if TYPE_CHECKING:
    import optuna

    from switchyard.tabular.features.record import FeaturePlan

_TRIED = {"texts": "leave", "encoder": NATIVE, "pairs": "make"}
"""What one trial after the first does of a choice of preprocessing, else like the first, where it may."""
_RANDOM_TRIALS = 6
"""Trials before TPE models the scores."""


def open_choices(family: Family, plan: FeaturePlan) -> dict[str, tuple[str, ...]]:
    """What a search of `family` may choose of preprocessing, by name: values, of which the first is the first trial's.

    One-hot and target encoding win on Ames housing (RMSE 22,982 to 24,350), ordinal codes on Bank marketing (ROC-AUC 0.885 to 0.850)
    and Adult; a net's codes go to embeddings either way. Texts may say nothing that the other columns do not say better, and pairs of
    numbers help on some tables and cost on others (docs/benchmarks.md).
    """
    from switchyard.tabular.features.preprocess import paired

    trees = family.style == "tree"
    categories = any(column.use and column.kind == "categorical" and column.encoder == "auto" for column in plan.columns)
    choices: dict[str, tuple[str, ...]] = {}
    if trees and plan.encoder == "auto" and categories:
        choices["encoder"] = family.encoders
    if any(column.use and column.kind == "text" for column in plan.columns):
        choices["texts"] = ("learn", "leave")
    if trees and plan.pairs == "auto" and len(paired(plan)) > 1:
        choices["pairs"] = ("leave", "make")
    return choices


class Suggestions:
    """Hyperparameters and choices of preprocessing, trial by trial.

    Parameters
    ----------
    family : Family
    shape : tuple
        Task, number of training rows and of used columns.
    choices : mapping
        As `open_choices` has them.
    seed : int
    timed : bool
        Whether a budget rules.
    """

    def __init__(self, family: Family, shape: tuple[str, int, int], choices: Mapping[str, tuple[str, ...]], seed: int, timed: bool):
        self._family, self._shape, self._choices, self._seed, self._timed = family, shape, choices, seed, timed
        self._tried = [name for name, value in _TRIED.items() if value in choices.get(name, ())]

    def ask(self, study: optuna.Study, number: int) -> optuna.Trial:
        """Optuna's trial for number `number` of `study`."""
        import optuna

        seed = np.random.SeedSequence([self._seed, zlib.crc32(self._family.name.encode()), number]).generate_state(1)[0]
        sampler = optuna.samplers.TPESampler(seed=int(seed), n_startup_trials=_RANDOM_TRIALS, multivariate=True, constant_liar=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (start := self._start_point(number)) is not None:
                nearest = NearestTo(start)
                self._family.suggest(nearest, *self._shape)
                sampler = optuna.samplers.PartialFixedSampler({**nearest.found, **self._settled(study, number)}, sampler)
            study.sampler = sampler
            return study.ask()

    def of(self, trial: optuna.Trial, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Parameters and choices of preprocessing that `trial` tries."""
        params = self._family.suggest(trial, *self._shape)
        chosen = {name: trial.suggest_categorical(name, values) for name, values in self._choices.items()}
        start = self._start_point(number)
        made = {name: value for name, value in chosen.items() if value != self._choices[name][0]}
        return (params if start is None else start), made

    def _start_point(self, number: int) -> dict[str, Any] | None:
        """What trial `number` tries before the search is free to choose.

        Within a budget that may be enough for a single trial, what did better in our measurements goes first; else the defaults.
        """
        points = self._points()
        return {**self._family.default_params(*self._shape), **points[number][0]} if number < len(points) else None

    def _points(self) -> list[tuple[dict[str, Any], str]]:
        """Start points, and the choice that is another than the first trial's, in the order in which they are tried.

        Each choice is tried with the first of them, so that it is the choice by which the two differ; between two choices comes
        another start point, for a search may have time for few.
        """
        starts = list(self._family.start_points)
        if {} not in starts:
            starts.insert(0, {})
        if not self._timed:
            starts.sort(key=bool)
        first, *others = ((start, "") for start in starts)
        tried = [(first[0], name) for name in self._tried]
        turns = [one for pair in zip_longest(tried, others) for one in pair if one is not None]
        return [first, *turns]

    def _settled(self, study: optuna.Study, number: int) -> dict[str, str]:
        """The choices of trial `number`, a start point.

        One is another than the first trial's; after that, all are those of the best so far.
        """
        import optuna

        first, choice = {name: values[0] for name, values in self._choices.items()}, self._points()[number][1]
        if not number or choice:
            return first | ({choice: _TRIED[choice]} if choice else {})
        done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        best = study.best_trial.params if done else {}
        return first | {name: best[name] for name in first if name in best}
