"""What tuning says while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from switchyard.tabular.tuning.ledger import Standing
from switchyard.tabular.tuning.study import Trial


@dataclass(frozen=True)
class Event:
    """One thing that happened; `progress` callbacks get it in the thread that tunes."""

    kind: Literal["started", "trial", "finished"]
    family: str
    metric: str
    standings: tuple[Standing, ...]
    """Where every family is, this one included."""
    trial: Trial | None = None
    """The trial that ended, for kind "trial"."""
    left_s: float | None = None
    """Seconds this family has left; None without a budget."""
    reason: str = ""
    """Why the family ended early or was dropped, for kind "finished"."""


Progress = Callable[[Event], None]
