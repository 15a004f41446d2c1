"""`Decision`: what one look at a model in production led to, rule by rule."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from switchyard.monitoring.experiment.counts import Counts
from switchyard.tabular.report.report import Badge, Level, Name, Report, Section, Table
from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Record

Action = Literal["nothing", "alert", "retrain"]
"""In rising order."""
_LEVELS: dict[Action, Level] = {"nothing": "good", "alert": "warn", "retrain": "bad"}


class RuleResult(Record):
    """One rule, its value, and what it says."""

    name: str
    """Name of the rule: performance_floor, performance_drop, drift_share, ..."""
    value: float | None
    """None where the rule could not be applied; `reason` says why."""
    threshold: float | None
    verdict: Action
    reason: str
    suspected: bool = False
    """Rules of performance: the limit is crossed with `monitoring.confidence`, whether or not that counts yet."""


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
    """Predictions of the window with a label."""
    action: Action
    rules: tuple[RuleResult, ...]
    reason: str
    """In a sentence, for people."""
    counted: Counts | None = None
    """What the front door had counted of the version at this look, since it started; None where it was not asked."""
    key: str
    """Names model, version, window and action: equal for a repeated look at the same window."""
    suspected: tuple[str, ...] = ()
    """Columns that drift in this window and rules of performance that are crossed, whether or not they count yet."""

    @property
    def window(self) -> str:
        """Key of the window, which `key` holds."""
        return self.key.removeprefix(f"{self.model}-v{self.version}-").removesuffix(f"-{self.action}")

    def metadata(self) -> dict[str, Fact]:
        return {"action": self.action, "reason": self.reason, "rows": self.rows, "labelled": self.labelled, "version": self.version}

    def report(self) -> Report:
        counts = f"{count_of(self.rows, 'prediction')}, {self.labelled:,} with a label"
        lead = f"{self.model} version {self.version}, {counts}. {self.reason[:1].upper()}{self.reason[1:]}."
        return Report(f"Decision: {self.action}", lead, [Section("Rules", self.rule_table())])

    def rule_table(self) -> Table:
        """Every rule beside its limit."""
        rows = [
            (Name(rule.name), rule.value, rule.threshold, Badge(rule.verdict, _LEVELS[rule.verdict]), rule.reason) for rule in self.rules
        ]
        return Table(("rule", "value", "limit", "verdict", "reason"), rows)
