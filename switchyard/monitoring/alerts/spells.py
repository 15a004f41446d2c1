"""`spells_of`: since when each rule is crossed, and which are no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from switchyard.monitoring.decision import Decision


@dataclass(frozen=True)
class Spells:
    """Rules by name with the beginning of the first window in which they were crossed without being well in between."""

    open: dict[str, datetime]
    ended: dict[str, datetime]
    """Those that are well again with the last window."""


def spells_of(decision: Decision, earlier: Sequence[Decision] = ()) -> Spells:
    """The rules' spells at `decision`, after `earlier` ones of the same version, newest first.

    A rule that could not be applied, or whose fall may be chance, says neither that it lasts nor that it is over.
    """
    begun: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    for one in (*reversed(earlier), decision):
        ended = {}
        for rule in one.rules:
            if rule.verdict != "nothing":
                begun.setdefault(rule.name, one.since)
            elif rule.name in begun and rule.value is not None and not rule.suspected:
                ended[rule.name] = begun.pop(rule.name)
    return Spells(begun, ended)
