from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.tables.folds import make_folds
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tuning import allotment, pace
from switchyard.tabular.tuning.allotment import Allotment
from switchyard.tabular.tuning.cores import Cores
from switchyard.tabular.tuning.cost import fits_to_come, longest_trial, refit_seconds, search_seconds
from switchyard.tabular.tuning.familylog import standing_of
from switchyard.tabular.tuning.ledger import COMPARING_S, SLOWER, Standing, reserve
from switchyard.tabular.tuning.study import Trial, ranked
from tests.switchyard.tabular.tuning.tables import search

ALONE = Cores(fits=1, threads=2)


class Clock:
    """Both clocks of `time`, moved by the test."""

    now = 1000.0

    def monotonic(self):
        return self.now

    time = monotonic


class Log:
    """A family's trials, and its one session."""

    def __init__(self, clock):
        self.trials, self.clock, self.sessions = [], clock, ((clock.now, clock.now),)

    def beat(self):
        self.sessions = ((self.sessions[0][0], self.clock.now),)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(allotment, "time", clock)
    monkeypatch.setattr(pace, "time", clock)
    return clock


class Search:
    """A search whose trials cost what the test says, by a clock of its own."""

    def __init__(self, clock, budget_s, families=("lightgbm", "xgboost")):
        self.clock, self.families = clock, families
        self.split, _, self.problem = search(families=list(families), budget_s=budget_s)
        self.source = SimpleNamespace(folds=make_folds(self.split, self.problem), get=lambda *of: None)
        self.logs, self.done = {}, set()

    def standings(self, families, metric, wanted, rows):
        logs = {name: self.logs.get(name) for name in families}
        return [
            standing_of(name, log.trials, metric, name in self.done, log.sessions, rows) if log else Standing(name)
            for name, log in logs.items()
        ]

    def begin(self, family):
        self.logs[family] = Log(self.clock)
        one = Allotment(family, self.split, self.problem, self, self.logs[family], 1)
        one.begin()
        return one

    def trial(self, family, window, seconds, score, overhead=0.02):
        """Folds of `seconds` each that the window may cut, with what is lost beside each fit; whether the trial was completed."""
        began, folds, fits = self.clock.now, self.source.folds, []
        for number in range(len(folds)):
            fits.append(min(seconds, max(0.0, window.deadline(len(folds) - number) - self.clock.now)))
            self.clock.now += fits[-1] + overhead
            window.passed(fits[-1] + overhead)
            if window.late(len(folds) - number - 1):
                return False
        rows = tuple(len(train) for train, _ in folds)
        log = self.logs[family]
        log.trials.append(
            Trial(
                number=len(log.trials), state="complete", params={}, choices={}, fold_scores=(score,) * len(folds), train_rows=rows,
                fit_seconds=tuple(fits), seconds=self.clock.now - began,
            )
        )  # fmt: skip
        log.beat()
        return True

    def left_s(self):
        """As `build_ensemble` has it."""
        return self.problem.tuning.budget_s - (self.clock.now - Clock.now)

    def leaders_s(self):
        """What the fits of the best trial of all will take, by the estimate that the ensemble goes by."""
        trials = {name: ranked(log.trials, "roc_auc")[:1] for name, log in self.logs.items()}
        name = max((name for name, best in trials.items() if best), key=lambda name: trials[name][0].score)
        return fits_to_come(self.split, self.problem) * refit_seconds(trials[name][0], name, len(self.split.train))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("budget_s", [12, 30, 120])
def test_what_leads_in_the_end_can_be_fitted_whatever_the_trials_cost(clock, budget_s, seed):
    rng = np.random.default_rng(seed)
    families = ("lightgbm", "xgboost", "random_forest")
    one = Search(clock, budget_s, families)
    for family in rng.permutation(families):
        allotted = one.begin(family)
        while (window := allotted.pace(one.source, ALONE)) is not None:
            # Scores that rise with the cost: whoever comes last and takes longest leads.
            seconds = float(np.exp(rng.uniform(np.log(0.05), np.log(8))))
            if not one.trial(family, window, seconds, 0.9 + 0.005 * seconds + 0.001 * rng.random(), rng.uniform(0, 0.3)):
                break
        one.done.add(family)

    assert one.leaders_s() <= one.left_s() - COMPARING_S


def test_the_end_moves_with_the_leader(clock):
    one = Search(clock, 60)
    allotted = one.begin("lightgbm")
    assert one.trial("lightgbm", allotted.pace(one.source, ALONE), 0.2, 0.90)
    one.done.add("lightgbm")
    allotted = one.begin("xgboost")
    first = allotted.pace(one.source, ALONE)
    before = allotted.until
    # Better and dearer than what was to be fitted until then.
    assert one.trial("xgboost", first, 5.0, 0.91)
    window = allotted.pace(one.source, ALONE)

    kept_back = clock.now + one.left_s() - allotted.until
    assert kept_back >= SLOWER * one.leaders_s() + COMPARING_S - 1e-6
    assert allotted.until < before and window.end <= allotted.until
    # Grace or not, what the bare fits of the leader take is no trial's.
    assert window.last == pytest.approx(clock.now + one.left_s() - COMPARING_S - one.leaders_s())


def test_no_trial_may_take_so_long_that_what_it_finds_could_not_be_fitted():
    split, _, problem = search()
    folds, rows, fits = make_folds(split, problem), len(split.train), fits_to_come(split, problem)
    for left_s, at_once in ((20.0, 1), (6.0, 1), (20.0, 2)):
        cores = Cores(at_once, 1)
        seconds = longest_trial(left_s, "xgboost", folds, rows, fits, cores)
        fit_s = (seconds / cores.rounds(len(folds)),) * len(folds)
        trained = tuple(len(train) for train, _ in folds)
        trial = Trial(
            number=0, state="complete", params={}, choices={}, fold_scores=(0.5,) * len(folds), train_rows=trained, fit_seconds=fit_s
        )
        assert seconds + SLOWER * fits * refit_seconds(trial, "xgboost", rows) + COMPARING_S == pytest.approx(left_s)


@pytest.mark.parametrize("last", [True, False])
def test_the_last_family_goes_on_in_time_that_need_not_be_set_aside_any_more(clock, last):
    one = Search(clock, 60)
    allotted = one.begin("lightgbm")
    assert one.trial("lightgbm", allotted.pace(one.source, ALONE), 0.2, 0.9)
    clock.now += 20
    one.logs["lightgbm"].beat()
    one.done.update({"lightgbm"} if last else ())
    allotted = one.begin("xgboost")
    assert one.trial("xgboost", allotted.pace(one.source, ALONE), 0.2, 0.9)
    allotted.until = clock.now + 0.2

    assert (allotted.pace(one.source, ALONE) is not None) is last
    if last:
        rows = len(one.split.train)
        standings = [standing_of(name, log.trials, "roc_auc", True, log.sessions, rows) for name, log in one.logs.items()]
        standings = [replace(standing, leads=standing.best == 0.9) for standing in standings]
        assert allotted.left_s == pytest.approx(one.left_s() - reserve(60, standings, fits_to_come(one.split, one.problem)))


@pytest.mark.parametrize(
    ("of", "training", "families", "wanted"),
    [
        (None, {}, ["lightgbm"], 60.0),
        (9000, {}, ["lightgbm", "random_forest"], 30.0),
        (9000, {"refit": "none"}, ["lightgbm"], 60.0),
        (9000, {}, ["random_forest"], 60.0),
    ],
    ids=["in memory", "larger", "no last fit", "none that learns from all"],
)
def test_half_of_the_budget_is_kept_for_a_last_fit_to_all_rows_of_a_large_table(of, training, families, wanted):
    asked = {"data": {"source": "x.csv", "target": "y"}, "tuning": {"budget_s": 60, "families": families}, "training": training}

    assert search_seconds(problem_from({"name": "x", **asked}, "test"), Schema(columns=(), of=of).sampled) == wanted
