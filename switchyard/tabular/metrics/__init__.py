"""The metrics that a search can go by. One of them is one entry of a module named here; docs/extend.md tells how."""

from __future__ import annotations

from switchyard.parts import Parts
from switchyard.tabular.metrics.base import Metric

METRICS = Parts(
    Metric,
    (
        "switchyard.tabular.metrics.ranking",
        "switchyard.tabular.metrics.probabilities",
        "switchyard.tabular.metrics.labels",
        "switchyard.tabular.metrics.errors",
        "switchyard.tabular.metrics.counts",
        "switchyard.tabular.metrics.recommending",
        "switchyard.tabular.metrics.groups",
    ),
)

__all__ = ["METRICS", "Metric"]
