"""The model families there are. One of them is one module, named here; docs/extend.md tells how."""

from __future__ import annotations

from switchyard.parts import Parts
from switchyard.tabular.families.base import Estimator, Family

FAMILIES = Parts(
    Family,
    (
        "switchyard.tabular.families.lightgbm",
        "switchyard.tabular.families.xgboost",
        "switchyard.tabular.families.random_forest",
        "switchyard.tabular.families.neural_network",
        "switchyard.tabular.families.kmeans",
        "switchyard.tabular.families.gaussian_mixture",
    ),
)
"""Family by name: `FAMILIES["lightgbm"]`. A problem that names none searches all of ours that its task has."""

BASELINE = "lightgbm"
"""Whose library, with its own defaults, every model is held against."""

__all__ = ["BASELINE", "FAMILIES", "Estimator", "Family"]
