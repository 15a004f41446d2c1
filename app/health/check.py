"""`Check`: one thing looked at."""

from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """What was found, and what to do where that is not fine."""

    what: str
    fine: bool
    found: str
    mend: str
