"""Metrics of a regression's errors."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import Metric


def _rmse(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    return float(np.sqrt(np.average((truth - prediction) ** 2, weights=weights)))


def _mae(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    return float(np.average(np.abs(truth - prediction), weights=weights))


def _r2(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(truth, prediction, sample_weight=weights))


PARTS = (
    Metric("rmse", "RMSE", _rmse, greater_is_better=False, tasks=("regression",), weighs=True),
    Metric("mae", "MAE", _mae, greater_is_better=False, tasks=("regression",), constant="median", weighs=True),
    Metric("r2", "R2", _r2, greater_is_better=True, tasks=("regression",), weighs=True),
)
