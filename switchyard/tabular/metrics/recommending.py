"""Metrics of lists of items."""

from __future__ import annotations

from typing import Any

import numpy as np

from switchyard.tabular.metrics.base import Metric


def _ndcg(truth: Any, top: np.ndarray) -> float:
    """`truth` is `Histories` of n lists, `top` places of shape (n, 10), best first."""
    from switchyard.tabular.recommendation.measures import per_user

    return float(per_user(top, truth)["ndcg_at_10"].mean())


PARTS = (Metric("ndcg_at_10", "nDCG@10", _ndcg, greater_is_better=True, tasks=("recommendation",)),)
