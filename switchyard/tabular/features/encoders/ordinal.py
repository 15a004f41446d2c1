"""Encoder `ordinal`: the code of the category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from switchyard.tabular.features.categories import Ordinal
from switchyard.tabular.features.encoders.base import Encoder

if TYPE_CHECKING:
    from switchyard.tabular.features.record import FeaturePlan


class OrdinalEncoder(Encoder):
    """The code of the category."""

    name = "ordinal"

    def steps(self, missing: str, plan: FeaturePlan, order: str) -> list[tuple[str, Any]]:
        return [("codes", Ordinal(missing=missing, order=cast(Literal["frequency", "lexicographic"], order)))]


PARTS = (OrdinalEncoder(),)
