"""The curves of a holdout."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.report.curves import Curve, Line, bars_between, line_of

_MOST_CLASSES = 8
"""Classes drawn one against the rest: the most frequent ones."""


def counts_by_threshold(positive: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What rows answered positive weigh, and true positives among them, at each distinct score from the highest down, from (0, 0)."""
    weights = np.ones(len(score)) if weights is None else weights
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum((positive * weights)[order])[last_of_tie]
    return np.append(0, np.cumsum(weights[order])[last_of_tie]), np.append(0, hits)


def _ranked_classes(truth: np.ndarray, classes: tuple[str, ...]) -> list[int]:
    if len(classes) == 2:
        return [1]
    sizes = np.bincount(truth, minlength=len(classes))
    return [int(k) for k in np.argsort(-sizes, kind="stable")[:_MOST_CLASSES] if 0 < sizes[k] < len(truth)]


def classification_curves(
    truth: np.ndarray, predictions: Predictions, classes: tuple[str, ...], weights: np.ndarray | None = None
) -> dict[str, Curve]:
    """ROC, precision-recall, gain, lift and reliability, of rows that count by `weights`.

    Reliability bins hold equal numbers of rows. Two classes: the positive one's probability against its share; more:
    the probability of the most likely class against how often it is right (Guo et al., *On Calibration of Modern Neural
    Networks*, ICML 2017).
    """
    proba = predictions.probabilities
    counts = np.ones(len(truth)) if weights is None else weights
    roc, recall_lines, gain, lift = [], [], [], []
    for k in _ranked_classes(truth, classes):
        positive = truth == k
        answered, hits = counts_by_threshold(positive, proba[:, k], counts)
        n_pos, n_rows = counts[positive].sum(), counts.sum()
        roc.append(line_of(classes[k], (answered - hits) / (n_rows - n_pos), hits / n_pos))
        recall_lines.append(line_of(classes[k], hits[1:] / n_pos, hits[1:] / answered[1:]))
        gain.append(line_of(classes[k], answered / n_rows, hits / n_pos))
        lift.append(line_of(classes[k], answered[1:] / n_rows, hits[1:] / answered[1:] * n_rows / n_pos))
    mean, share, _ = _reliability(truth, proba, counts)
    label = classes[1] if len(classes) == 2 else "most likely class"
    return {
        "roc": Curve(title="ROC", x="false positive rate", y="true positive rate", lines=tuple(roc), diagonal=True),
        "precision_recall": Curve(title="Precision and recall", x="recall", y="precision", lines=tuple(recall_lines)),
        "gain": Curve(
            title="Cumulative gain", x="share of rows, highest score first", y="share of the class found", lines=tuple(gain), diagonal=True
        ),
        "lift": Curve(
            title="Lift", x="share of rows, highest score first", y="share of the class, times that in all rows", lines=tuple(lift)
        ),
        "calibration": Curve(
            title="Reliability", x="mean predicted probability", y="share observed", lines=(line_of(label, mean, share),), diagonal=True
        ),
    }


def _reliability(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray, bins: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Mean probability, share observed and share of rows of each bin.
    if proba.shape[1] == 2:
        score, right = proba[:, 1], truth == 1
    else:
        score, right = proba.max(axis=1), proba.argmax(axis=1) == truth
    parts = [part for part in np.array_split(np.argsort(score, kind="stable"), bins) if len(part)]
    mean, share = ([np.average(values[part], weights=weights[part]) for part in parts] for values in (score, right))
    return np.array(mean), np.array(share), np.array([weights[part].sum() for part in parts]) / weights.sum()


def calibration_error(truth: np.ndarray, predictions: Predictions, weights: np.ndarray | None = None) -> float:
    """Expected calibration error over ten bins of equal numbers of rows: mean distance of probability and share, 0..1."""
    mean, share, size = _reliability(truth, predictions.probabilities, np.ones(len(truth)) if weights is None else weights)
    return float(size @ np.abs(mean - share))


def regression_curves(truth: np.ndarray, predictions: Predictions, target: str, weights: np.ndarray | None = None) -> dict[str, Curve]:
    """Predicted against true, residual against predicted, how residuals are spread, and the share of rows within a given error (the
    regression's cumulative error curve). Clouds are of rows spread evenly over their order; axes are in units of `target`."""
    order = np.argsort(truth, kind="stable")
    values = predictions.values
    by_prediction = np.argsort(values, kind="stable")
    residual = values - truth
    errors = np.abs(residual)
    error = np.sort(errors)
    counts = np.ones(len(truth)) if weights is None else weights[np.argsort(errors, kind="stable")]
    share = np.cumsum(counts) / counts.sum()
    lines = [line_of("prediction", truth[order], values[order])]
    if predictions.lower is not None:
        lines += [
            line_of("lower end", truth[order], predictions.lower[order]),
            line_of("upper end", truth[order], predictions.upper[order]),
        ]
    residuals = line_of("residual", values[by_prediction], residual[by_prediction])
    missed = f"predicted minus true, in units of {target}"
    return {
        "predicted_vs_true": Curve(
            title="Predicted and true", x=f"true {target}", y=f"predicted {target}", lines=tuple(lines), points=True, diagonal=True
        ),
        "residuals": Curve(title="Residuals", x=f"predicted {target}", y=missed, lines=(residuals,), points=True),
        "residual_distribution": Curve(
            title="Spread of the residuals", x=missed, y="share of rows", lines=(_histogram("model", residual),), bars=True
        ),
        "error_distribution": Curve(
            title="Rows within an error",
            x=f"absolute error, in units of {target}",
            y="share of rows",
            lines=(line_of("model", error, share),),
        ),
    }


def _histogram(label: str, values: np.ndarray, bins: int = 40) -> Line:
    """Shares of rows between the 0.5 and 99.5 % quantiles, and of what lies beyond in the outermost bars."""
    low, high = np.quantile(values, [0.005, 0.995])
    counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=bars_between(low, high, bins))
    return line_of(label, edges, np.append(counts / len(values), 0.0))
