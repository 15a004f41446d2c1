"""`Suggestions`: what each trial of a search tries.

The order of trials is the same whether or not the search was interrupted: the first are the family's start points, its tuned
defaults among them, the very first once more for each choice of preprocessing. The others come from TPE, which is seeded anew
for each trial by (seed, family, number of the trial) and sees only finished trials.
"""

from __future__ import annotations

import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import Family
from switchyard.tabular.tuning.defaults import NearestTo

if TYPE_CHECKING:
    import optuna

_OPEN = {"texts": ("learn", "leave"), "pairs": ("leave", "make")}
"""What the first trial does of the choices of preprocessing, and what one trial after it does, else like the first."""
_RANDOM_TRIALS = 6
"""Trials before TPE models the scores."""


class Suggestions:
    """Hyperparameters and choices of preprocessing, trial by trial.

    Parameters
    ----------
    family : Family
    shape : tuple
        Task, number of training rows and of used columns.
    encoders : bool
        Whether the encoding of categories is a choice of the tuner's.
    texts : bool
        Whether there are free texts, which may say nothing that the other columns do not say better.
    pairs : bool
        Whether numbers may be paired, which helps on some tables and costs on others.
    seed : int
    timed : bool
        Whether a budget rules.
    """

    def __init__(self, family: Family, shape: tuple[str, int, int], encoders: bool, texts: bool, pairs: bool, seed: int, timed: bool):
        self._family, self._shape, self._encoders = family, shape, encoders
        self._open = {name: _OPEN[name] for name, there in (("texts", texts), ("pairs", pairs)) if there}
        self._seed, self._timed = seed, timed

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
                fixed = {**nearest.found, "encoder": "auto", **self._first_choices(study, number)}
                sampler = optuna.samplers.PartialFixedSampler(fixed, sampler)
            study.sampler = sampler
            return study.ask()

    def of(self, trial: optuna.Trial, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Parameters and choices of preprocessing that `trial` tries."""
        params = self._family.suggest(trial, *self._shape)
        choices = {}
        if self._encoders:
            choices = {"encoder": trial.suggest_categorical("encoder", ["auto", "ordinal"])}
            choices = {} if choices["encoder"] == "auto" else choices
        for name, values in self._open.items():
            chosen = trial.suggest_categorical(name, values)
            if chosen != values[0]:
                choices[name] = chosen
        start = self._start_point(number)
        return (params if start is None else start), choices

    def _start_point(self, number: int) -> dict[str, Any] | None:
        """What trial `number` tries before the search is free to choose.

        Within a budget that may be enough for a single trial, what did better in our measurements goes first; else the defaults.
        """
        starts = list(self._family.start_points)
        if {} not in starts:
            starts.insert(0, {})
        if not self._timed:
            starts.sort(key=bool)
        # The first again for each choice, so that it is this one by which the two differ.
        starts[1:1] = [starts[0]] * len(self._open)
        return {**self._family.default_params(*self._shape), **starts[number]} if number < len(starts) else None

    def _first_choices(self, study: optuna.Study, number: int) -> dict[str, str]:
        """What is settled for trial `number`, a start point.

        One choice is another than the first trial's; after that, all are those of the best so far.
        """
        import optuna

        if number <= len(self._open):
            return {name: values[place == number] for place, (name, values) in enumerate(self._open.items(), 1)}
        done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        best = study.best_trial.params if done else {}
        return {name: best[name] for name in self._open if name in best}
