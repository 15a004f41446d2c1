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

from switchyard.tabular.families.base import Family
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
    encoders : bool
        Whether the encoding of categories is a choice of the tuner's.
    texts : bool
        Whether there are free texts, which may say nothing that the other columns do not say better.
    seed : int
    timed : bool
        Whether a budget rules.
    """

    def __init__(self, family: Family, shape: tuple[str, int, int], encoders: bool, texts: bool, seed: int, timed: bool):
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
                nearest = NearestTo(start)
                self._family.suggest(nearest, *self._shape)
                fixed = {**nearest.found, "encoder": "auto", **({"texts": _TEXTS[number]} if number < len(_TEXTS) else {})}
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
        if self._texts and trial.suggest_categorical("texts", _TEXTS) == "leave":
            choices["texts"] = "leave"
        start = self._start_point(number)
        return (params if start is None else start), choices

    def _start_point(self, number: int) -> dict[str, Any] | None:
        """What trial `number` tries before the search is free to choose.

        Within a budget that may be enough for a single trial, what did better in our measurements goes first.
        """
        starts = [{}, *self._family.start_points]
        if self._timed:
            starts.reverse()
        if self._texts:
            # The first again, so that it is the texts by which the two differ.
            starts.insert(1, starts[0])
        return {**self._family.default_params(*self._shape), **starts[number]} if number < len(starts) else None
