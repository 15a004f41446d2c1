"""Metrics of counts: what they may be off by grows with them, and nothing is below zero."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import Metric

COUNTS = ("poisson", "tweedie")
"""What a regression of counts is to an estimator: its loss, by which nothing below zero is answered."""
TWEEDIE_POWER = 1.5
"""Of the variance, in the mean: between a count (1) and amounts that are never zero (2)."""
_LEAST = 1e-8
"""An answer of zero where something was counted would be infinitely wrong."""


def _poisson(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import mean_poisson_deviance

    return float(mean_poisson_deviance(truth, np.maximum(prediction, _LEAST), sample_weight=weights))


def _tweedie(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn.metrics import mean_tweedie_deviance

    return float(mean_tweedie_deviance(truth, np.maximum(prediction, _LEAST), sample_weight=weights, power=TWEEDIE_POWER))


PARTS = (
    Metric("poisson_deviance", "Mean Poisson deviance", _poisson, greater_is_better=False, tasks=("regression",), weighs=True),
    Metric("tweedie_deviance", "Mean Tweedie deviance", _tweedie, greater_is_better=False, tasks=("regression",), weighs=True),
)
