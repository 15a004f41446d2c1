"""`Decision`: what one look at a model in production led to, rule by rule."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Record

Action = Literal["nothing", "alert", "retrain"]
"""In rising order."""


class RuleResult(Record):
    """One rule, its value, and what it says."""

    name: str
    """Of the rule: performance_floor, performance_drop, drift_share, ..."""
    value: float | None
    """None where the rule could not be applied; `reason` says why."""
    threshold: float | None
    verdict: Action
    reason: str


class Decision(Record):
    """What is to be done about one model after one window, and why."""

    model: str
    version: str
    """In production during the window."""
    digest: str
    since: datetime
    until: datetime
    """The window: from `since` up to and without `until`, UTC."""
    rows: int
    """Predictions in the window."""
    labelled: int
    """Of them, with a label."""
    action: Action
    rules: tuple[RuleResult, ...]
    reason: str
    """In a sentence, for people."""
    key: str
    """Names model, version, window and action: equal for a repeated look at the same window."""

    def facts(self) -> dict[str, Fact]:
        return {"action": self.action, "reason": self.reason, "rows": self.rows, "labelled": self.labelled, "version": self.version}

    def html(self) -> str:
        from switchyard.tabular.report.html import badge, page, table

        levels = {"nothing": "good", "alert": "warn", "retrain": "bad"}
        rows = [
            (rule.name, "" if rule.value is None else rule.value, "" if rule.threshold is None else rule.threshold,
             badge(rule.verdict, levels[rule.verdict]), rule.reason)
            for rule in self.rules
        ]  # fmt: skip
        lead = f"{self.model} version {self.version}, {count_of(self.rows, 'prediction')}, {self.labelled:,} with a label. {self.reason[:1].upper()}{self.reason[1:]}."
        return page(f"Decision: {self.action}", [("Rules", table(("rule", "value", "limit", "verdict", "reason"), rows))], lead)
