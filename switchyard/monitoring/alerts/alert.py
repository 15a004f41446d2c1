"""`Alert`: what people are told of a decision."""

from __future__ import annotations

from typing import Literal

from switchyard.monitoring.columns import ColumnDrift
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.drift import DriftReport
from switchyard.tabular.storable import Record

Severity = Literal["warning", "critical"]
_WORST = 3


class Alert(Record):
    """One message; `text` is the whole of it, the other fields are for programs."""

    key: str
    """Key of the decision: equal for a repeated look at the same window."""
    severity: Severity
    """critical where the decision asks for a new training."""
    title: str
    lines: tuple[str, ...]
    worst: tuple[str, ...]
    """The three columns whose drift matters most."""
    links: tuple[str, ...]
    decision: Decision

    @property
    def text(self) -> str:
        """The alert as text, for a terminal, a chat or a mail."""
        return "\n".join((self.title, *self.lines, *self.links))


def compose(decision: Decision, drift: DriftReport, links: tuple[str, ...] = ()) -> Alert | None:
    """The alert for `decision`; None where it asks for nothing."""
    if decision.action == "nothing":
        return None
    severity: Severity = "critical" if decision.action == "retrain" else "warning"
    worst = drift.worst[:_WORST]
    rules = [f"{rule.name}: {rule.reason}" for rule in decision.rules if rule.verdict != "nothing"]
    counted = f"{decision.rows:,} predictions, {decision.labelled:,} with a label"
    return Alert(
        key=decision.key,
        severity=severity,
        title=f"[{severity}] {decision.model} version {decision.version}: {decision.action}",
        lines=(drift.window, counted, *rules, *(f"drift of {_shown(column)}" for column in worst)),
        worst=tuple(column.column for column in worst),
        links=links,
        decision=decision,
    )


def _shown(column: ColumnDrift) -> str:
    far = "" if column.distance is None else f"{column.distance_method} {column.distance:.3f}"
    usual = "" if column.usual is None else f", within the training period up to {column.usual:.3f}"
    weight = "" if column.weight is None else f", weight {column.weight:.1%}"
    effect = "" if column.effect is None else f", moves the mean answer by {column.effect:+.4f}"
    return f"{column.column}: {far}{usual}{weight}{effect}"
