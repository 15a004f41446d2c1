"""Metrics of the order that scores put rows in."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import CLASSES, Metric


def _roc_auc(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import roc_auc_score

    if proba.shape[1] == 2:
        return float(roc_auc_score(truth, proba[:, 1], sample_weight=weights))
    return float(roc_auc_score(truth, proba, multi_class="ovr", average="macro", labels=np.arange(proba.shape[1]), sample_weight=weights))


def _average_precision(truth: np.ndarray, proba: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, proba[:, 1], sample_weight=weights))


PARTS = (
    Metric("roc_auc", "ROC-AUC", _roc_auc, greater_is_better=True, tasks=CLASSES, weighs=True),
    Metric("average_precision", "Average precision", _average_precision, greater_is_better=True, tasks=("binary",), weighs=True),
)
