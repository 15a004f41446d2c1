"""Sentences of the documents that follow from the artifacts."""

from __future__ import annotations

from switchyard.tabular.documents.inputs import RunRecord
from switchyard.tabular.evaluation import Evaluation
from switchyard.tabular.evaluation.names import NAMES
from switchyard.tabular.evaluation.quantiles import band_sentences
from switchyard.tabular.evaluation.slices import SliceColumn
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.report.markdown import number, percent

_FEW_ROWS = 500


def made_of(run: RunRecord) -> str:
    """The families of the model, with the number of fitted models where it is not one."""
    if run.model.combination:
        parts = [FAMILIES[family].title + (f" x {count}" if count > 1 else "") for family, count in run.model.members.items()]
        return "an ensemble of " + ", ".join(parts)
    ((family, count),) = run.model.members.items()
    return f"one {FAMILIES[family].title}" + (f", the mean of {count} fits with different seeds" if count > 1 else "")


def found(run: RunRecord, check: str) -> str:
    """How a quality check ended."""
    count = sum(finding.check == check for finding in run.quality.findings)
    return "met" if count == 0 else f"{count} found"


def limits(run: RunRecord) -> list[str]:
    """What to be careful about with this model, as far as its artifacts show it."""
    evaluation, said = run.evaluation, []
    if run.split.kind == "random":
        said.append("The holdout is a random part of the same table: the scores say nothing about how the model ages.")
    if run.split.kind == "time":
        said.append(f"The holdout is the most recent part, from {run.split.boundary} on; what changed after it was not seen.")
    if evaluation.rows < _FEW_ROWS:
        said.append(f"The holdout has only {evaluation.rows} rows; the intervals are wide.")
    missed = [part.label for part in evaluation.per_class if part.recall.value is not None and part.recall.value < 0.5]
    if missed:
        said.append(f"Fewer than half of the rows of class {', '.join(missed)} are found.")
    if evaluation.task == "regression" and "coverage" in evaluation.scores:
        coverage = evaluation.scores["coverage"]
        wanted = run.problem.decision.coverage
        if coverage.high is not None and coverage.high < wanted:
            said.append(
                f"The interval holds {percent(coverage.value)} of the holdout's true values, fewer than the {percent(wanted)} wanted."
            )
        said.append("The interval has the same width for every row, however hard the row is.")
    said += band_sentences(evaluation.scores)
    if held := evaluation.scores.get("set_coverage"):
        wanted = run.problem.decision.coverage
        if held.high is not None and held.high < wanted:
            said.append(f"The sets hold {percent(held.value)} of the holdout's true classes, fewer than the {percent(wanted)} wanted.")
        if run.problem.decision.sets == "overall":
            said += _rarely_held(evaluation, wanted)
    for column in evaluation.slices:
        worst = _worst_slice(column, evaluation.greater_is_better, evaluation.score.low, evaluation.score.high)
        if worst is not None:
            said.append(f"Clearly worse than overall where {column.column} is {worst[0]}: {NAMES[evaluation.metric]} {worst[1]}.")
    if run.validation.failed:
        said.append(
            f"Not everything inferred from the training part holds on the holdout ({len(run.validation.failed)} expectations failed)."
        )
    if run.explanation.summary.agreement < 0.9:
        said.append(f"The ranking of the less important columns is uncertain (agreement {number(run.explanation.summary.agreement, 2)}).")
    said.append("SHAP and LIME describe the model, not the world: they show what it uses, not what causes the outcome.")
    return said


def _rarely_held(evaluation: Evaluation, wanted: float) -> list[str]:
    known = [(part.label, part.set_coverage) for part in evaluation.per_class if part.set_coverage is not None]
    rare = [label for label, held in known if held.high is not None and held.high < wanted]
    if not rare:
        return []
    said = f"Sets hold class {', '.join(rare)} less often than {percent(wanted)}, as the promise is for all rows together; "
    return [f"{said}decision.sets: each_class makes it for each class."]


def _worst_slice(column: SliceColumn, greater_is_better: bool, low: float | None, high: float | None) -> tuple[str, str] | None:
    if low is None or high is None:
        return None
    known = [part for part in column.slices if not part.small and part.score.low is not None]
    worse = [part for part in known if (part.score.high < low if greater_is_better else part.score.low > high)]
    if not worse:
        return None
    worst = min(worse, key=lambda part: part.score.value if greater_is_better else -part.score.value)
    return worst.value, str(worst.score)
