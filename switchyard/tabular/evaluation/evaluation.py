"""The `Evaluation`: how good the served model is on the holdout, how sure that is, and beside what."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
from pydantic import Field

from switchyard.tabular.config.learning import Costs
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.baselines import DEFAULTS, Baselines
from switchyard.tabular.evaluation.by_class import ClassScores, of_classes
from switchyard.tabular.evaluation.costs import Money, charged_labels, money_of, other_ways, with_cost
from switchyard.tabular.evaluation.intervals import Support
from switchyard.tabular.evaluation.learning import Learning, learning_of
from switchyard.tabular.evaluation.measures import Scores, scores_of
from switchyard.tabular.evaluation.mistakes import WorstRow, confusion_chart, share_of_the_worst, worst_rows, worst_table
from switchyard.tabular.evaluation.names import NAMES, name_of
from switchyard.tabular.evaluation.predictions import Predictions, encode_truth
from switchyard.tabular.evaluation.resampling import Estimate, holdout_resampler, resample
from switchyard.tabular.evaluation.slices import SMALL, SliceColumn, describe_slices, slice_rows, slice_scores
from switchyard.tabular.evaluation.thresholds import curves_of
from switchyard.tabular.report.curves import Curve
from switchyard.tabular.report.report import Beside, Name, Report, Section, Strong, Table, Text
from switchyard.tabular.report.words import of_sample, shown
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import metric_of

_MODEL, _IN_PART = "model", "in part"
FEW_DECIDE = 0.2
"""Share of the squared errors of one row in a hundred from which on their mean is no measure of the others."""


class Evaluation(Record):
    """Scores of the holdout with bootstrap intervals, per class and slice, with curves, beside the baselines."""

    task: str
    metric: str
    greater_is_better: bool
    classes: tuple[str, ...]
    threshold: float | None
    rows: int
    split_kind: str
    resamples: int
    confidence: float
    resampling: str
    """What a resample draws, in words."""
    scores: dict[str, Estimate]
    per_class: tuple[ClassScores, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    """Rows of each true class (outer) by served class (inner)."""
    calibration_error: float | None = None
    slices: tuple[SliceColumn, ...] = ()
    curves: dict[str, Curve] = Field(default_factory=dict)
    baselines: dict[str, dict[str, Estimate]] = Field(default_factory=dict)
    gains: dict[str, Estimate] = Field(default_factory=dict)
    """By baseline: how much better the model is in the metric, paired, positive when the model is better."""
    money: Money | None = None
    """Where the config says what errors cost."""
    worst: tuple[WorstRow, ...] = ()
    """Largest error first."""
    squares_of_the_worst: float | None = None
    """Of a regression: share of the squared errors that one row in a hundred has."""
    target: str = ""
    learning: Learning | None = None
    """None where there are too few rows to leave some out, and without a target."""
    weighted_by: str = ""
    """The column that says how much each row counts; empty where all count alike."""
    of_rows: int | None = None
    """Rows of the table of which training part and holdout are a sample; None where they are all."""

    @property
    def score(self) -> Estimate:
        """The problem's metric on the holdout."""
        return self.scores[self.metric]

    def scalars(self) -> dict[str, float]:
        """What an experiment tracker plots: `holdout_roc_auc`, `baseline_constant_roc_auc`, `gap_COLUMN_score`, ..."""
        scalars = {f"holdout_{name}": estimate.value for name, estimate in self.scores.items()}
        scalars |= {f"holdout_{self.metric}_low": self.score.low, f"holdout_{self.metric}_high": self.score.high}
        scalars["holdout_calibration_error"] = self.calibration_error
        for baseline, scores in self.baselines.items():
            scalars |= {f"baseline_{baseline}_{name}": estimate.value for name, estimate in scores.items()}
        for column in self.slices:
            scalars |= {f"gap_{column.column}_{name}": gap for name, gap in column.gaps.items()}
        return {name: float(value) for name, value in scalars.items() if value is not None}

    def summary_scores(self, cv: Mapping[str, float] | None = None) -> dict[str, dict[str, float]]:
        """The `scores` of a run's summary: cross-validated (given by the caller), holdout, and the baseline's."""
        defined = {name: estimate.value for name, estimate in self.scores.items() if estimate.value is not None}
        baseline = {name: estimate.value for name, estimate in self.baselines.get(DEFAULTS, {}).items() if estimate.value is not None}
        return {"cv": dict(cv or {}), "holdout": defined, "baseline": baseline}

    def metadata(self) -> dict[str, Fact]:
        main = {self.metric: self.score.value, f"{self.metric}_low": self.score.low, f"{self.metric}_high": self.score.high}
        return {"rows": self.rows, **{name: value for name, value in main.items() if value is not None}}

    def report(self) -> Report:
        lead = (
            f"{self.rows:,} rows of the {self.split_kind} holdout.{of_sample(self.of_rows)} {NAMES[self.metric]} {self.score}; "
            f"intervals hold {self.confidence:.0%}, from {self.resamples} resamples, {self.resampling}."
            f"{self.said_weights()}"
        )
        sections = [Section("Scores beside the baselines", self.score_table(), *self._remarks())]
        if self.money is not None:
            sections.append(Section("What errors cost", self.money.table(self.classes), self.money.sentence(self.classes)))
        if self.per_class:
            sections.append(Section("By class", self.class_table()))
            sections.append(Section("Confusion matrix", self.confusion_table(), confusion_chart(self.classes, self.confusion)))
        sections.append(Section("Curves", Beside.of(curve.draw() for curve in self.curves.values())))
        if self.learning is not None:
            sections.append(self.learning.section())
        if self.worst:
            sections.append(Section("Rows it was most wrong about", worst_table(self.worst, self.target, self.classes)))
        left_out = f"Gaps leave out slices of fewer than {SMALL} rows or {SMALL // 3} of one class."
        for column in self.slices:
            gaps = [column.gap_table()] if column.gaps else []
            sections.append(Section(f"By {column.column}", column.table(self.metric), *gaps, left_out))
        return Report("Evaluation", lead, sections)

    def score_table(self) -> Table:
        """Every score with its interval, beside the baselines."""
        undefined = Estimate(value=None)
        rows = []
        for name, estimate in self.scores.items():
            label = Strong(NAMES[name]) if name == self.metric else NAMES[name]
            rows.append((label, str(estimate), *(str(scores.get(name, undefined)) for scores in self.baselines.values())))
        return Table(("score", f"model, {self.confidence:.0%} interval", *map(name_of, self.baselines)), rows)

    def class_table(self) -> Table:
        """Precision, recall and F1 of each class, and how often sets hold it."""
        sets = any(part.set_coverage is not None for part in self.per_class)
        rows = [
            (Name(part.label), part.rows, str(part.precision), str(part.recall), str(part.f1), *((str(part.set_coverage),) if sets else ()))
            for part in self.per_class
        ]
        return Table(("class", "rows", "precision", "recall", "F1", *(("set coverage",) if sets else ())), rows)

    def confusion_table(self) -> Table:
        """Rows of each true class by served class."""
        headers = ("true class", *(Text("answered ", Name(label)) for label in self.classes))
        return Table(headers, [(Name(label), *counts) for label, counts in zip(self.classes, self.confusion)])

    def mistakes_table(self) -> Table:
        """Pairs of true and served class, the most frequent mistake first: for many classes."""
        counted = [
            (Name(true), Name(answered), count)
            for true, counts in zip(self.classes, self.confusion)
            for answered, count in zip(self.classes, counts)
            if true != answered and count
        ]
        return Table(("true class", "answered", "rows"), sorted(counted, key=lambda row: -row[2]))

    def said_weights(self) -> str:
        """A sentence, with the blank before it, where rows count by a weight; else empty."""
        return f" Scores are weighted by {self.weighted_by}; numbers of rows are not." if self.weighted_by else ""

    def threshold_cost(self) -> str:
        """A sentence where the threshold's labels are less accurate than a baseline's, which decides at 0.5; else empty."""
        ours = self.scores.get("accuracy")
        others = {name: scores["accuracy"].value for name, scores in self.baselines.items() if "accuracy" in scores}
        best = max((value for value in others.values() if value is not None), default=None)
        if self.threshold is None or ours is None or ours.value is None or best is None or ours.value >= best:
            return ""
        sake = "for the sake of the rarer class" if self.money is None else "for what errors cost"
        return (
            f"Accuracy {shown(ours.value)} is below {shown(best)} of {name_of(max(others, key=lambda name: others[name] or 0.0))}, because "
            f"the threshold {shown(self.threshold)} was chosen {sake}; decision.threshold: accuracy, or 0.5, "
            "decides for accuracy."
        )

    def _remarks(self) -> list[str]:
        said = [
            f"Beside {name_of(name)}: {gain.as_gain()} in {NAMES[self.metric]}, on the same resamples." for name, gain in self.gains.items()
        ]
        if self.threshold is not None:
            said.append(f"Labels: {self.classes[1]} from a probability of {self.threshold:.4g} on; the baselines from 0.5 on.")
        if self.money is not None:
            said.append(self.money.baselines_decide())
        if cost := self.threshold_cost():
            said.append(cost)
        if self.squares_of_the_worst is not None and self.squares_of_the_worst > FEW_DECIDE:
            said.append(
                f"One row in a hundred makes up {self.squares_of_the_worst:.0%} of the squared errors. RMSE and R2 are those of such "
                f"rows, of which other rows may have more or fewer: their intervals hold less than {self.confidence:.0%}. MAE's hold."
            )
        if self.calibration_error is not None:
            said.append(f"Expected calibration error: {self.calibration_error:.4g}.")
        return said


def evaluate(
    predictions: Predictions,
    split: Split,
    problem: Problem,
    classes: tuple[str, ...] = (),
    threshold: float | None = None,
    baselines: Baselines | None = None,
    in_part: Mapping[int, Predictions] | None = None,
) -> Evaluation:
    """Score predictions of the holdout.

    Parameters
    ----------
    predictions : Predictions
        For the rows of `split.holdout`, in order: what the exported bundle answers, so that what is scored is served.
    split : Split
    problem : Problem
        With task and metric decided.
    classes : tuple of str
        Classifications: in the order of the probabilities; for two, the positive class last.
    threshold : float, optional
        Only reported; the labels in `predictions` were decided with it.
    baselines : Baselines, optional
        From `fit_baselines` on the same split.
    in_part : mapping of int to Predictions, optional
        From `learn_in_part` on the same split, beside `baselines`.

    Returns
    -------
    Evaluation
        Resamples draw rows one by one, or whole groups or entities when the problem names a column for them, because rows of
        one entity are not independent.
    """
    metric = metric_of(problem.task, problem.metric)
    truth = encode_truth(split.holdout[problem.data.target].to_numpy(), problem.task, classes)
    resampler, words = holdout_resampler(split, problem, truth)
    models = {_MODEL: predictions, **(baselines.predictions if baselines else {})}
    slices = {column: slice_rows(split, column) for column in problem.data.slice_columns}
    draws = resample(_scores(truth, models, slices, problem, classes, in_part or {}), resampler)
    level = problem.evaluation.confidence
    supports = {name: Support.of(truth, classes, resampler.groups, resampler.weights, part) for name, part in models.items()}
    estimates = {name: {score: drawn.estimate(level, score, supports[name]) for score, drawn in draws[(name,)].items()} for name in models}
    main = draws[(_MODEL,)][metric.name]
    gains = {name: (main - draws[(name,)][metric.name]).scaled(metric.sign).estimate(level) for name in models if name != _MODEL}
    learnt = {rows: draws[(_IN_PART, rows)][metric.name] for rows in in_part or {}}
    told = (truth, predictions, metric.name, classes)
    columns = tuple(
        describe_slices(column, rows, {value: draws[(column, value)] for value in rows}, *told, problem, resampler.weights)
        for column, rows in slices.items()
    )
    kept = {name: {score: estimate for score, estimate in scores.items() if ":" not in score} for name, scores in estimates.items()}
    return Evaluation(
        task=problem.task,
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        classes=classes,
        threshold=threshold,
        rows=len(truth),
        split_kind=split.kind,
        resamples=problem.evaluation.bootstrap,
        confidence=level,
        resampling=words,
        scores=kept.pop(_MODEL),
        baselines=kept,
        gains=gains,
        slices=columns,
        money=money_of(draws, draws[(_MODEL,)]["cost"], problem.costs, classes, level) if problem.costs else None,
        curves=curves_of(truth, predictions, classes, threshold, problem, resampler.weights),
        worst=worst_rows(truth, predictions, split, classes, problem),
        squares_of_the_worst=share_of_the_worst(truth, predictions.values) if problem.task == "regression" else None,
        target=problem.data.target,
        learning=learning_of(metric.name, metric.sign, {**learnt, len(split.train): draws[(DEFAULTS,)][metric.name]}, level)
        if learnt
        else None,
        weighted_by=split.schema.weight.name if split.schema.weight else "",
        of_rows=split.schema.of,
        **({} if problem.task == "regression" else of_classes(truth, predictions, classes, estimates[_MODEL], resampler.weights)),
    )


def _scores(
    truth: np.ndarray,
    models: Mapping[str, Predictions],
    slices: Mapping[str, Mapping[str, np.ndarray]],
    problem: Problem,
    classes: tuple[str, ...],
    in_part: Mapping[int, Predictions],
) -> dict[Hashable, Scores]:
    """What is scored on each resample: the model and what stands beside it, learnings from a part, other thresholds, slices."""
    task, metric, costs = problem.task, metric_of(problem.task, problem.metric).name, problem.costs
    scored: dict[Hashable, Scores] = {}
    for name, part in models.items():
        labels = _labels(name, part, costs, classes)
        scored[(name,)] = with_cost(scores_of(truth, part, task, classes, metric), truth, labels, costs, classes)
    scored |= {(_IN_PART, rows): scores_of(truth, part, task, classes, metric) for rows, part in in_part.items()}
    scored |= other_ways(truth, models[_MODEL], costs, classes)
    for column, rows in slices.items():
        found = slice_scores(truth, models[_MODEL], problem, classes, rows)
        scored |= {(column, value): score for value, score in found.items()}
    return scored


def _labels(name: str, predictions: Predictions, costs: Costs | None, classes: tuple[str, ...]) -> np.ndarray | None:
    """The labels that are charged: as served, and a baseline's by where its answer pays, as anyone who knows the costs would."""
    return predictions.labels if costs is None or name == _MODEL else charged_labels(predictions.probabilities, costs, classes)
