"""`search`: the families tuned side by side in one budget, on questions from before the holdout.

Every trial is fitted to what was before one or more moments and asked for who came after, as the holdout will be. Where few
came, several moments are taken, one after the other back in time, and their users are counted together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna

from switchyard.tabular.errors import InputError, SwitchyardError
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.families.base import asked_for
from switchyard.tabular.recommendation.interactions import FEWEST_ROWS, Interactions
from switchyard.tabular.recommendation.measures import K, per_user
from switchyard.tabular.recommendation.model import AT_ONCE, best, standardised
from switchyard.tabular.recommendation.protocol import Questions, split_by_time

ENOUGH, MOST_CUTS = 600, 3
"""Users to ask; moments that are taken to find them."""
MOST_ASKED = 1_500
FITS_LATER = 2.5
"""Fits of each family after the search, with the answers to the holdout."""
_BEHIND = 0.8
"""A family whose best is below this share of the leader's is tried less."""

Told = Callable[["Trial"], None]


@dataclass(frozen=True, eq=False)
class Cut:
    """What a trial is fitted to and asked for."""

    known: Interactions
    questions: Questions
    seen: np.ndarray
    """bool of shape (n, n_items): what may not be answered."""

    @classmethod
    def of(cls, known: Interactions, questions: Questions, seed: int) -> Cut:
        limit = min(MOST_ASKED, max(100, AT_ONCE // known.n_items))
        questions = questions.part(questions.answerable).at_most(limit, seed)
        return cls(known, questions, questions.history.mask(known.n_items))


@dataclass(frozen=True, eq=False)
class Trial:
    """One setting of one family."""

    family: str
    params: dict[str, Any]
    ndcg: float
    """Mean over all users that were asked."""
    seconds: float


@dataclass(eq=False)
class Standing:
    """A family in the search."""

    family: str
    study: optuna.Study
    trials: list[Trial] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)
    """Standardised scores of its best trial, for each cut."""
    tried: int = 0
    spent_s: float = 0.0
    trouble: str = ""

    @property
    def best(self) -> Trial | None:
        return max(self.trials, key=lambda trial: trial.ndcg, default=None)


def cuts_of(log: Interactions, share: float, seed: int) -> list[Cut]:
    """Moments before the end of `log`, the last first."""
    cuts: list[Cut] = []
    while len(cuts) < MOST_CUTS and sum(len(cut.questions) for cut in cuts) < ENOUGH and len(log) >= 2 * FEWEST_ROWS:
        try:
            log, questions = split_by_time(log, share)
        except InputError:
            break
        cuts.append(Cut.of(log, questions, seed))
    if not cuts:
        raise InputError(
            "the interactions before the holdout can't be split in time once more to tune on; give more, or a smaller split.holdout"
        )
    return cuts


def search(
    cuts: Sequence[Cut], families: Sequence[str], budget_s: float, trials: int | None, seed: int, told: Told | None = None
) -> list[Standing]:
    """Tune `families` until `budget_s` seconds have passed or, where `trials` is given, each had as many; best first.

    Raises
    ------
    SwitchyardError
        When no family could be fitted, with each one's reason.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = time.monotonic()
    standings = [_standing(family, seed) for family in families]
    while True:
        left = budget_s - (time.monotonic() - started) - _later(standings)
        chosen = _next(standings, left, trials)
        if chosen is None:
            break
        trial = _run(chosen, cuts, seed)
        if trial is not None and told is not None:
            told(trial)
    found = [standing for standing in standings if standing.best is not None]
    if not found:
        raise SwitchyardError("no recommender could be fitted: " + "; ".join(f"{one.family}: {one.trouble}" for one in standings))
    return sorted(found, key=lambda standing: -standing.best.ndcg)  # type: ignore[union-attr]


def _later(standings: Sequence[Standing]) -> float:
    """Seconds that what follows the search will take: each family is fitted to the known rows, and those of the blend to all."""
    return FITS_LATER * sum(one.spent_s / one.tried for one in standings if one.tried)


def _standing(family: str, seed: int) -> Standing:
    defaults = RECOMMENDERS[family].defaults
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=len(defaults) + 6)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for params in defaults:
        study.enqueue_trial(asked_for(params))
    return Standing(family, study)


def _next(standings: Sequence[Standing], left_s: float, trials: int | None) -> Standing | None:
    """Whose turn it is: who had no trial yet, then who had least time for what it promises; None at the end."""
    if trials is not None:
        return next((one for one in sorted(standings, key=lambda one: one.tried) if one.tried < trials), None)
    fresh = [one for one in standings if not one.tried]
    if fresh:
        # Each has one trial, as long as anything could come of it.
        return fresh[0] if left_s > 0 or not any(one.trials for one in standings) else None
    fitting = [
        one for one in standings if one.trials and one.spent_s / one.tried < left_s and one.tried < RECOMMENDERS[one.family].most_trials
    ]
    return min(fitting, key=lambda one: one.spent_s / _promise(one, standings), default=None)


def _promise(one: Standing, standings: Sequence[Standing]) -> float:
    lead = max(other.best.ndcg for other in standings if other.best is not None)
    assert one.best is not None
    return 1.0 if one.best.ndcg >= _BEHIND * lead else 0.3


def _run(standing: Standing, cuts: Sequence[Cut], seed: int) -> Trial | None:
    family = RECOMMENDERS[standing.family]
    asked = standing.study.ask()
    standing.tried += 1
    params = family.suggest(asked)
    started = time.monotonic()
    try:
        forms = [family.fit(cut.known, params, seed) for cut in cuts]
        scores = [standardised(form.score(cut.questions.history)) for form, cut in zip(forms, cuts)]
        value = mean_ndcg(scores, cuts)
    except (ArithmeticError, MemoryError, ValueError) as error:
        standing.study.tell(asked, state=optuna.trial.TrialState.FAIL)
        standing.spent_s += time.monotonic() - started
        standing.trouble = f"{type(error).__name__}: {error}"
        return None
    standing.study.tell(asked, value)
    trial = Trial(standing.family, params, value, time.monotonic() - started)
    standing.spent_s += trial.seconds
    if standing.best is None or value > standing.best.ndcg:
        standing.scores = scores
    standing.trials.append(trial)
    return trial


def mean_ndcg(scores: Sequence[np.ndarray], cuts: Sequence[Cut]) -> float:
    """Mean NDCG of all users of all cuts."""
    return float(all_ndcg(scores, cuts).mean())


def all_ndcg(scores: Sequence[np.ndarray], cuts: Sequence[Cut]) -> np.ndarray:
    """NDCG of each user of each cut."""
    found = [per_user(best(one, cut.seen, K), cut.questions.truth)["ndcg_at_10"] for one, cut in zip(scores, cuts)]
    return np.concatenate(found)
