"""A metric of one's business, in money."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics import Metric

GAIN, COST = 400.0, 1000.0
"""Of a loan that is paid back, and of one that is not."""


def _profit(truth: np.ndarray, proba: np.ndarray) -> float:
    """Per application, when a loan is given wherever it is expected to pay."""
    given = proba[:, 1] * COST < (1 - proba[:, 1]) * GAIN
    return float(np.mean(given * np.where(truth == 1, -COST, GAIN)))


def _profit_as_served(truth: np.ndarray, predictions) -> float:
    """The same by the labels that are served, with the model's threshold."""
    return float(np.mean((predictions.labels == 0) * np.where(truth == 1, -COST, GAIN)))


PARTS = (Metric("profit", "Profit per application", _profit, greater_is_better=True, tasks=("binary",), served=_profit_as_served),)
