"""The `Reference`: what a version was trained on and how it did there; registered with the version, held against each window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.bundle import Quantiles, Sets, Signature
from switchyard.bundle.unlike import Unlike
from switchyard.monitoring.answers import answer_columns, predictions_in
from switchyard.monitoring.recommending.catalogue import Catalogue
from switchyard.monitoring.seasons import covered
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.evaluation import Evaluation, evaluate
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.report.report import Bars, Report, Section, Table
from switchyard.tabular.report.words import of_sample
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import read_frame, write_frame
from switchyard.tabular.validation import Suite

FOLDER = "reference"
"""Below the artifacts of the MLflow run that made the version."""
MOST_ROWS = 20_000
_MOMENTS, _MOMENT = "moments.parquet", "moment"


class ReferenceFacts(BaseModel):
    """Everything about a reference but its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: Problem
    """The problem as resolved in training, its later life left out."""
    columns: Schema
    """The columns that the model reads, and its target."""
    digest: str
    """Digest of the bundle."""
    classes: tuple[str, ...]
    threshold: float | None
    sets: Sets | None = None
    """By which the version's answers have conformal sets."""
    quantiles: Quantiles | None = None
    """By which the version's answers have quantiles: they follow from the prediction."""
    unlike: Unlike | None = None
    """By which its answers say that a row is like none of the groups."""
    metric: str
    greater_is_better: bool
    scores: dict[str, Estimate]
    """Scores on the holdout."""
    importance: dict[str, float]
    """Column -> share of the mean absolute Shapley values of the holdout; they add up to one."""
    train_rows: int
    holdout_rows: int
    ordered: bool
    """Whether the rows are in the order of time."""
    of_rows: int | None = None
    """Rows of the table that training and holdout rows are a sample of; None where they are all."""

    @property
    def score(self) -> Estimate:
        """The problem's metric on the holdout."""
        return self.scores[self.metric]

    @property
    def target(self) -> str:
        return self.problem.data.target


@dataclass(frozen=True)
class Reference(Storable):
    """Rows of training and holdout, and what the exported model answered on the holdout, which it had not seen."""

    facts: ReferenceFacts
    rows: pd.DataFrame
    """Columns of `facts.columns` and those of slices, canonical types, at most `MOST_ROWS` of training and holdout together."""
    answers: pd.DataFrame
    """Answers to at most `MOST_ROWS` rows of the holdout: `actual` and what `switchyard.monitoring.answers.answer_columns` names."""
    suite: Suite
    moments: pd.Series | None = None
    """Of `rows`, datetime64 without a zone, where the table has a time column."""
    catalogue: Catalogue | None = None
    """Of a recommendation: its rows are what was taken last, its answers as `switchyard.monitoring.recommending.shown` has them."""

    @property
    def holdout(self) -> Predictions:
        """The answers as predictions."""
        return predictions_in(self.answers, self.facts.classes)

    def write(self, folder: Path) -> None:
        (folder / "reference.json").write_text(self.facts.model_dump_json(indent=1), encoding="utf-8")
        write_frame(self.rows, folder / "rows.parquet")
        write_frame(self.answers, folder / "answers.parquet")
        self.suite.write(folder)
        if self.moments is not None:
            write_frame(self.moments.to_frame(_MOMENT), folder / _MOMENTS)
        if self.catalogue is not None:
            self.catalogue.write(folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        facts = ReferenceFacts.model_validate_json((folder / "reference.json").read_text(encoding="utf-8"))
        moments = read_frame(folder / _MOMENTS)[_MOMENT] if (folder / _MOMENTS).exists() else None
        rows, answers = (read_frame(folder / f"{name}.parquet") for name in ("rows", "answers"))
        return cls(facts, rows, answers, Suite.read(folder), moments, Catalogue.read(folder))

    def metadata(self) -> dict[str, Fact]:
        facts = self.facts
        return {"rows": len(self.rows), "of_rows": facts.train_rows + facts.holdout_rows, "holdout_answers": len(self.answers)}

    def report(self) -> Report:
        facts = self.facts
        weights = sorted(facts.importance.items(), key=lambda item: (-item[1], item[0]))
        scores = [(name, str(estimate)) for name, estimate in facts.scores.items()]
        return Report(
            f"What windows of {facts.problem.name} are held against",
            f"{len(self.rows):,} of {facts.train_rows:,} training and {facts.holdout_rows:,} holdout rows"
            f"{', in the order of time' if facts.ordered else ''}; answers to {len(self.answers):,} holdout rows."
            f"{'' if self.moments is None else f' It covers {covered(self.moments)}.'}{of_sample(facts.of_rows)}",
            [
                Section("Weight of each column in the model (share of the mean absolute Shapley values)", Bars(weights)),
                Section("Holdout", Table(("score", "value"), scores)),
            ],
        )


def describe_reference(
    split: Split,
    predictions: Predictions,
    signature: Signature,
    digest: str,
    evaluation: Evaluation,
    explanation: Explanation,
    suite: Suite,
    problem: Problem,
    most_rows: int = MOST_ROWS,
) -> Reference:
    """Gather what a version will be held against.

    Parameters
    ----------
    split : Split
    predictions : Predictions
        The exported model's, for the rows of `split.holdout`: out of sample.
    signature : Signature
        Of the bundle: which columns it reads.
    digest : str
        Of the bundle.
    evaluation, explanation, suite
        Of the same training.
    problem : Problem
        Resolved.
    most_rows : int
        Kept of training and holdout together, and of the holdout's answers; drawn evenly with the problem's seed.
    """
    target = problem.data.target
    read = [column.name for column in signature.columns]
    extra = [name for name in problem.data.slice_columns if name not in read]
    everything = pd.concat([split.train, split.holdout], ignore_index=True)
    whole = everything[[*read, *extra, target]]
    time = split.schema.time
    rng = np.random.default_rng(problem.tuning.seed)
    answers = answer_columns(predictions, signature.classes)
    answers.insert(0, "actual", split.holdout[target].to_numpy())
    total = sum(part.mean_abs for part in explanation.summary.importance) or 1.0
    rows, places = _drawn(whole, most_rows, rng)
    named = {*read, *extra, target}
    return Reference(
        ReferenceFacts(
            problem=problem.for_training(),
            columns=Schema(columns=tuple(column for column in split.schema.columns if column.name in named)),
            digest=digest,
            classes=signature.classes,
            threshold=signature.threshold,
            sets=signature.sets,
            unlike=signature.unlike,
            quantiles=signature.quantiles,
            metric=evaluation.metric,
            greater_is_better=evaluation.greater_is_better,
            scores=_as_measured(evaluation, predictions, split, signature, problem),
            importance={part.column: part.mean_abs / total for part in explanation.summary.importance},
            train_rows=len(split.train),
            holdout_rows=len(split.holdout),
            ordered=split.kind == "time",
            of_rows=split.schema.of,
        ),
        rows,
        _drawn(answers, most_rows, rng)[0],
        suite,
        None if time is None else everything[time.name].iloc[places].reset_index(drop=True),
    )


def _as_measured(
    evaluation: Evaluation, predictions: Predictions, split: Split, signature: Signature, problem: Problem
) -> dict[str, Estimate]:
    """The holdout's scores as those of a window are measured: requests come without a weight, so every row counts once."""
    if split.schema.weight is None:
        return evaluation.scores
    columns = [column.model_copy(update={"role": "ignored"}) if column.role == "weight" else column for column in split.schema.columns]
    alike = replace(split, schema=Schema(columns=tuple(columns)))
    return evaluate(predictions, alike, problem, signature.classes, signature.threshold).scores


def _drawn(frame: pd.DataFrame, most: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """At most `most` rows, in their order, and their positions."""
    if len(frame) <= most:
        return frame, np.arange(len(frame))
    at = np.sort(rng.choice(len(frame), most, replace=False))
    return frame.iloc[at].reset_index(drop=True), at
