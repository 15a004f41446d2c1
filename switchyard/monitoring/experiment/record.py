"""`Experiment`: what is kept of a canary or an A/B test while it runs, where any stack finds it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from switchyard.monitoring.experiment.counts import Counts
from switchyard.tabular.storable import Fact, Record

Goal = Literal["better", "not_worse"]
Outcome = Literal["promote", "stop", "continue"]


class Stage(Record):
    """A time during which the candidate's share was the same."""

    share: float
    since: datetime
    """UTC."""
    counts: dict[str, Counts] = Field(default_factory=dict)
    """What the front door had counted before, by instance."""


class Experiment(Record):
    """A candidate that shares the traffic with the champion."""

    model: str
    strategy: Literal["canary", "ab"]
    candidate: str
    """Version."""
    champion: str
    stages: tuple[Stage, ...]
    """The last is the one that runs."""
    planned: int | None = None
    """Entities, both arms together, within which it should be decided; sets where the confidence sequence is tightest."""
    by: str = ""
    verdict: Literal["promote", "stop"] | None = None
    """Decided; what follows from it is done when `ended` is set too."""
    reason: str = ""
    decided: datetime | None = None
    ended: datetime | None = None

    @property
    def started(self) -> datetime:
        """When the first share was set."""
        return self.stages[0].since

    @property
    def stage(self) -> Stage:
        """The one that runs."""
        return self.stages[-1]

    def metadata(self) -> dict[str, Fact]:
        return {"candidate": self.candidate, "champion": self.champion, "strategy": self.strategy, "share": self.stage.share}
