"""Encoder `onehot`: a column of 0 and 1 for each category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchyard.tabular.features.categories import OneHot
from switchyard.tabular.features.encoders.base import Encoder

if TYPE_CHECKING:
    from switchyard.tabular.features.record import FeaturePlan

WIDTH = 64
"""Widest block of one column; the rarer categories are treated as unseen."""


class OneHotEncoder(Encoder):
    """A column of 0 and 1 for each category."""

    name = "onehot"
    quantity = False

    def steps(self, missing: str, plan: FeaturePlan, order: str) -> list[tuple[str, Any]]:
        return [("onehot", OneHot(missing=missing, max_categories=WIDTH))]


PARTS = (OneHotEncoder(),)
