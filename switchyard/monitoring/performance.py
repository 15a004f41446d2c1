"""Performance: the score of a window on the labels that have arrived, or an estimate where they have not, against the holdout's."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from switchyard.monitoring.drift import faults_of
from switchyard.monitoring.estimation import CLASSES, VALUES, estimate_scores
from switchyard.monitoring.quality import outside_share
from switchyard.monitoring.recommending.figures import Figures
from switchyard.monitoring.reference import Reference, ReferenceFacts
from switchyard.monitoring.window import Window, in_words
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.evaluation.evaluation import Evaluation, evaluate
from switchyard.tabular.evaluation.predictions import encode_truth
from switchyard.tabular.evaluation.quantiles import band_sentences
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.report.report import Report, Section, Table
from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tables.split import Kind, Split
from switchyard.tabular.tasks import TASKS, metric_of

_FEWEST_OF_A_CLASS = 5
_MOST_OUTSIDE = 0.1
"""Share of values, by the weight of their column, outside of what training saw, up to which a score is estimated."""

Basis = Literal["measured", "estimated", "none"]


class Performance(Record):
    """How good the answers of a window are."""

    window: str
    metric: str
    greater_is_better: bool
    basis: Basis
    """On what the rules go by."""
    reason: str
    """Why this basis, in words."""
    rows: int
    labelled: int
    """Counted over the whole window."""
    used: int
    """Labelled rows that were looked at."""
    confidence: float
    """Of all intervals."""
    holdout: Estimate
    measured: Evaluation | None
    estimated: dict[str, Estimate]
    """Score -> what it probably is on all rows of the window; empty where nothing can be said."""
    method: str
    """Of the estimate."""
    promised: float | None = None
    """Share of outcomes that the model's intervals or sets were made to hold; None where it has none."""
    drop: float | None
    """Share of the holdout's score that is lost, negative where it rose; None without a score."""
    shown: Figures | None = None
    """Of a recommendation: how wide and how common what it showed is, and what was new."""

    @property
    def score(self) -> Estimate | None:
        """The metric, by the basis."""
        if self.basis == "measured" and self.measured is not None:
            return self.measured.score
        return self.estimated.get(self.metric) if self.basis == "estimated" else None

    def metadata(self) -> dict[str, Fact]:
        score = self.score
        known = {} if score is None or score.value is None else {self.metric: round(score.value, 5)}
        return {"basis": self.basis, **known, **({} if self.drop is None else {"drop": round(self.drop, 4)}), "labelled": self.labelled}

    def report(self) -> Report:
        """Score, estimate, slices."""
        score = self.score
        said = "No score." if score is None else f"{self.metric} {score}, {self.basis}; on the holdout {self.holdout}."
        sections = [Section(f"{self.basis.capitalize()}: {self.reason}", said)]
        if said := " ".join((self.covered, *self.banded)).strip():
            sections.append(Section("Coverage", said))
        if self.shown is not None:
            sections.append(Section("What was shown, and what was new", self.shown.table()))
        if scores := self.score_table():
            sections.append(Section(f"Scores (estimate: {self.method})", scores))
        for column in self.measured.slices if self.measured else ():
            sections.append(Section(f"By {column.column}", column.table(self.metric)))
        counts = f"{count_of(self.rows, 'prediction')}, {self.labelled:,} with a label"
        return Report("Performance", f"{self.window}; {counts}.", sections)

    @property
    def covered(self) -> str:
        """How many outcomes intervals or sets held beside what was promised; empty where nobody can say."""
        scores = self.measured.scores if self.measured else {}
        held = scores.get("set_coverage") or scores.get("coverage")
        if self.promised is None or held is None or held.value is None:
            return ""
        said = (
            f"{'Sets' if 'set_coverage' in scores else 'Intervals'} hold {held} of the outcomes; they were made to hold {self.promised:g}."
        )
        return f"{said} That is clearly less than was promised." if held.high is not None and held.high < self.promised else said

    @property
    def banded(self) -> tuple[str, ...]:
        """How many outcomes lay within each band of two quantiles, beside what it was made for."""
        return band_sentences(self.measured.scores if self.measured else {})

    def score_table(self) -> Table:
        """Every score, as measured and as estimated."""
        measured = self.measured.scores if self.measured else {}
        names = dict.fromkeys([*measured, *self.estimated])
        rows = [(name, str(measured.get(name, "")), str(self.estimated.get(name, ""))) for name in names]
        return Table(("score", "measured", "estimated"), rows)


def measure_performance(window: Window, reference: Reference, settings: Monitoring) -> Performance:
    """Score `window` with the measures and resampling that the holdout was scored with.

    Parameters
    ----------
    window, reference
        Of one version.
    settings : Monitoring

    Returns
    -------
    Performance
        Measured where at least `settings.min_labels` labels are there, and five of every class of two; else estimated, from
        `settings.min_rows` predictions on, and where the rows are of the kind that training saw.
    """
    facts, task = reference.facts, reference.facts.problem.task
    problem, at = facts.problem, window.labelled
    metric = metric_of(task, facts.metric)
    reason = _why_not(window, facts, at, settings)
    measured = None if reason else _evaluate(window, reference, at)
    holdout_truth = encode_truth(reference.answers["actual"].to_numpy(), task, facts.classes)
    estimated = {}
    doubt = _why_no_estimate(window, reference, settings) if len(window.answers) >= settings.min_rows else ""
    if len(window.answers) >= settings.min_rows and not doubt:
        level = problem.evaluation.confidence
        everyone = window.predictions(facts.classes)
        estimated = estimate_scores(everyone, task, facts.classes, level, reference.holdout, holdout_truth, metric=metric.name)
        estimated = {name: _widened(estimate, facts.scores.get(name)) for name, estimate in estimated.items()}
    basis: Basis
    if measured is not None and measured.score.value is not None:
        basis, reason = "measured", count_of(len(at), "labelled prediction")
    elif facts.metric in estimated:
        basis = "estimated"
    else:
        basis = "none"
        reason += f"; the score is not estimated: {doubt}" if doubt else ""
        if 0 < len(window.answers) < settings.min_rows:
            reason += f"; the score is not estimated from fewer predictions than monitoring.min_rows = {settings.min_rows:,}"
    found = estimated.get(facts.metric) if basis == "estimated" else measured.score if measured else None
    return Performance(
        window=in_words(window.facts),
        metric=facts.metric,
        greater_is_better=facts.greater_is_better,
        basis=basis,
        reason=reason,
        rows=window.facts.rows,
        labelled=window.facts.labelled,
        used=len(at),
        confidence=problem.evaluation.confidence,
        holdout=facts.score,
        measured=measured,
        estimated=estimated,
        method=VALUES if task == "regression" else CLASSES,
        promised=_promised(facts),
        drop=relative_drop(found, facts.score, metric.sign),
    )


def _promised(facts: ReferenceFacts) -> float | None:
    if facts.problem.task == "regression":
        return facts.problem.decision.coverage if "coverage" in facts.scores else None
    return facts.sets.coverage if facts.sets else None


def relative_drop(now: Estimate | None, before: Estimate, sign: float) -> float | None:
    """Share of `before` that is lost, positive when `now` is worse; None where either is undefined or `before` is 0."""
    if now is None or now.value is None or not before.value:
        return None
    return sign * (before.value - now.value) / abs(before.value)


def _why_not(window: Window, facts: ReferenceFacts, at: np.ndarray, settings: Monitoring) -> str:
    """Why the score cannot be measured; empty where it can."""
    if len(at) < settings.min_labels:
        return f"{len(at):,} labels are fewer than monitoring.min_labels = {settings.min_labels:,}"
    if len(facts.classes) == 2:
        counts = window.answers["actual"].iloc[at].value_counts()
        for label in facts.classes:
            if counts.get(label, 0) < _FEWEST_OF_A_CLASS:
                return f"{counts.get(label, 0)} labels are {label!r}; a score needs {_FEWEST_OF_A_CLASS} of each class"
    return ""


def _widened(estimate: Estimate, holdout: Estimate | None) -> Estimate:
    """The estimate with the holdout's own uncertainty in its interval: what the answers are worth was learnt from there."""
    if estimate.value is None or estimate.low is None or estimate.high is None or holdout is None or holdout.low is None:
        return estimate
    assert holdout.high is not None
    error = (holdout.high - holdout.low) / 2
    low, high = (float(np.hypot(end - estimate.value, error)) for end in (estimate.low, estimate.high))
    return Estimate(value=estimate.value, low=estimate.value - low, high=estimate.value + high)


def _why_no_estimate(window: Window, reference: Reference, settings: Monitoring) -> str:
    """Why an estimate would say nothing: the rows are not of the kind that the model, and its errors, are known for."""
    if not TASKS[reference.facts.problem.task].target:
        return "groups are found, and no row has a true one"
    if faults := faults_of(window, reference):
        return f"{faults[0].column}: {faults[0]}"
    share, column = outside_share(window, reference, settings)
    if share > _MOST_OUTSIDE:
        return f"{share:.0%} of what the model reads, by weight, is outside of what training saw, most of it in {column!r}"
    return ""


def _evaluate(window: Window, reference: Reference, at: np.ndarray) -> Evaluation:
    """The library's evaluation, with the window in the holdout's place."""
    facts, problem = reference.facts, reference.facts.problem
    rows = window.rows.iloc[at].reset_index(drop=True)
    rows[facts.target] = window.answers["actual"].iloc[at].to_numpy()
    slices = tuple(name for name in problem.data.slice_columns if name in rows)
    data = problem.data.model_copy(update={"slice_columns": slices, "entity_column": None, "group_column": None})
    here = problem.model_copy(update={"data": data})
    kind: Kind = "random" if facts.problem.split.kind == "group" else "time"
    split = Split(reference.rows, rows, facts.columns, kind, None)
    answers = window.predictions(facts.classes, at)
    if facts.sets is not None and answers.probabilities is not None:
        answers = replace(answers, members=facts.sets.members(answers.probabilities))
    if facts.quantiles is not None and answers.values is not None:
        answers = replace(answers, quantiles=facts.quantiles.values(answers.values), levels=facts.quantiles.levels)
    return evaluate(answers, split, here, facts.classes, facts.threshold)
