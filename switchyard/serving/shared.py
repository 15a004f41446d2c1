"""`Shared`: what the processes of a server have together, and the models of a pool too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from switchyard.predictionlog.journal import Journal
from switchyard.serving.counters import SharedCounters
from switchyard.serving.metrics import DrainCounts
from switchyard.serving.repeats import Repeats
from switchyard.serving.settings import PoolSettings, Settings
from switchyard.serving.turns import Turns


@dataclass(frozen=True)
class Shared:
    """Make it before the fork."""

    journal: Journal | None
    """None where nothing is logged."""
    repeats: Repeats | None
    turns: Turns = field(default_factory=Turns)
    drain: DrainCounts = field(default_factory=DrainCounts)
    counters: Callable[[int], SharedCounters] = SharedCounters

    @classmethod
    def of(cls, settings: Settings | PoolSettings) -> Shared:
        """What the processes of a server by `settings` share."""
        if not settings.log_url:
            return cls(None, None)
        return cls(Journal(settings.journal, most_bytes=settings.journal_bytes), Repeats())
