"""Metrics of groups that were found, not given."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.metrics.base import Metric


def _stability(found: np.ndarray, membership: np.ndarray) -> float:
    """The adjusted Rand index of the groups of all rows and those that a model found which has not seen these rows."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(found, membership.argmax(axis=1)))


PARTS = (Metric("stability", "Stability (adjusted Rand index)", _stability, greater_is_better=True, tasks=("clustering",)),)
