"""Curves of a holdout, thinned to what an eye can see, kept as numbers so that they can be drawn again."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.report.figures import chart
from switchyard.tabular.report.report import Chart

POINTS = 200
"""Most points a line keeps."""
_MOST_CLASSES = 8
"""Classes drawn one against the rest: the most frequent ones."""
_COLORS = ("#2f5fb3", "#c0562c", "#1f8a4c", "#7a4fa3", "#b7791f", "#2a8c99", "#a03a6b", "#5a6478")


class Line(BaseModel):
    """One line, or cloud of points, of a chart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Curve(BaseModel):
    """A chart as numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    points: bool = False
    """Draw the lines as clouds of points."""
    diagonal: bool = False
    """Draw y = x as the line to compare with."""

    def draw(self) -> Chart:
        """The curve as a part of a report."""
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        figure = Figure(figsize=(4.3, 3.4))
        axes = figure.subplots()
        for line, color in zip(self.lines, _COLORS):
            style = (
                {"linestyle": "none", "marker": ".", "markersize": 3}
                if self.points
                else {"marker": "o" if len(line.x) <= 12 else None, "markersize": 3.5}
            )
            axes.plot(line.x, line.y, color=color, label=line.label.replace("$", r"\$"), linewidth=1.4, **style)
        if self.diagonal:
            ends = [min(min(line.x) for line in self.lines), max(max(line.x) for line in self.lines)]
            axes.plot(ends, ends, color="#9aa3b5", linewidth=0.8, linestyle="--")
        axes.set(title=self.title, xlabel=self.x, ylabel=self.y)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.spines[["top", "right"]].set_visible(False)
        if len(self.lines) > 1:
            axes.legend(frameon=False, fontsize=7)
        return chart(figure, f"{self.title}: {self.y} by {self.x}")


def _line(label: str, x: np.ndarray, y: np.ndarray) -> Line:
    if len(x) > POINTS:
        keep = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
        x, y = x[keep], y[keep]
    return Line(label=label, x=tuple(np.round(x, 6).tolist()), y=tuple(np.round(y, 6).tolist()))


def _counts_by_threshold(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Rows answered positive and true positives among them, at each distinct score from the highest down, from (0, 0).
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(positive[order])[last_of_tie]
    return np.append(0, last_of_tie + 1), np.append(0, hits)


def _ranked_classes(truth: np.ndarray, classes: tuple[str, ...]) -> list[int]:
    if len(classes) == 2:
        return [1]
    sizes = np.bincount(truth, minlength=len(classes))
    return [int(k) for k in np.argsort(-sizes, kind="stable")[:_MOST_CLASSES] if 0 < sizes[k] < len(truth)]


def classification_curves(truth: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> dict[str, Curve]:
    """ROC, precision-recall, gain and reliability.

    Reliability bins hold equal numbers of rows. Two classes: the positive one's probability against its share; more:
    the probability of the most likely class against how often it is right (Guo et al., *On Calibration of Modern Neural
    Networks*, ICML 2017).
    """
    proba = predictions.probabilities
    roc, recall_lines, gain = [], [], []
    for k in _ranked_classes(truth, classes):
        positive = truth == k
        answered, hits = _counts_by_threshold(positive, proba[:, k])
        n_pos = positive.sum()
        roc.append(_line(classes[k], (answered - hits) / (len(truth) - n_pos), hits / n_pos))
        recall_lines.append(_line(classes[k], hits[1:] / n_pos, hits[1:] / answered[1:]))
        gain.append(_line(classes[k], answered / len(truth), hits / n_pos))
    mean, share, _ = _reliability(truth, proba)
    label = classes[1] if len(classes) == 2 else "most likely class"
    return {
        "roc": Curve(title="ROC", x="false positive rate", y="true positive rate", lines=tuple(roc), diagonal=True),
        "precision_recall": Curve(title="Precision and recall", x="recall", y="precision", lines=tuple(recall_lines)),
        "gain": Curve(
            title="Cumulative gain", x="share of rows, highest score first", y="share of the class found", lines=tuple(gain), diagonal=True
        ),
        "calibration": Curve(
            title="Reliability", x="mean predicted probability", y="share observed", lines=(_line(label, mean, share),), diagonal=True
        ),
    }


def _reliability(truth: np.ndarray, proba: np.ndarray, bins: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Mean probability, share observed and share of rows of each bin.
    if proba.shape[1] == 2:
        score, right = proba[:, 1], truth == 1
    else:
        score, right = proba.max(axis=1), proba.argmax(axis=1) == truth
    parts = [part for part in np.array_split(np.argsort(score, kind="stable"), bins) if len(part)]
    mean, share, size = ([of(part) for part in parts] for of in (lambda p: score[p].mean(), lambda p: right[p].mean(), len))
    return np.array(mean), np.array(share), np.array(size) / len(truth)


def calibration_error(truth: np.ndarray, predictions: Predictions) -> float:
    """Expected calibration error over ten bins of equal numbers of rows: mean distance of probability and share, 0..1."""
    mean, share, size = _reliability(truth, predictions.probabilities)
    return float(size @ np.abs(mean - share))


def regression_curves(truth: np.ndarray, predictions: Predictions) -> dict[str, Curve]:
    """Predicted against true and residual against predicted for rows spread evenly over their order, and the
    share of rows within a given error (the regression's cumulative error curve)."""
    order = np.argsort(truth, kind="stable")
    values = predictions.values
    by_prediction = np.argsort(values, kind="stable")
    error = np.sort(np.abs(values - truth))
    share = np.arange(1, len(truth) + 1) / len(truth)
    lines = [_line("prediction", truth[order], values[order])]
    if predictions.lower is not None:
        lines += [_line("lower end", truth[order], predictions.lower[order]), _line("upper end", truth[order], predictions.upper[order])]
    residuals = _line("residual", values[by_prediction], (values - truth)[by_prediction])
    return {
        "predicted_vs_true": Curve(
            title="Predicted and true", x="true value", y="predicted", lines=tuple(lines), points=True, diagonal=True
        ),
        "residuals": Curve(title="Residuals", x="predicted", y="predicted minus true", lines=(residuals,), points=True),
        "error_distribution": Curve(
            title="Rows within an error", x="absolute error", y="share of rows", lines=(_line("model", error, share),)
        ),
    }
