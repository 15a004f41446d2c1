"""`Fault`: one column of a window that a feed broke, with before and after."""

from __future__ import annotations

import numpy as np
from pydantic.dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What happened to a column."""

    column: str
    kind: str
    """unit, names, empty, constant, swapped or dates."""
    before: str
    after: str
    """In training and now, in words."""
    words: str
    """By how much, and what it may be."""

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}, {self.words}"


def shown(value: object) -> str:
    """A value of a column, in words."""
    return f"{value:,.4g}" if isinstance(value, (float, np.floating)) else repr(value)
