"""What a user takes next, learnt from who took what and when: rows are interactions, not things with columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.tabular.config.names import our_families
from switchyard.tabular.tasks.base import TaskKind

LABEL = "the item that the user took next, whether it was among those shown or not"
"""So a label is a hit where it was shown, and hits are counted among labels, not among answers: who reports clicks alone sees hits only."""
ITEM = "item"
"""What the column of items is called, where the config leaves it to be found."""


@dataclass(frozen=True)
class _Recommendation(TaskKind):
    def filled(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What is predicted is the column of items, by families of its own."""
        data, tuning = settings.get("data"), settings.get("tuning", {})
        filled = dict(settings)
        if isinstance(data, Mapping) and not data.get("target"):
            filled["data"] = {**data, "target": data.get("item") or ITEM}
        if isinstance(tuning, Mapping):
            filled["tuning"] = {"families": our_families("recommendation"), **tuning}
        return filled


PARTS = (
    _Recommendation(
        "recommendation",
        False,
        "ndcg_at_10",
        target=False,
        columns=False,
        pipeline="pipelines.recommendation:recommendation",
        labels=LABEL,
    ),
)
