"""`Suggestions`: what each trial of a search tries.

The order of trials is the same whether or not the search was interrupted: the first are the family's tuned defaults and a
measured variant of them, the others come from TPE, which is seeded anew for each trial by (seed, family, number of the
trial) and sees only finished trials.
"""

from __future__ import annotations

import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import NATIVE, Family
from switchyard.tabular.tuning.defaults import NearestTo

if TYPE_CHECKING:
    import optuna

_TEXTS = ("learn", "leave")
"""What the first two trials do with free texts."""
_RANDOM_TRIALS = 6
"""Trials before TPE models the scores."""


class Suggestions:
    """Hyperparameters and choices of preprocessing, trial by trial.

    Parameters
    ----------
    family : Family
    shape : tuple
        Task, number of training rows and of used columns.
    encoders : tuple of str
        What the tuner may make of categories; none where it has no choice.
    texts : bool
        Whether there are free texts, which may say nothing that the other columns do not say better.
    seed : int
    timed : bool
        Whether a budget rules.
    """

    def __init__(self, family: Family, shape: tuple[str, int, int], encoders: tuple[str, ...], texts: bool, seed: int, timed: bool):
        self._family, self._shape, self._encoders, self._texts = family, shape, encoders, texts
        self._seed, self._timed = seed, timed

    def ask(self, study: optuna.Study, number: int) -> optuna.Trial:
        """Optuna's trial for number `number` of `study`."""
        import optuna

        seed = np.random.SeedSequence([self._seed, zlib.crc32(self._family.name.encode()), number]).generate_state(1)[0]
        sampler = optuna.samplers.TPESampler(seed=int(seed), n_startup_trials=_RANDOM_TRIALS, multivariate=True, constant_liar=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (start := self._start_point(number)) is not None:
                params, choices = start
                nearest = NearestTo(params)
                self._family.suggest(nearest, *self._shape)
                sampler = optuna.samplers.PartialFixedSampler({**nearest.found, **choices}, sampler)
            study.sampler = sampler
            return study.ask()

    def of(self, trial: optuna.Trial, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """Parameters and choices of preprocessing that `trial` tries."""
        params = self._family.suggest(trial, *self._shape)
        choices = {}
        if self._encoders:
            choices = {"encoder": trial.suggest_categorical("encoder", self._encoders)}
            choices = {} if choices["encoder"] == "auto" else choices
        if self._texts and trial.suggest_categorical("texts", _TEXTS) == "leave":
            choices["texts"] = "leave"
        start = self._start_point(number)
        return (params if start is None else start[0]), choices

    def _start_point(self, number: int) -> tuple[dict[str, Any], dict[str, str]] | None:
        """Parameters and choices that trial `number` tries before the search is free to choose.

        Within a budget that may be enough for a single trial, what did better in our measurements goes first. What differs from it by
        a choice follows, so that it is the choice by which the two differ.
        """
        starts = [{}, *self._family.start_points]
        if self._timed:
            starts.reverse()
        points: list[tuple[dict[str, Any], dict[str, str]]] = [(start, {"encoder": "auto"}) for start in starts]
        if NATIVE in self._encoders:
            points.insert(1, (starts[0], {"encoder": NATIVE}))
        if self._texts:
            points.insert(1, (starts[0], {"encoder": "auto", "texts": "leave"}))
            points[0] = (starts[0], {"encoder": "auto", "texts": "learn"})
        if number >= len(points):
            return None
        params, choices = points[number]
        return {**self._family.default_params(*self._shape), **params}, choices
