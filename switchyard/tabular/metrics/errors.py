"""Metrics of a regression's errors."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import Metric


def _rmse(truth: np.ndarray, prediction: np.ndarray) -> float:
    return float(np.sqrt(np.mean((truth - prediction) ** 2)))


def _mae(truth: np.ndarray, prediction: np.ndarray) -> float:
    return float(np.mean(np.abs(truth - prediction)))


def _r2(truth: np.ndarray, prediction: np.ndarray) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(truth, prediction))


PARTS = (
    Metric("rmse", "RMSE", _rmse, greater_is_better=False, tasks=("regression",)),
    Metric("mae", "MAE", _mae, greater_is_better=False, tasks=("regression",), constant="median"),
    Metric("r2", "R2", _r2, greater_is_better=True, tasks=("regression",)),
)
