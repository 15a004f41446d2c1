"""`Allotment`: how long a family may search, so that whatever leads by then can still be fitted."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import metric_of
from switchyard.tabular.tuning.cores import Cores
from switchyard.tabular.tuning.cost import fits_to_come, longest_trial, search_seconds
from switchyard.tabular.tuning.crossval import constant_score, training_target
from switchyard.tabular.tuning.familylog import FamilyLog, standing_of
from switchyard.tabular.tuning.foldsource import FoldSource
from switchyard.tabular.tuning.ledger import COMPARING_S, SELDOM_TAKEN, Standing, far_behind, leaders_s, remaining, share, usable
from switchyard.tabular.tuning.pace import Pace
from switchyard.tabular.tuning.store import StudyStore
from switchyard.tabular.tuning.study import ranked

_LOOK_S = 5.0
"""How often the store is asked about the other families, which may be at work elsewhere."""
_LEAST_S = 0.3
"""No trial is begun with less time than this."""


class Allotment:
    """The time of one family in a search with a budget, and where it stands among the others.

    Parameters
    ----------
    family : str
    split, problem
        What is learnt from, and how; task, metric and classes are resolved.
    store : StudyStore
        Asked where the other families are.
    log : FamilyLog
        This family's own trials and sessions.
    parallel : int
        How many families run at once, each on a machine of its own.

    Attributes
    ----------
    until : float or None
        `time.monotonic` at which the family has to end; None before `begin`, and without a budget.
    """

    def __init__(self, family: str, split: Split, problem: Problem, store: StudyStore, log: FamilyLog, parallel: int):
        self._name, self._split, self._problem, self._store, self._log, self._parallel = family, split, problem, store, log, parallel
        self._metric = metric_of(problem.task, problem.metric)
        self.timed = problem.tuning.trials is None
        self.wanted = search_seconds(problem, split.schema.sampled) if self.timed else float(problem.tuning.trials)
        self._fits = fits_to_come(split, problem)
        self.until: float | None = None
        self._others: list[Standing] = []
        self._looked = float("-inf")

    def standings(self) -> list[Standing]:
        """How all families stand; this one by what this process knows."""
        rows = len(self._split.train)
        if time.monotonic() - self._looked > _LOOK_S:
            others = [name for name in self._problem.tuning.families if name != self._name]
            self._others = self._store.standings(others, self._metric.name, self.wanted, rows)
            self._looked = time.monotonic()
        own = standing_of(self._name, self._log.trials, self._metric.name, False, self._log.sessions, rows)
        known = {standing.family: standing for standing in (*self._others, own)}
        return [known[name] for name in dict.fromkeys((*self._problem.tuning.families, self._name))]

    def share(self) -> float:
        """Seconds that this family may use from now on."""
        return share(self._name, self._contenders(), self.wanted, self._parallel, self._fits)

    def begin(self) -> None:
        """Give the family its share, from now on."""
        if self.timed:
            self.until = time.monotonic() + self.share()

    @property
    def left_s(self) -> float | None:
        """Seconds until the end; None before `begin`, and without a budget."""
        return None if self.until is None else self.until - time.monotonic()

    def pace(self, source: FoldSource, cores: Cores) -> Pace | None:
        """The time window of the next trial; None when there is no time for one.

        Parameters
        ----------
        source : FoldSource
            The folds; they are prepared here for a trial that must not fail for want of time.
        cores : Cores
            How many of them are fitted at once.
        """
        if not self.timed:
            return Pace()
        standings, left = self._follow()
        whole = remaining(standings, self.wanted)
        left = min(left, longest_trial(whole, self._name, source.folds, len(self._split.train), self._fits, cores))
        # What a trial takes beyond its window is no longer the leader's.
        last = time.monotonic() + whole - COMPARING_S - self._fits * leaders_s(standings)
        if complete := [trial.seconds for trial in self._log.trials if trial.state == "complete"]:
            # A trial in half the usual time is worth it: most others are pruned, and what the clock cuts still has a score.
            return self._window(left, last) if left >= max(_LEAST_S, 0.5 * float(np.median(complete))) else None
        if any(standing.best is not None for standing in standings if standing.family != self._name):
            return self._window(left, last) if left >= _LEAST_S else None
        # No family has a model yet, and a search must end with one: this trial may use up what others would have had.
        began = time.monotonic()
        for fold in range(len(source.folds)):
            source.get(FAMILIES[self._name].style, {}, fold)
        preparing, most = time.monotonic() - began, usable(self._contenders(), self.wanted, self._fits)
        return Pace(time.monotonic() + max(left - preparing, min(0.6 * most, 2 * preparing), _LEAST_S), patient=True)

    def hopeless(self) -> str:
        """Why the family should give its time to the others; empty while it is in the race, or has not had two trials."""
        complete = ranked(self._log.trials, self._metric.name)
        if not self.timed or len(complete) < 2:
            return ""
        return far_behind(complete[0].score, self.standings(), self._name, self._metric.sign, self._constant)

    def _window(self, seconds: float, last: float) -> Pace:
        return Pace(time.monotonic() + seconds, last=last)

    def _follow(self) -> tuple[list[Standing], float]:
        """The contenders, and the seconds until the end, which moves with what has to be kept back for whoever leads by now."""
        self._log.beat()
        standings = self._contenders()
        end = time.monotonic() + usable(standings, self.wanted, self._fits)
        # Where nobody comes after it, what need not be set aside any more is its own.
        alone = all(standing.finished for standing in standings if standing.family != self._name)
        self.until = end if alone or self.until is None else min(self.until, end)
        return standings, self.until - time.monotonic()

    def _contenders(self) -> list[Standing]:
        """The standings with the leader marked, and no time to reserve for who is so far behind that an ensemble seldom takes it."""
        standings, sign = self.standings(), self._metric.sign
        best = max((sign * standing.best for standing in standings if standing.best is not None), default=None)

        def kept(standing: Standing) -> bool:
            own = standing.best
            return own is None or not far_behind(own, standings, standing.family, sign, self._constant, SELDOM_TAKEN)

        marked = [replace(standing, leads=standing.best is not None and sign * standing.best == best) for standing in standings]
        return [standing if kept(standing) else replace(standing, refit_s=0.0) for standing in marked]

    @cached_property
    def _constant(self) -> float:
        """The score of a model without features."""
        target, classes = training_target(self._split, self._problem)
        return constant_score(self._metric, target, len(classes), weights_of(self._split.train, self._split.schema))
