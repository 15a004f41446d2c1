"""`Strides`: the learning rates of boosting that has to be through by a moment: fewer and larger steps of the same sum."""

from __future__ import annotations

import math
import time

LARGEST = 0.3
"""A learning rate beyond which accuracy is lost: XGBoost's own default."""
_WATCHED = 5
"""Rounds at the recipe's own rate, by which the pace is told."""


class Strides:
    """The learning rate of each round.

    As long as the pace leaves time for all rounds, each has the recipe's rate. Where it does not, what is left of the sum of
    all rates is spread over the rounds that there is time for, `LARGEST` at the most; so a fit that is too long even then
    ends late, and never with a part of its sum.

    Parameters
    ----------
    rate : float
        The recipe's learning rate.
    rounds : int
        And its rounds.
    by : float or None
        `time.monotonic()` seconds; None: as the recipe says, whatever it takes.
    """

    def __init__(self, rate: float, rounds: int, by: float | None = None) -> None:
        self._least, self._to_go, self._by = rate, rate * rounds, by
        self._rate, self._done, self._begun = rate, 0, 0.0
        self.timed = by is not None

    def next(self) -> float:
        """The rate of the round that begins now."""
        now = time.monotonic()
        self._begun = self._begun or now
        if self._by is not None and self._done >= _WATCHED:
            left = (self._by - now) * self._done / max(now - self._begun, 1e-9)
            self._rate = min(max(self._least, self._to_go / max(left, 1.0)), max(self._least, LARGEST))
        # Sums of floats end a little off: the last of equal steps is as long as the others.
        rate = self._rate if math.isclose(self._rate, self._to_go) else min(self._rate, self._to_go)
        self._to_go -= rate
        self._done += 1
        return rate

    @property
    def left(self) -> int:
        """Rounds to come, if each has the rate of the last."""
        return math.ceil(self._to_go / self._rate - 1e-6)
