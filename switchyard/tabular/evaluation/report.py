"""The evaluation as a static page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from switchyard.tabular.evaluation.baselines import CONSTANT, LIGHTGBM
from switchyard.tabular.evaluation.curves import Curve
from switchyard.tabular.evaluation.resampling import Estimate, shown
from switchyard.tabular.evaluation.slices import SMALL, SliceColumn
from switchyard.tabular.report import html

if TYPE_CHECKING:
    from switchyard.tabular.evaluation.evaluation import Evaluation

NAMES = {
    "roc_auc": "ROC-AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "precision_weighted": "Precision, weighted",
    "recall_weighted": "Recall, weighted",
    "f1_weighted": "F1, weighted",
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "MAE",
    "r2": "R2",
    "bias": "Bias",
    "coverage": "Interval coverage",
    "width": "Interval width",
    CONSTANT: "constant",
    LIGHTGBM: "LightGBM defaults",
    "demographic_parity": "Demographic parity difference",
    "equal_opportunity": "Equal opportunity difference (false negative rate gap)",
    "false_positive_rate_gap": "False positive rate gap",
    "score": "Score gap",
    "positive_rate": "Positive rate",
    "predicted_rate": "Predicted rate",
    "false_negative_rate": "False negative rate",
    "false_positive_rate": "False positive rate",
}
"""How scores, gaps and baselines are called for people."""
_COLORS = ("#2f5fb3", "#c0562c", "#1f8a4c", "#7a4fa3", "#b7791f", "#2a8c99", "#a03a6b", "#5a6478")


def evaluation_page(evaluation: Evaluation) -> str:
    """The whole page."""
    lead = (
        f"{evaluation.rows:,} rows of the {evaluation.split_kind} holdout. {NAMES[evaluation.metric]} {evaluation.score}; "
        f"intervals hold {evaluation.confidence:.0%}, from {evaluation.resamples} resamples, {evaluation.resampling}."
    )
    sections = [("Scores beside the baselines", _scores(evaluation))]
    if evaluation.per_class:
        rows = [(part.label, part.rows, str(part.precision), str(part.recall), str(part.f1)) for part in evaluation.per_class]
        sections.append(("By class", html.table(("class", "rows", "precision", "recall", "F1"), rows)))
        sections.append(("Confusion matrix", _confusion(evaluation)))
    sections.append(("Curves", html.row(_draw(curve) for curve in evaluation.curves.values())))
    sections += [(f"By {column.column}", _slices(column, evaluation.metric)) for column in evaluation.slices]
    return html.page("Evaluation", sections, lead)


def _scores(evaluation: Evaluation) -> str:
    headers = ("score", "model", *(NAMES.get(name, name) for name in evaluation.baselines))
    undefined = Estimate(value=None)
    rows = []
    for name, estimate in evaluation.scores.items():
        label = html.Raw(f"<b>{NAMES[name]}</b>") if name == evaluation.metric else NAMES[name]
        rows.append((label, str(estimate), *(str(scores.get(name, undefined)) for scores in evaluation.baselines.values())))
    notes = [
        f"Better than {NAMES.get(name, name)} by {gain} in {NAMES[evaluation.metric]}, on the same resamples."
        for name, gain in evaluation.gains.items()
    ]
    if evaluation.threshold is not None:
        notes.append(f"Labels: {evaluation.classes[1]} from a probability of {evaluation.threshold:.4g} on; the baselines from 0.5 on.")
    if evaluation.calibration_error is not None:
        notes.append(f"Expected calibration error: {evaluation.calibration_error:.4g}.")
    return html.table(headers, rows) + "".join(f"<p>{html.escape(note)}</p>" for note in notes)


def _confusion(evaluation: Evaluation) -> str:
    rows = [(label, *counts) for label, counts in zip(evaluation.classes, evaluation.confusion)]
    return "<p>Rows: true class; columns: served class.</p>" + html.table(("", *evaluation.classes), rows)


def _slices(column: SliceColumn, metric: str) -> str:
    rates = list(column.slices[0].rates) if column.slices else []
    rows = []
    for part in column.slices:
        value = html.Raw(f"{html.escape(part.value)} {html.badge('few rows', 'note')}") if part.small else part.value
        cells = ("" if (rate := part.rates[name]) is None else rate for name in rates)
        rows.append((value, part.rows, str(part.score), *cells))
    headers = (column.column, "rows", NAMES[metric], *(NAMES.get(name, name) for name in rates))
    gaps = "".join(f"<p>{NAMES[name]}: <b>{shown(gap)}</b></p>" for name, gap in column.gaps.items())
    return html.table(headers, rows) + gaps + f"<p>Gaps leave out slices of fewer than {SMALL} rows or {SMALL // 3} of one class.</p>"


def _draw(curve: Curve) -> str:
    figure = Figure(figsize=(4.3, 3.4))
    axes = figure.subplots()
    for line, color in zip(curve.lines, _COLORS):
        style = (
            {"linestyle": "none", "marker": ".", "markersize": 3}
            if curve.points
            else {"marker": "o" if len(line.x) <= 12 else None, "markersize": 3.5}
        )
        axes.plot(line.x, line.y, color=color, label=line.label.replace("$", r"\$"), linewidth=1.4, **style)
    if curve.diagonal:
        ends = [min(min(line.x) for line in curve.lines), max(max(line.x) for line in curve.lines)]
        axes.plot(ends, ends, color="#9aa3b5", linewidth=0.8, linestyle="--")
    axes.set(title=curve.title, xlabel=curve.x, ylabel=curve.y)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.spines[["top", "right"]].set_visible(False)
    if len(curve.lines) > 1:
        axes.legend(frameon=False, fontsize=7)
    return html.figure(figure)
