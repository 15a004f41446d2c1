"""`tune_family`: search the hyperparameters of one family by Optuna, resumable, within its share of the budget."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import joblib
import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.tables.folds import make_folds
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import metric_of
from switchyard.tabular.tuning.allotment import Allotment
from switchyard.tabular.tuning.cores import Cores
from switchyard.tabular.tuning.crossval import TrialOutcome, cross_validate, training_target
from switchyard.tabular.tuning.events import Event, Progress
from switchyard.tabular.tuning.familylog import FamilyLog
from switchyard.tabular.tuning.foldsource import FoldSource
from switchyard.tabular.tuning.ledger import clock
from switchyard.tabular.tuning.pace import Pace
from switchyard.tabular.tuning.pruning import CurveBound, Race
from switchyard.tabular.tuning.schedules import Schedules
from switchyard.tabular.tuning.store import StudyStore
from switchyard.tabular.tuning.study import Candidate, Study, Trial, leading, ranked
from switchyard.tabular.tuning.suggestions import Suggestions, open_choices

logger = logging.getLogger(__name__)

CANDIDATES = 5
"""Complete trials of a family that go on to the ensemble."""
_FAILURES = 3
"""Failed trials in a row after which the family is given up."""


def tune_family(
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    family: str,
    store: StudyStore,
    progress: Progress | None = None,
    *,
    parallel: int = 1,
    n_jobs: int | None = None,
) -> Study:
    """Search the hyperparameters of one family by cross-validation.

    Parameters
    ----------
    split, plan, problem
        What to learn from, what becomes of its columns, and how to search. Task, metric and classes are resolved.
    family : str
        A name in `switchyard.tabular.families.FAMILIES`; not searched where it is none of `problem.tuning.families`.
    store : StudyStore
        Keeps trials; what it holds of this search is not done again.
    progress : callable, optional
        Told every `Event`.
    parallel : int
        How many families of this search run at once, each on a machine of its own; their shares grow accordingly.
    n_jobs : int, optional
        Cores that fits share (`Cores`); all when absent.

    Returns
    -------
    Study
        With `tuning.trials` exactly that many trials, the same for the same seed; no clock is consulted. With a budget,
        as many as fit the family's share of it. Without candidates, and with the reason, when not one trial could
        be cross-validated; only the first family of a search may exceed its share for its first trial, since a
        search must end with a model.

    Raises
    ------
    InputError
        When the training rows cannot be cut into folds.
    """
    if family not in problem.tuning.families:
        # The steps of a pipeline are settled before a clustering knows by which algorithm its groups are found.
        reason = f"the groups are those of {', '.join(problem.tuning.families)}"
        return Study(family, metric_of(problem.task, problem.metric).name, (), (), reason, 0.0, 0.0, problem.tuning.trials is None)
    with store.open(family, problem.tuning.families, metric_of(problem.task, problem.metric).name) as log:
        search = _Search(split, plan, problem, family, store, log, progress, parallel, n_jobs or joblib.cpu_count())
        search.run()
        return search.study()


def tune_further(
    studies: Sequence[Study],
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    store: StudyStore,
    progress: Progress | None = None,
    *,
    n_jobs: int | None = None,
) -> Study:
    """Go on with the family that leads, in what the others left of the budget: by giving up, or since what was kept back is not needed.

    Parameters
    ----------
    studies : sequence of Study
        Of all families of the search, each at its end. They stand in `store`.
    split, plan, problem, store, progress, n_jobs
        As in `tune_family`.

    Returns
    -------
    Study
        Of the family that leads, with the trials that it had. The one that it had where a number of trials rules, or none has a model.
    """
    leader = leading(studies)
    if leader.best is None or not leader.timed:
        return leader
    with store.open(leader.family, problem.tuning.families, leader.metric) as log:
        search = _Search(split, plan, problem, leader.family, store, log, progress, 1, n_jobs or joblib.cpu_count())
        search.go_on()
        return search.study()


class _Search:
    def __init__(
        self,
        split: Split,
        plan: FeaturePlan,
        problem: Problem,
        family: str,
        store: StudyStore,
        log: FamilyLog,
        progress: Progress | None,
        parallel: int,
        n_jobs: int,
    ):
        self.split, self.plan, self.problem, self.name = split, plan, problem, family
        self.store, self.log, self.progress, self.n_jobs = store, log, progress, n_jobs
        self.family = FAMILIES[family]
        self.metric = metric_of(problem.task, problem.metric)
        self.allotment = Allotment(family, split, problem, store, log, parallel)
        self.timed, self.wanted = self.allotment.timed, self.allotment.wanted
        self.reason = ""

    def run(self) -> None:
        if self.log.finished(self.wanted):
            self.reason = self.log.reason
            return
        if self.problem.constraints.explainable_only and self.family.opaque:
            self._end(f"dropped: constraints.explainable_only leaves out what nobody can follow, as a {self.family.title}")
            return
        if self.timed and not self.log.sessions and self.family.starts_s and self.allotment.share() == 0:
            self._end(f"dropped: its share of {self.wanted:g} s ends before {' and '.join(self.family.packages)} is loaded")
            return
        self._work()

    def go_on(self) -> None:
        """As `run`, of a family that had come to its end."""
        if self.allotment.share() >= self.log.trials[0].seconds:
            self._work()

    def _work(self) -> None:
        # From here the clock runs; the slow imports of a family are part of its time.
        self.log.begin()
        self.allotment.begin()
        self._prepare()
        self._tell("started")
        self._end(self._search())

    def _prepare(self) -> None:
        self.family.load()
        self.target, self.classes = training_target(self.split, self.problem)
        folds = make_folds(self.split, self.problem)
        self.source = FoldSource(self.split, self.plan, self.problem, folds, self.target, self.store.key)
        shape = (self.problem.task, len(self.split.train), len(self.plan.used))
        rows, columns = len(folds[0][0]), len(self.plan.used)
        self.cores = Cores.shared(self.family, rows, columns, len(folds), self.n_jobs)
        self.schedules = Schedules(self.family, self.problem, self.source, len(self.classes), self.cores)
        self.suggestions = Suggestions(self.family, shape, open_choices(self.family, self.plan), self.problem.tuning.seed, self.timed)

    def _search(self) -> str:
        """Run trials until the number or the time is reached; why it ended early, if it did."""
        limit = None if self.timed else int(self.wanted)
        while not self.log.reached(limit):
            tail = self.log.trials[-_FAILURES:]
            if len(tail) == _FAILURES and all(trial.state == "failed" for trial in tail):
                return f"gave up after {_FAILURES} failed trials in a row: {tail[-1].reason}"
            pace = self.allotment.pace(self.source, self.cores)
            if pace is None:
                break
            if reason := self.allotment.hopeless():
                return reason
            number = self.log.claim(limit)
            if number is None or self._trial(number, pace).out_of_time:
                break
        if not ranked(self.log.trials, self.metric.name):
            return self._dropped()
        return ""

    def _dropped(self) -> str:
        failed = [trial for trial in self.log.trials if trial.state == "failed"]
        why = failed[-1].reason if failed else "too little time was left for one, and to fit what it would have found"
        return f"dropped without a complete trial: {why}"

    def _trial(self, number: int, pace: Pace) -> TrialOutcome:
        began = time.monotonic()
        trial = self.suggestions.ask(self.log.study, number)
        self.log.began(trial, number)
        params, choices = self.suggestions.of(trial, number)
        if self.timed and self.family.scheduled:
            params = self.schedules.in_time(params, pace.end)
        curve = CurveBound(self.log.trials, params.get("iterations"))

        def on_fold(scores: Sequence[float]) -> None:
            trial.report(float(np.mean(scores)), len(scores) - 1)
            self.log.beat()

        outcome = cross_validate(
            self.family,
            params,
            choices,
            self.source,
            self.problem,
            len(self.classes),
            self.cores,
            Race(self.log.trials, self.metric.name, self.metric.sign),
            curve,
            pace,
            on_fold,
        )
        record = Trial(
            number=number,
            state=outcome.state,
            params=params,
            choices=choices,
            fold_scores=outcome.fold_scores,
            pooled=outcome.pooled,
            best_iterations=outcome.best_iterations,
            train_rows=outcome.train_rows,
            first_loss=outcome.first_loss,
            fit_seconds=[round(seconds, 3) for seconds in outcome.fit_seconds],
            seconds=round(time.monotonic() - began, 3),
            truncated=outcome.truncated,
            reason=outcome.reason,
        )
        if self.log.add(trial, record, outcome.oof):
            self._tell("trial", record)
        return outcome

    def _tell(self, kind: str, trial: Trial | None = None) -> None:
        standings = tuple(self.allotment.standings())
        event = Event(kind, self.name, self.metric.name, standings, trial, self.allotment.left_s, self.reason)
        if trial:
            logger.debug("%s trial %d: %s %s", self.name, trial.number, trial.state, trial.score)
        if self.progress:
            self.progress(event)

    def _end(self, reason: str) -> None:
        self.reason = reason
        if reason:
            logger.warning("%s: %s", self.name, reason)
        self.log.finish(self.wanted, reason)
        self._tell("finished")

    def study(self) -> Study:
        """The search as an artifact."""
        best = ranked(self.log.trials, self.metric.name)[:CANDIDATES]
        standings = self.allotment.standings()
        return Study(
            family=self.name,
            metric=self.metric.name,
            trials=tuple(self.log.trials),
            candidates=tuple(Candidate(trial, self.log.oof(trial.number)) for trial in best),
            reason=self.reason,
            seconds=clock(self.log.sessions),
            clock_s=clock(session for standing in standings for session in standing.sessions),
            timed=self.timed,
        )
