"""Where a model is wrong: the confusion matrix as a picture, and the rows it was most wrong about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.report.figures import chart
from switchyard.tabular.report.report import Chart, Name, Table
from switchyard.tabular.report.words import shown
from switchyard.tabular.tables.split import Split

_WORST = 10
_COLUMNS = 6
_MOST_CLASSES = 20
"""Of a picture: the most frequent ones."""
_WRITTEN = 10
"""Classes up to which each field says its numbers."""


class WorstRow(BaseModel):
    """A row of the holdout that the model was very wrong about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: int
    """Of the holdout, from 0."""
    truth: str
    answered: str
    error: float
    """Regression: predicted minus true, in units of the target. Classification: the probability that the true class was not given."""
    values: dict[str, str]
    """What tells which row it is: its entity and time, and the first columns."""


def share_of_the_worst(truth: np.ndarray, values: np.ndarray) -> float:
    """What share of the squared errors of a regression is that of one row in a hundred, the largest first; of fewer of one row.

    Of normal errors 0.08. Where it is large, the error of the next hundred rows is whether they hold such a row, and no
    interval from these rows can know: docs/benchmarks.md has how often.
    """
    squares = np.sort((values - truth) ** 2)
    whole = float(squares.sum())
    return float(squares[-max(1, len(squares) // 100) :].sum()) / whole if whole > 0 else 0.0


def worst_rows(
    truth: np.ndarray, predictions: Predictions, split: Split, classes: tuple[str, ...], problem: Problem
) -> tuple[WorstRow, ...]:
    """The rows with the largest errors, the largest first; of a classification those that were answered wrongly only.

    Parameters
    ----------
    truth : ndarray of shape (n,)
        Values, or codes into `classes`.
    predictions : Predictions
    split : Split
        Whose holdout was predicted.
    classes : tuple of str
    problem : Problem
        Its entity and time are shown before other columns.
    """
    error = predictions.values - truth if not classes else 1 - predictions.probabilities[np.arange(len(truth)), truth]
    wrong = np.ones(len(truth), dtype=bool) if not classes else predictions.labels != truth
    order = np.argsort(np.where(wrong, -np.abs(error), np.inf), kind="stable")[: min(_WORST, int(wrong.sum()))]
    names = dict.fromkeys((problem.data.entity_column, problem.data.time_column, *(column.name for column in split.schema.features)))
    columns = [name for name in names if name in split.holdout][:_COLUMNS]
    return tuple(
        WorstRow(
            row=int(at),
            truth=classes[truth[at]] if classes else shown(float(truth[at]), 6),
            answered=classes[predictions.labels[at]] if classes else shown(float(predictions.values[at]), 6),
            error=float(error[at]),
            values={name: _said(split.holdout[name].iloc[at]) for name in columns},
        )
        for at in order
    )


def worst_table(rows: Sequence[WorstRow], target: str, classes: tuple[str, ...]) -> Table:
    """One line a row; the errors named with their unit."""
    columns = list(rows[0].values) if rows else []
    error = "probability that was not given to the true class" if classes else f"predicted minus true, in units of {target}"
    lines = [(row.row, row.truth, row.answered, row.error, *(row.values[name] for name in columns)) for row in rows]
    return Table(("row of the holdout", "true", "answered", error, *map(Name, columns)), lines)


def confusion_chart(classes: tuple[str, ...], confusion: Sequence[Sequence[int]]) -> Chart:
    """Rows of each true class by answered class, as shares of the true class."""
    from matplotlib.figure import Figure

    counts = np.array(confusion)
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:_MOST_CLASSES])
    sizes = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, sizes, out=np.zeros(counts.shape), where=sizes > 0)[np.ix_(kept, kept)]
    counts, labels = counts[np.ix_(kept, kept)], [_short(classes[k]) for k in kept]
    side = 1.6 + 0.75 * min(len(kept), _WRITTEN)
    figure = Figure(figsize=(side + 0.6, side))
    axes = figure.subplots()
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="#ffffff", linewidth=1)
    axes.invert_yaxis()
    places = np.arange(len(kept)) + 0.5
    axes.set_xticks(places, labels, rotation=90 if len(kept) > 4 else 0)
    axes.set_yticks(places, labels)
    axes.set(xlabel="answered class", ylabel="true class", title="Share of each true class")
    if len(kept) <= _WRITTEN:
        for (true, answered), share in np.ndenumerate(shares):
            color = "#ffffff" if share > 0.55 else "#1d2433"
            axes.text(
                answered + 0.5, true + 0.5, f"{share:.0%}\n{counts[true, answered]:,}", ha="center", va="center", color=color, fontsize=8
            )
    of = "" if len(kept) == len(classes) else f", the {len(kept)} most frequent of {len(classes)} classes"
    right = ", ".join(f"{label} {share:.0%}" for label, share in zip(labels, np.diag(shares)))
    return chart(figure, f"Confusion matrix{of}: share of each true class that was answered rightly: {right}")


def _said(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    if isinstance(value, pd.Timestamp):
        return value.isoformat(" ", "minutes")
    return shown(float(value), 6) if isinstance(value, (int, float, np.number)) else _short(str(value))


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
