"""Encoder `target`: the smoothed mean of the target, cross-fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchyard.tabular.features.categories import CategoryCodes, TargetMeans
from switchyard.tabular.features.encoders.base import Encoder

if TYPE_CHECKING:
    from switchyard.tabular.features.record import FeaturePlan


class TargetEncoder(Encoder):
    """The smoothed mean of the target, cross-fitted."""

    name = "target"

    def steps(self, missing: str, plan: FeaturePlan, order: str) -> list[tuple[str, Any]]:
        return [("codes", CategoryCodes(missing=missing)), ("means", TargetMeans(plan.task != "regression", plan.seed))]


PARTS = (TargetEncoder(),)
