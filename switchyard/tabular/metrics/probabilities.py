"""Metrics of probabilities."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import CLASSES, Metric


def _log_loss(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(truth, np.clip(proba, 1e-15, 1), labels=np.arange(proba.shape[1])))


def _brier(truth: np.ndarray, proba: np.ndarray) -> float:
    return float(np.mean((proba - np.eye(proba.shape[1])[truth]) ** 2) * proba.shape[1] / 2)


PARTS = (
    Metric("log_loss", "Log loss", _log_loss, greater_is_better=False, tasks=CLASSES),
    Metric("brier", "Brier score", _brier, greater_is_better=False, tasks=CLASSES),
)
