"""The model on parts of the holdout: where it is worse, and whom it treats differently."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation.intervals import Support
from switchyard.tabular.evaluation.measures import on_rows, scores_of
from switchyard.tabular.evaluation.names import NAMES, name_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Draws, Estimate, Scores
from switchyard.tabular.report.report import Badge, Name, Table
from switchyard.tabular.tables.split import Split

SMALL = 30
"""A slice with fewer rows (or, for two classes, fewer of one class) is shown but left out of the gaps."""
_MOST_VALUES = 12
_OTHER, _MISSING = "other values", "missing"
_FAIRNESS_GAPS = {"demographic_parity": "predicted_rate", "equal_opportunity": "recall", "false_positive_rate_gap": "false_positive_rate"}


class Slice(BaseModel):
    """One value of a slice column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str
    rows: int
    small: bool
    score: Estimate
    """The problem's metric on these rows."""
    rates: dict[str, float | None]
    """Two classes: positive_rate (true), predicted_rate, recall, false_negative_rate, false_positive_rate, precision;
    more: accuracy, f1; regression: bias, rmse, mae, coverage."""


class SliceColumn(BaseModel):
    """The slices of one column, with the largest differences between those that are not small."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    slices: tuple[Slice, ...]
    gaps: dict[str, float]
    """Largest less smallest. Two classes: demographic_parity (predicted rate), equal_opportunity (recall, the same as
    the gap in false negative rates), false_positive_rate_gap; always: score."""

    def table(self, metric: str) -> Table:
        """Score in `metric` and rates of each slice."""
        rates = list(self.slices[0].rates) if self.slices else []
        rows = [
            (Name(part.value), part.rows, str(part.score), *part.rates.values(), Badge("few rows", "note") if part.small else "")
            for part in self.slices
        ]
        table = Table((Name(self.column), "rows", NAMES[metric], *map(name_of, rates), "note"), rows)
        return table if any(part.small for part in self.slices) else table.without("note")

    def gap_table(self) -> Table:
        """The largest differences between the slices."""
        return Table(("gap between slices", "value"), [(NAMES[name], gap) for name, gap in self.gaps.items()])


def slice_rows(split: Split, column: str) -> dict[str, np.ndarray]:
    """Holdout positions of each slice of `column`, in the order to show them.

    Numbers and dates with more than twelve values are cut at the quartiles of the training part; of categories the
    twelve most frequent are kept and the rest put together.
    """
    if column not in split.holdout:
        raise InputError(
            f"data.slice_columns: {column!r} is not a column of the table; it has {', '.join(map(str, split.holdout.columns))}"
        )
    values = split.holdout[column]
    if not pd.api.types.is_object_dtype(values) and split.train[column].nunique() > _MOST_VALUES:
        labels, order = _quartiles(split.train[column], values)
    else:
        labels = values.map(_plain, na_action="ignore").fillna(_MISSING).astype(object)
        counts = labels.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
        kept = list(counts.index[:_MOST_VALUES])
        labels, order = labels.where(labels.isin(kept), _OTHER), [*sorted(kept), _OTHER]
    positions = {label: np.flatnonzero((labels == label).to_numpy()) for label in order}
    return {label: rows for label, rows in positions.items() if len(rows)}


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quartiles(train: pd.Series, values: pd.Series) -> tuple[pd.Series, list[str]]:
    edges = train.quantile([0.25, 0.5, 0.75]).drop_duplicates()
    shown = [str(edge.date()) if isinstance(edge, pd.Timestamp) else f"{edge:.6g}" for edge in edges]
    names = [f"up to {shown[0]}", *(f"above {low} to {high}" for low, high in pairwise(shown)), f"above {shown[-1]}"]
    position = np.searchsorted(edges.to_numpy(), values.to_numpy(), side="left")
    labels = pd.Series(np.array(names, dtype=object)[position], index=values.index).where(values.notna(), _MISSING)
    return labels, [*names, _MISSING]


def slice_scores(
    truth: np.ndarray, predictions: Predictions, problem: Problem, classes: tuple[str, ...], rows: Mapping[str, np.ndarray]
) -> dict[str, Scores]:
    """The scores of every slice as functions of the weights of all rows, ready to be resampled with the rest."""
    return {
        value: on_rows(scores_of(truth[at], predictions.at(at), problem.task, classes, problem.metric), at) for value, at in rows.items()
    }


def describe_slices(
    column: str,
    rows: Mapping[str, np.ndarray],
    draws: Mapping[str, Mapping[str, Draws]],
    truth: np.ndarray,
    predictions: Predictions,
    metric: str,
    classes: tuple[str, ...],
    problem: Problem,
    weights: np.ndarray | None = None,
) -> SliceColumn:
    """Put together what was drawn for the slices of one column; `weights` are of all rows."""
    slices = []
    for value, at in rows.items():
        counts = None if weights is None else weights[at]
        small = len(at) < SMALL
        if problem.task == "binary":
            small = small or min(truth[at].sum(), len(at) - truth[at].sum()) < SMALL // 3
        support = Support.of(truth[at], classes, None, counts, predictions.at(at))
        slices.append(
            Slice(
                value=value,
                rows=len(at),
                small=bool(small),
                score=draws[value][metric].estimate(problem.evaluation.confidence, metric, support),
                rates=_rates(truth[at], predictions.at(at), problem.task, draws[value], counts),
            )
        )
    large = [part for part in slices if not part.small]
    gaps = {"score": _gap([part.score.value for part in large])}
    if problem.task == "binary":
        for gap, rate in _FAIRNESS_GAPS.items():
            gaps[gap] = _gap([part.rates[rate] for part in large])
    return SliceColumn(column=column, slices=tuple(slices), gaps={name: gap for name, gap in gaps.items() if gap is not None})


def _gap(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) > 1 else None


def _rates(
    truth: np.ndarray, part: Predictions, task: str, draws: Mapping[str, Draws], weights: np.ndarray | None
) -> dict[str, float | None]:
    def score(name: str) -> float | None:
        return draws[name].value if name in draws and np.isfinite(draws[name].value) else None

    if task == "regression":
        return {name: score(name) for name in ("bias", "rmse", "mae", "coverage")}
    if task == "multiclass":
        return {name: score(name) for name in ("accuracy", "f1")}
    served, negatives, recall = part.labels == 1, truth == 0, score("recall")
    of_negatives = None if weights is None else weights[negatives]
    return {
        "positive_rate": float(np.average(truth, weights=weights)),
        "predicted_rate": float(np.average(served, weights=weights)),
        "recall": recall,
        "false_negative_rate": None if recall is None else 1 - recall,
        "false_positive_rate": float(np.average(served[negatives], weights=of_negatives)) if negatives.any() else None,
        "precision": score("precision"),
    }
