"""`Progress`: how far what takes long with a large table is, as a line in the log every few seconds."""

from __future__ import annotations

import logging
import math
import time

logger = logging.getLogger(__name__)
_EVERY_S = 5.0


class Progress:
    """So many of so many, how fast, and the seconds that are left.

    Parameters
    ----------
    verb : str
        What is done with the rows, as a participle.
    total : int or None
        How many there are, where that is known.
    unit : str
        What is counted.
    """

    def __init__(self, verb: str, total: int | None, unit: str = "rows") -> None:
        self._verb, self._total, self._unit = verb, total, unit
        self._began = self._last = time.monotonic()

    def at(self, done: int, total: int | None = None) -> None:
        """Tell how many are done, and of how many where that changed."""
        self._total = total or self._total
        now = time.monotonic()
        if now - self._last < _EVERY_S:
            return
        self._last = now
        pace = done / (now - self._began)
        of = f" of {self._total:,} ({done / self._total:.0%})" if self._total else ""
        left = f", about {math.ceil((self._total - done) / pace):,} s left" if self._total else ""
        logger.info("%s %s%s %s, %s a second%s", self._verb, f"{done:,}", of, self._unit, f"{pace:,.{0 if pace >= 10 else 1}f}", left)
