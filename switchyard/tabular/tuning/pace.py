"""The `Pace` of one trial: how long each fold may take, so that all of them get about the same."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_AIM = 0.9
"""Part of the time that fits are given; iterations end a little after their deadline, and folds must be scored."""
_GRACE = 0.25
"""What a trial may take beyond its window, as a part of it, before it is abandoned."""
_FLOOR = 0.6
"""The least a fold gets, as a part of what the first one took: folds of unequal effort say little about parameters."""


@dataclass
class Pace:
    """The wall time of one trial; without `end` there is no clock."""

    end: float | None = None
    """`time.monotonic` by which all folds should be through."""
    patient: bool = False
    """Whether the trial must be finished even when it is late, because there is no other model."""
    last: float = float("inf")
    """`time.monotonic` from which on the time is not this trial's, grace or not."""
    _folds: list[float] = field(default_factory=list)
    _start: float = field(default_factory=lambda: time.monotonic())

    def deadline(self, folds_left: int) -> float | None:
        """When the next fit must stop, with `folds_left` folds to go, itself included."""
        if self.end is None:
            return None
        now = time.monotonic()
        fair = max(0.0, _AIM * (self.end - now) / folds_left)
        return now + max(fair, _FLOOR * self._folds[0] if self._folds else 0.0)

    def passed(self, seconds: float) -> None:
        """Note what a fold took."""
        self._folds.append(seconds)

    def late(self, folds_left: int) -> bool:
        """Whether the folds to come cannot be finished even with grace."""
        if self.end is None or self.patient or not folds_left:
            return False
        least = _FLOOR * min(self._folds)
        return time.monotonic() + least * folds_left > min(self.end + _GRACE * (self.end - self._start), self.last)
