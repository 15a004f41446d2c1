"""Metrics of the likeliest class."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import CLASSES, Metric


def _accuracy(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray | None = None) -> float:
    return float(np.average(proba.argmax(axis=1) == truth, weights=weights))


def _f1(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, proba.argmax(axis=1), average="binary" if proba.shape[1] == 2 else "weighted", sample_weight=weights))


PARTS = (
    Metric("accuracy", "Accuracy", _accuracy, greater_is_better=True, tasks=CLASSES, weighs=True),
    Metric("f1", "F1", _f1, greater_is_better=True, tasks=CLASSES, weighs=True),
)
