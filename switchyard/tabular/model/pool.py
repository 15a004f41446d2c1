"""`Pool`: the candidates of all families and every way to use them that few members, size, latency and time allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.config.learning import MAX_SEEDS
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.metrics.counts import COUNTS
from switchyard.tabular.model.combining import Combination, Learner, blend, greedy, held_out_outputs, rank_auc, stack, vote
from switchyard.tabular.tables.folds import Folds, make_folds
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import Metric, metric_of
from switchyard.tabular.tuning.cost import fits_to_come, refit_seconds
from switchyard.tabular.tuning.crossval import constant_score, training_target
from switchyard.tabular.tuning.ledger import COMPARING_S, SLOWER
from switchyard.tabular.tuning.study import Candidate, Study, Trial

MAX_MEMBERS = 6
"""Keeps one row of the largest ensemble under a millisecond."""
MAX_FITS = 12
"""As `MAX_MEMBERS`, with what is fitted again with other seeds, for which preparation is done."""
_MEMBER_MS, _FIT_MS = 0.12, 0.08
"""What a member adds to one row, at most, and one fit more of it."""
_PER_FAMILY = 3
"""Candidates of a family that greedy selection may choose from."""
_LEAF_BYTES = 95
"""Of a bundle for each leaf of its trees, its split included (14 MB for 150,000 leaves, measured on Adult)."""


@dataclass(frozen=True)
class Option:
    name: str
    kind: str
    combination: Combination
    """Learnt on all rows that have out-of-fold outputs."""
    oof: np.ndarray
    """Its outputs on those rows; where weights are learnt, each fold's by weights from other folds."""
    scores: np.ndarray
    """The metric on each fold."""
    score: float
    """Their mean, or the metric of all rows at once for time folds."""


class Pool:
    """The pool of candidates and every way to use it."""

    def __init__(self, studies: Sequence[Study], split: Split, problem: Problem, left_s: float | None):
        self.problem, self.studies = problem, studies
        self.metric: Metric = metric_of(problem.task, problem.metric)
        self.target, self.classes = training_target(split, problem)
        self.notes = [f"{study.family}: {study.reason}" for study in studies if study.reason]
        transparent = problem.constraints.explainable_only
        able = [study for study in studies if study.best and not (transparent and FAMILIES[study.family].opaque)]
        if not able:
            reasons = "; ".join(self.notes) or "no study has a complete trial"
            raise SwitchyardError(f"no family could be cross-validated ({reasons}); give a larger tuning.budget_s")
        able.sort(key=lambda study: -self.metric.sign * study.best.trial.score)
        self.candidates: list[tuple[Study, Candidate]] = [
            (study, candidate) for study in able for candidate in study.candidates[:_PER_FAMILY]
        ]
        self.firsts = [next(place for place, entry in enumerate(self.candidates) if entry[0] is study) for study in able]

        folds: Folds = make_folds(split, problem)
        self.notes += [f"cross-validation: {folds.note}"] if folds.note else []
        self.sampled = bool(split.schema.sampled)
        if self.sampled:
            self.notes.append(
                f"searched and cross-validated on {len(split.train):,} rows of a uniform sample of the table's {split.schema.of:,}"
            )
        rows = np.flatnonzero(~np.isnan(self.candidates[0][1].oof.reshape(len(self.target), -1)).any(axis=1))
        place = np.full(len(self.target), -1)
        place[rows] = np.arange(len(rows))
        self.parts = [place[valid] for _, valid in folds]
        self.forward = folds.kind == "time"
        self.truth = self.target[rows]
        weights = weights_of(split.train, split.schema)
        self.weights = None if weights is None else weights[rows]
        self.outputs = [candidate.oof[rows] for _, candidate in self.candidates]
        fits = fits_to_come(split, problem)
        self._costs = [fits * refit_seconds(candidate.trial, study.family, len(self.target)) for study, candidate in self.candidates]
        self._left_s = np.inf if left_s is None else left_s - COMPARING_S
        self._sizes = [_most_megabytes(study.family, candidate.trial, len(self.classes)) for study, candidate in self.candidates]

    def score(self, truth: np.ndarray, output: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The metric, turned so that greater is better."""
        if weights is None and self.metric.name == "roc_auc" and len(self.classes) == 2 and 0 < truth.sum() < len(truth):
            return rank_auc(truth, output[:, 1])
        return self.metric.sign * self.metric.value(truth, output, weights)

    def gain(self, score: float) -> float:
        """How much better than a constant prediction, in units of the metric."""
        constant = constant_score(self.metric, self.truth, len(self.classes), self.weights)
        return max(0.0, self.metric.sign * (score - constant))

    def fits(self, members: set[int]) -> bool:
        """Whether these members together are few, small and quick enough."""
        return self._small(members) and self._in_time(members)

    def times(self, chosen: Option) -> tuple[int, ...]:
        """How often each member of `chosen` is fitted, with other seeds, in the time, number and size that are left.

        The mean of such fits varies less with the rows that happened to be there. Where no clock rules it is one, unless the config
        says more; where nothing may be blended it is one.
        """
        members, asked = chosen.combination.members, self.problem.training.seeds
        gaining = [member for member in members if FAMILIES[self.candidates[member][0].family].varies]
        single = not self.problem.tuning.ensemble or self.problem.constraints.explainable_only
        if not gaining or single or self.sampled or (asked == "auto" and np.isinf(self._left_s)):
            return (1,) * len(members)
        constraints = self.problem.constraints

        def rest(whole: float, each: Sequence[float], again: Sequence[float]) -> float:
            """How often all of `gaining` fit into what `members` leave of `whole`."""
            return (whole - sum(each[member] for member in members)) / max(1e-9, sum(again[member] for member in gaining))

        count = len(self.candidates)
        more = (
            (MAX_SEEDS if asked == "auto" else asked) - 1,
            rest(MAX_FITS, [1] * count, [1] * count),
            rest(constraints.max_latency_ms or np.inf, [_MEMBER_MS] * count, [_FIT_MS] * count),
            rest(constraints.max_bundle_mb or np.inf, self._sizes, self._sizes),
            rest(self._left_s / SLOWER, self._costs, self._costs),
        )
        rounds = max(0, int(min(more)))
        return tuple(1 + rounds * (member in gaining) for member in members)

    def _small(self, members: set[int]) -> bool:
        limit = self.problem.constraints.max_latency_ms
        most = MAX_MEMBERS if limit is None else max(1, min(MAX_MEMBERS, int(limit / _MEMBER_MS)))
        small = sum(self._sizes[member] for member in members) <= (self.problem.constraints.max_bundle_mb or np.inf)
        return small and len(members) <= most

    def _in_time(self, members: set[int]) -> bool:
        return sum(self._costs[member] for member in members) <= self._left_s

    def missed(self, chosen: Option) -> str:
        """The best family that has a better score than `chosen` and is not in it for want of time, and the way out; nothing if none."""
        sign, late = self.metric.sign, [first for first in self.firsts if self._small({first}) and not self._single(first)]
        for study, candidate in (self.candidates[first] for first in late):
            if sign * candidate.trial.score > sign * chosen.score:
                better = f"{study.family} scored better ({self.metric.name} {candidate.trial.score:.5g}, {chosen.name} {chosen.score:.5g})"
                return f"{better}, but too little time was left to fit it: give a larger --budget than {self.problem.tuning.budget_s:g}"
        return ""

    def options(self) -> list[Option]:
        """Singles first, then combinations of what fits."""
        options = [
            self._option(self.candidates[first][0].family, "single", vote([first]), False) for first in self.firsts if self._single(first)
        ]
        constraints = self.problem.constraints
        if not self.problem.tuning.ensemble or constraints.explainable_only:
            cause = "constraints.explainable_only" if constraints.explainable_only else "tuning.ensemble is false"
            self.notes.append(f"no ensembles: {cause}")
            return options
        team: list[int] = []
        for first in self.firsts:
            if self.fits({*team, first}):
                team.append(first)
        if lost := [self.candidates[first][0].family for first in self.firsts if first not in team]:
            self.notes.append(f"{', '.join(lost)}: too little time, latency or size left for it in an ensemble")
        learners: list[tuple[str, Learner, bool]] = []
        if len(team) > 1:
            equal = "voting" if self.classes else "averaging"
            learners = [(equal, vote(team), False), ("blending", blend(team), True)]
            if self.problem.loss not in COUNTS:  # A linear model of counts may fall below zero.
                learners.append(("stacking", stack(team), True))
        if len(self.candidates) > 1:
            learners.append(("greedy", greedy(self.score, self.fits, self.problem.tuning.seed), True))
        options += [self._option(kind, kind, learner, learns) for kind, learner, learns in learners]
        return options

    def _single(self, first: int) -> bool:
        # Where nothing fits, the best is taken all the same: the gates say what is too large or too slow.
        return self.fits({first}) or (first == self.firsts[0] and not any(self.fits({other}) for other in self.firsts))

    def _option(self, name: str, kind: str, learner: Learner, learns: bool) -> Option:
        combination = learner(self.outputs, self.truth, self.weights)
        if learns:
            oof = held_out_outputs(learner, self.outputs, self.truth, self.parts, self.forward, self.firsts, self.weights)
        else:
            oof = combination.output(self.outputs)
        scores = self.metric.sign * np.array([self.score(self.truth[part], oof[part], self._weights_at(part)) for part in self.parts])
        # As in `Trial.pooled`: a holdout in time spans many moments, and so do these rows together.
        score = self.metric.sign * self.score(self.truth, oof, self.weights) if self.forward else float(scores.mean())
        return Option(name, kind, combination, oof, scores, score)

    def _weights_at(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.weights is None else self.weights[rows]


def _most_megabytes(family: str, trial: Trial, n_classes: int) -> float:
    """What a member may take in the bundle at most, in 10^6 bytes."""
    iterations = max((best for best in trial.best_iterations if best is not None), default=trial.params.get("iterations", 1))
    return FAMILIES[family].most_leaves(trial.params, iterations, max(1, n_classes if n_classes > 2 else 1)) * _LEAF_BYTES / 1e6
