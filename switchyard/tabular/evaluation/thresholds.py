"""What depends on where a classifier's answer begins: how the classes' scores lie, and what each threshold would give."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.config.learning import Costs
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.curves import classification_curves, counts_by_threshold, regression_curves
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.report.curves import Curve, Line, Mark, line_of

_BINS = 20


def curves_of(
    truth: np.ndarray,
    predictions: Predictions,
    classes: tuple[str, ...],
    threshold: float | None,
    problem: Problem,
    weights: np.ndarray | None = None,
) -> dict[str, Curve]:
    """All curves of a holdout whose rows count by `weights`, by name; histograms are of rows that count alike."""
    if problem.task == "regression":
        return regression_curves(truth, predictions, problem.data.target, weights)
    curves = classification_curves(truth, predictions, classes, weights)
    curves["scores"] = score_histogram(truth, predictions, classes, threshold)
    if problem.task == "binary":
        curves |= threshold_curves(truth, predictions, classes, threshold, problem.costs, weights)
    return curves


def score_histogram(truth: np.ndarray, predictions: Predictions, classes: tuple[str, ...], threshold: float | None) -> Curve:
    """Two classes: the positive one's probability, by true class. More: that of the most likely class, by whether it is right."""
    proba = predictions.probabilities
    if len(classes) == 2:
        score, title, x = proba[:, 1], "Scores by class", f"predicted probability of {classes[1]}"
        parts = {f"truly {label}": truth == code for code, label in enumerate(classes)}
    else:
        right = predictions.labels == truth
        score, title, x = proba.max(axis=1), "Scores of right and wrong answers", "probability of the most likely class"
        parts = {"right": right, "wrong": ~right}
    lines = tuple(_shares(label, score[rows]) for label, rows in parts.items() if rows.any())
    return Curve(title=title, x=x, y="share of these rows", lines=lines, bars=True, marks=_chosen(threshold))


def _shares(label: str, scores: np.ndarray) -> Line:
    counts, edges = np.histogram(np.clip(scores, 0, 1), bins=_BINS, range=(0, 1))
    return line_of(label, edges, np.append(counts / len(scores), 0.0))


def threshold_curves(
    truth: np.ndarray,
    predictions: Predictions,
    classes: tuple[str, ...],
    threshold: float | None,
    costs: Costs | None,
    weights: np.ndarray | None = None,
) -> dict[str, Curve]:
    """Two classes: scores, and what errors cost, of every threshold from which on the positive class could be answered.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
        1 the positive class.
    predictions, classes
    threshold : float, optional
        The chosen one, which is marked.
    costs : Costs, optional
    weights : ndarray of shape (n,), optional
        How much each row counts.
    """
    score = predictions.probabilities[:, 1]
    positive = truth == 1
    answered, hits = (counts[1:].astype("float64") for counts in counts_by_threshold(positive, score, weights))
    at = np.unique(score)[::-1]
    counted = np.ones(len(truth)) if weights is None else weights
    total, n_pos = float(counted.sum()), float(counted[positive].sum())
    if not 0 < n_pos < total:
        return {}
    false, missed = answered - hits, n_pos - hits
    specificity = 1 - false / (total - n_pos)
    shares = {
        "precision": hits / answered,
        "recall": hits / n_pos,
        "F1": 2 * hits / (answered + n_pos),
        "accuracy": 1 - (false + missed) / total,
        "balanced accuracy": (hits / n_pos + specificity) / 2,
    }
    x = f"threshold: {classes[1]} from this probability on"
    lines = tuple(line_of(name, at[::-1], values[::-1]) for name, values in shares.items())
    curves = {"thresholds": Curve(title="Scores by threshold", x=x, y="share", lines=lines, marks=_chosen(threshold))}
    if costs is not None:
        unit = f", {costs.unit}" if costs.unit else ""
        called, lost = costs.by_class(classes)[(0, 1), (1, 0)]
        money = 1000 * (false * called + missed * lost) / total
        cost = (line_of("cost", at[::-1], money[::-1]),)
        curves["cost_by_threshold"] = Curve(
            title="Cost by threshold", x=x, y=f"cost per 1,000 rows{unit}", lines=cost, marks=_chosen(threshold)
        )
    return curves


def _chosen(threshold: float | None) -> tuple[Mark, ...]:
    return () if threshold is None else (Mark(label="chosen threshold", x=round(threshold, 6)),)
