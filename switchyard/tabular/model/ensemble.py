"""`build_ensemble`: of all candidates and their combinations the one that generalises best, fitted to all training rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.metrics.counts import COUNTS
from switchyard.tabular.model.combining import Combination, Learner, blend, greedy, held_out_outputs, rank_auc, stack, vote
from switchyard.tabular.model.decisions import decisions_of
from switchyard.tabular.model.leaderboard import Leaderboard, Row, best_so_far
from switchyard.tabular.model.model import Model
from switchyard.tabular.model.refit import fit_chosen
from switchyard.tabular.model.unlike import with_limits
from switchyard.tabular.tables.folds import Folds, make_folds
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import Metric, metric_of
from switchyard.tabular.tuning.cost import fits_to_come, refit_seconds, search_seconds
from switchyard.tabular.tuning.crossval import constant_score, training_target
from switchyard.tabular.tuning.ledger import COMPARING_S
from switchyard.tabular.tuning.study import Candidate, Study, Trial

__all__ = ["Leaderboard", "budget_left", "build_ensemble"]

logger = logging.getLogger(__name__)

MAX_MEMBERS = 6
"""Keeps one row of the largest ensemble under a millisecond."""
_MEMBER_MS = 0.12
"""What a member adds to one row, at most."""
_PER_FAMILY = 3
"""Candidates of a family that greedy selection may choose from."""
_MARGIN = 0.002
"""How much of the best option's gain over a constant prediction a simpler one may lack at most."""
_SIMPLICITY = ("single", "voting", "averaging", "greedy", "blending", "stacking")
_LEAF_BYTES = 95
"""Of a bundle for each leaf of its trees, its split included (14 MB for 150,000 leaves, measured on Adult)."""


def budget_left(studies: Sequence[Study], split: Split, problem: Problem) -> float | None:
    """Seconds of the budget that are left for ensemble and export once the studies are through; None without a budget."""
    if problem.tuning.trials is not None:
        return None
    return search_seconds(problem, split.schema) - max((study.clock_s for study in studies), default=0.0)


def build_ensemble(
    studies: Sequence[Study],
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    budget_left_s: float | None = None,
    n_jobs: int | None = None,
) -> tuple[Model, Leaderboard]:
    """Compare single models and combinations on out-of-fold predictions and fit the winner to all training rows.

    Parameters
    ----------
    studies : sequence of Study
        One per family, on the same split, plan and folds.
    split, plan, problem
        As the studies had them.
    budget_left_s : float, optional
        Wall seconds for this function, the export after it and the fit on all rows after that. Only combinations whose
        members can be fitted and exported as often in that time are compared. Without it no clock is consulted.
    n_jobs : int, optional
        Threads of a fit; all cores when absent.

    Returns
    -------
    model : Model
        The winner, with calibrator, threshold or interval chosen on its out-of-fold predictions.
    leaderboard : Leaderboard

    Raises
    ------
    SwitchyardError
        When no study has a candidate; the message carries each family's reason.
    """
    end = None if budget_left_s is None else time.monotonic() + budget_left_s
    comparison = _Comparison(studies, split, problem, budget_left_s)
    options = comparison.options()
    chosen, rule = _choose(options, comparison)
    leaderboard = _leaderboard(options, chosen, rule, comparison)
    logger.info("chosen: %s, cross-validated %s %.5g", chosen.name, comparison.metric.name, chosen.score)
    picked = [comparison.pool[member] for member in chosen.combination.members]
    pairs = [(study.family, candidate) for study, candidate in picked]
    model = Model(
        task=problem.task,
        target=problem.data.target,
        columns=plan.used,
        classes=comparison.classes,
        members=tuple(fit_chosen(pairs, split, plan, problem, comparison.classes, end, n_jobs)),
        combiner=chosen.combination.combiner,
        **decisions_of(chosen.oof, comparison.truth, problem, comparison.weights, comparison.classes),
    )
    model = with_limits(model, split.train, problem.clustering.unlike)
    left_s = None if end is None else end - time.monotonic()
    return model, leaderboard.model_copy(update={"left_s": left_s})


@dataclass(frozen=True)
class _Option:
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


class _Comparison:
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
        self.pool: list[tuple[Study, Candidate]] = [(study, candidate) for study in able for candidate in study.candidates[:_PER_FAMILY]]
        self.firsts = [next(place for place, entry in enumerate(self.pool) if entry[0] is study) for study in able]

        folds: Folds = make_folds(split, problem)
        self.notes += [f"cross-validation: {folds.note}"] if folds.note else []
        if split.schema.of is not None:
            self.notes.append(
                f"searched and cross-validated on {len(split.train):,} rows of a uniform sample of the table's {split.schema.of:,}"
            )
        rows = np.flatnonzero(~np.isnan(self.pool[0][1].oof.reshape(len(self.target), -1)).any(axis=1))
        place = np.full(len(self.target), -1)
        place[rows] = np.arange(len(rows))
        self.parts = [place[valid] for _, valid in folds]
        self.forward = folds.kind == "time"
        self.truth = self.target[rows]
        weights = weights_of(split.train, split.schema)
        self.weights = None if weights is None else weights[rows]
        self.outputs = [candidate.oof[rows] for _, candidate in self.pool]
        fits = fits_to_come(split, problem)
        self._costs = [fits * refit_seconds(candidate.trial, study.family, len(self.target)) for study, candidate in self.pool]
        self._left_s = np.inf if left_s is None else left_s - COMPARING_S
        self._sizes = [_most_megabytes(study.family, candidate.trial, len(self.classes)) for study, candidate in self.pool]

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
        limit = self.problem.constraints.max_latency_ms
        most = MAX_MEMBERS if limit is None else max(1, min(MAX_MEMBERS, int(limit / _MEMBER_MS)))
        small = sum(self._sizes[member] for member in members) <= (self.problem.constraints.max_bundle_mb or np.inf)
        return small and len(members) <= most and sum(self._costs[member] for member in members) <= self._left_s

    def options(self) -> list[_Option]:
        """Singles first, then combinations of what fits."""
        options = [self._option(self.pool[first][0].family, "single", vote([first]), False) for first in self.firsts if self._single(first)]
        constraints = self.problem.constraints
        if not self.problem.tuning.ensemble or constraints.explainable_only:
            cause = "constraints.explainable_only" if constraints.explainable_only else "tuning.ensemble is false"
            self.notes.append(f"no ensembles: {cause}")
            return options
        team: list[int] = []
        for first in self.firsts:
            if self.fits({*team, first}):
                team.append(first)
        if lost := [self.pool[first][0].family for first in self.firsts if first not in team]:
            self.notes.append(f"{', '.join(lost)}: too little time, latency or size left for it in an ensemble")
        learners: list[tuple[str, Learner, bool]] = []
        if len(team) > 1:
            equal = "voting" if self.classes else "averaging"
            learners = [(equal, vote(team), False), ("blending", blend(team), True)]
            if self.problem.loss not in COUNTS:  # A linear model of counts may fall below zero.
                learners.append(("stacking", stack(team), True))
        if len(self.pool) > 1:
            learners.append(("greedy", greedy(self.score, self.fits, self.problem.tuning.seed), True))
        options += [self._option(kind, kind, learner, learns) for kind, learner, learns in learners]
        return options

    def _single(self, first: int) -> bool:
        # Where nothing fits, the best is taken all the same: the gates say what is too large or too slow.
        return self.fits({first}) or (first == self.firsts[0] and not any(self.fits({other}) for other in self.firsts))

    def _option(self, name: str, kind: str, learner: Learner, learns: bool) -> _Option:
        combination = learner(self.outputs, self.truth, self.weights)
        if learns:
            oof = held_out_outputs(learner, self.outputs, self.truth, self.parts, self.forward, self.firsts, self.weights)
        else:
            oof = combination.output(self.outputs)
        scores = self.metric.sign * np.array([self.score(self.truth[part], oof[part], self._weights_at(part)) for part in self.parts])
        # As in `Trial.pooled`: a holdout in time spans many moments, and so do these rows together.
        score = self.metric.sign * self.score(self.truth, oof, self.weights) if self.forward else float(scores.mean())
        return _Option(name, kind, combination, oof, scores, score)

    def _weights_at(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.weights is None else self.weights[rows]


def _most_megabytes(family: str, trial: Trial, n_classes: int) -> float:
    """What a member may take in the bundle at most, in 10^6 bytes."""
    iterations = max((best for best in trial.best_iterations if best is not None), default=trial.params.get("iterations", 1))
    return FAMILIES[family].most_leaves(trial.params, iterations, max(1, n_classes if n_classes > 2 else 1)) * _LEAF_BYTES / 1e6


def _choose(options: Sequence[_Option], comparison: _Comparison) -> tuple[_Option, str]:
    """The best option, or the simplest that is as good within one standard error of the difference.

    The folds are the same for all, so the standard error is that of the fold-wise differences. The margin never exceeds
    a five-hundredth of the best one's gain over a constant prediction.
    """
    sign = comparison.metric.sign
    best = max(options, key=lambda option: sign * option.score)
    for option in sorted(options, key=lambda option: (_SIMPLICITY.index(option.kind), -sign * option.score)):
        lack = sign * (best.score - option.score)
        error = float((best.scores - option.scores).std(ddof=1)) / len(best.scores) ** 0.5
        margin = min(error, _MARGIN * comparison.gain(best.score))
        if option is best:
            return best, f"{best.name} has the best cross-validated {comparison.metric.name}, and nothing simpler is close"
        if lack <= margin:
            return option, f"{option.name} is simpler than {best.name} and lacks {lack:.2g}, less than the difference's standard error"
    raise AssertionError("the best option is among the options")


def _leaderboard(options: Sequence[_Option], chosen: _Option, rule: str, comparison: _Comparison) -> Leaderboard:
    rows = []
    for option in sorted(options, key=lambda option: -comparison.metric.sign * option.score):
        families = [comparison.pool[member][0].family for member in option.combination.members]
        studies = {comparison.pool[member][0].family: comparison.pool[member][0] for member in option.combination.members}
        seconds = sum(study.seconds for study in studies.values() if study.timed)
        note = "" if option.kind == "single" else _composition(option, families)
        rows.append(
            Row(
                name=option.name,
                kind=option.kind,
                family=families[0] if len(families) == 1 else "ensemble",
                score=option.score,
                std=float(option.scores.std()),
                seconds=round(seconds, 1),
                chosen=option is chosen,
                note=note,
                folds=tuple(option.scores.tolist()),
                settings=_settings(comparison.pool[option.combination.members[0]][1].trial) if option.kind == "single" else {},
            )
        )
    metric = comparison.metric.name
    search = best_so_far(comparison.studies, metric)
    return Leaderboard(metric=metric, entries=tuple(rows), rule=rule, notes=tuple(comparison.notes), search=search)


def _settings(trial: Trial) -> dict[str, str]:
    settings = {**trial.choices, **trial.params}
    return {name: f"{value:.5g}" if isinstance(value, float) else str(value) for name, value in settings.items()}


def _composition(option: _Option, families: Sequence[str]) -> str:
    weights = option.combination.combiner.weights
    if option.combination.combiner.kind == "stack":
        return "linear over " + ", ".join(families)
    return ", ".join(f"{weight:.2f} {family}" for family, weight in zip(families, weights))
