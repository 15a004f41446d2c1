"""Metrics of the order that scores put rows in."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import CLASSES, Metric


def _roc_auc(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    if proba.shape[1] == 2:
        return float(roc_auc_score(truth, proba[:, 1]))
    return float(roc_auc_score(truth, proba, multi_class="ovr", average="macro", labels=np.arange(proba.shape[1])))


def _average_precision(truth: np.ndarray, proba: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, proba[:, 1]))


PARTS = (
    Metric("roc_auc", "ROC-AUC", _roc_auc, greater_is_better=True, tasks=CLASSES),
    Metric("average_precision", "Average precision", _average_precision, greater_is_better=True, tasks=("binary",)),
)
