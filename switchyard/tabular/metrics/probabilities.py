"""Metrics of probabilities."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import CLASSES, Metric


def _log_loss(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(truth, np.clip(proba, 1e-15, 1), labels=np.arange(proba.shape[1]), sample_weight=weights))


def _brier(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray | None = None) -> float:
    squares = (proba - np.eye(proba.shape[1])[truth]) ** 2
    return float(np.average(squares, weights=None if weights is None else np.tile(weights[:, None], proba.shape[1])) * proba.shape[1] / 2)


PARTS = (
    Metric("log_loss", "Log loss", _log_loss, greater_is_better=False, tasks=CLASSES, weighs=True),
    Metric("brier", "Brier score", _brier, greater_is_better=False, tasks=CLASSES, weighs=True),
)
