"""`Claim`: one retraining, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from switchyard.monitoring.decision import Decision
from switchyard.tabular.errors import SwitchyardError

Stage = Literal["claimed", "trained", "trying", "promoted", "rejected", "rolled_back", "abandoned", "refused"]
ENDED = ("promoted", "rejected", "rolled_back", "abandoned")
"""Stages after which a retraining is over; `refused` never was one."""


@dataclass(frozen=True)
class Claim:
    """One retraining, or one refusal."""

    id: int
    model: str
    decision: str
    """Key of the decision that asked for it."""
    cause: str
    champion: str
    """Digest in production when it was asked for."""
    since: datetime
    """Beginning of the window of that decision, UTC."""
    data: str
    """Revision of the rows to train on."""
    config: str
    """The training's problem as JSON; its source is these rows."""
    rows: int
    """Labelled predictions among them."""
    stage: Stage
    reason: str
    version: str | None
    """Version of the challenger, once it is registered."""
    digest: str | None
    claimed: datetime
    updated: datetime

    @property
    def told(self) -> str:
        """The claim's beginning, stage and version in words."""
        version = f" (version {self.version})" if self.version else ""
        return f"begun {shown(self.claimed)} and now {self.stage.replace('_', ' ')}{version}"


class RetrainingRefused(SwitchyardError):
    """No retraining now; the message says why, and when or how there will be one."""

    exit_code = 0


def cause_of(decision: Decision) -> str:
    """The rules that ask for a retraining, in a text that is equal for equal causes."""
    rules = sorted(rule.name for rule in decision.rules if rule.verdict == "retrain")
    return ", ".join(rules) or decision.reason


def shown(moment: datetime) -> str:
    """A moment of the ledger for people."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
