"""`Alert`: what people are told of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from switchyard.monitoring.alerts.spells import Spells, spells_of
from switchyard.monitoring.alerts.words import GUIDE, RULES, advice, sentence
from switchyard.monitoring.columns import ColumnDrift
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.drift import DriftReport
from switchyard.project import shown
from switchyard.tabular.storable import Record

Severity = Literal["warning", "critical", "recovered"]
_WORST = 3


class Alert(Record):
    """One message: `message` is for people, `text` and the other fields are for programs."""

    key: str
    """Key of the decision: equal for a repeated look at the same window; of a schedule, its name and since when it fails."""
    severity: Severity
    """critical where the decision asks for a new training, recovered where nothing is crossed any more."""
    title: str
    lines: tuple[str, ...]
    worst: tuple[str, ...]
    """The three columns whose drift matters most."""
    links: tuple[str, ...]
    decision: Decision | None
    """None of an alert about a schedule."""
    headline: str = ""
    """The title in plain words."""
    plain: tuple[str, ...] = ()
    """What happened, since when, and what to do, in plain words."""

    @property
    def text(self) -> str:
        """The alert with all its figures."""
        return "\n".join((self.title, *self.lines, *self.links))

    @property
    def message(self) -> str:
        """The alert for people: plain words, where to look, then the figures."""
        return "\n".join((self.headline, "", *self.body))

    @property
    def body(self) -> tuple[str, ...]:
        """`message` without its headline."""
        where = tuple(f"Look at: {link}" for link in self.links)
        return (*self.plain, *where, "", "In figures:", *self.lines)


def compose(decision: Decision, drift: DriftReport, links: tuple[str, ...] = (), spells: Spells | None = None) -> Alert | None:
    """The alert for `decision`, or the word that all is well again; None where there is nothing to tell.

    `spells` say since when its rules are crossed; without them, since this window.
    """
    spells = spells or spells_of(decision)
    well = decision.action == "nothing"
    if well and (spells.open or not spells.ended):
        return None
    severity: Severity = "recovered" if well else "critical" if decision.action == "retrain" else "warning"
    worst = () if well else drift.worst[:_WORST]
    rules = [f"{rule.name}: {rule.reason}" for rule in decision.rules if rule.verdict != "nothing" or (well and rule.name in spells.ended)]
    counted = f"{decision.rows:,} predictions, {decision.labelled:,} with a label"
    name = f"{decision.model} version {decision.version}"
    return Alert(
        key=decision.key,
        severity=severity,
        title=f"[{severity}] {name}: {'normal again' if well else decision.action}",
        lines=(drift.window, counted, *rules, *(f"drift of {_figures(column)}" for column in worst)),
        worst=tuple(column.column for column in worst),
        links=links,
        decision=decision,
        headline=f"{name}: {_headline(decision, well)}",
        plain=(*(() if well else _crossed(decision, spells, [column.column for column in worst])), *_ended(decision, spells)),
    )


def _headline(decision: Decision, well: bool) -> str:
    if well:
        return "normal again"
    crossed = [rule.name for rule in decision.rules if rule.verdict == decision.action]
    first = RULES[crossed[0]].happened if crossed and crossed[0] in RULES else "something is not as it should be"
    return first if decision.action == "alert" else f"{first}; it should be trained again"


def _crossed(decision: Decision, spells: Spells, columns: Sequence[str]) -> tuple[str, ...]:
    """What happened by each rule and since when, then what to do."""
    crossed = [rule for rule in decision.rules if rule.verdict != "nothing"]
    told = [f"{sentence(rule, columns)} Since {_at(spells.open.get(rule.name, decision.since))}." for rule in crossed]
    steps = dict.fromkeys(step for rule in crossed if (step := advice(rule, decision.model)))
    return (*told, "The version keeps serving; nothing was changed.", *(f"To do: {step}." for step in steps), f"More: {shown(GUIDE)}")


def _ended(decision: Decision, spells: Spells) -> tuple[str, ...]:
    """Each rule that is well again, by what it had meant."""
    meant = {name: RULES[name].happened if name in RULES else "a rule was crossed" for name in spells.ended}
    return tuple(
        f"Normal again since {_at(decision.since)}; from {_at(begun)} on it had been that {meant[name]} (rule {name})."
        for name, begun in spells.ended.items()
    )


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _figures(column: ColumnDrift) -> str:
    far = "" if column.distance is None else f"{column.distance_method} {column.distance:.3f}"
    usual = "" if column.usual is None else f", within the training period up to {column.usual:.3f}"
    weight = "" if column.weight is None else f", weight {column.weight:.1%}"
    effect = "" if column.effect is None else f", moves the mean answer by {column.effect:+.4f}"
    return f"{column.column}: {far}{usual}{weight}{effect}"
