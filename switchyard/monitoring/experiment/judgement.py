"""`Judgement`: what one look at an experiment came to, with the confidence sequence as labels came in, the arms, the guardrails."""

from __future__ import annotations

from datetime import datetime

from switchyard.monitoring.experiment.guardrails import Guardrail
from switchyard.monitoring.experiment.record import Goal, Outcome
from switchyard.tabular.report.figures import chart
from switchyard.tabular.report.report import Badge, Level, Part, Report, Section, Table, Text
from switchyard.tabular.storable import Fact, Record

LEFT_OUT = "rows without entity (left out)"
"""Header of the column that says how many."""
_LEVELS: dict[str, Level] = {
    "promote": "good", "stop": "bad", "continue": "note", "kept": "good", "broken": "bad", "unknown": "warn",
}  # fmt: skip


class ArmFacts(Record):
    """What one arm has shown."""

    version: str
    share: float
    requests: int
    """At the front door."""
    rows: int
    """Rows of the prediction log; a request may have several."""
    without_entity: int
    """Rows without an entity, left out of the score."""
    entities: int
    labelled_entities: int
    loss: float | None
    score: float | None
    """The loss as people call it."""
    errors: int
    refused: int = 0
    """Requests answered with 4xx."""


class Point(Record):
    """The confidence sequence at one look."""

    time: float
    """Epoch seconds."""
    entities: int
    improvement: float
    lower: float
    upper: float


class Judgement(Record):
    """What one look at an experiment came to."""

    model: str
    strategy: str
    verdict: Outcome
    reasons: tuple[str, ...]
    measure: str
    goal: Goal
    alpha: float
    minimum_effect: float
    planned: int | None
    started: datetime
    looked: datetime
    days: float
    candidate: ArmFacts
    champion: ArmFacts
    crossed: int
    guardrails: tuple[Guardrail, ...]
    sequence: tuple[Point, ...]
    raise_to: float | None = None
    """The share that the canary is ready for."""

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, in a sentence for people."""
        return "; ".join(self.reasons)

    def metadata(self) -> dict[str, Fact]:
        return {"verdict": self.verdict, "reason": self.reason, "candidate": self.candidate.version, "champion": self.champion.version}

    def report(self) -> Report:
        goal = "better than the champion" if self.goal == "better" else f"not worse by {self.minimum_effect:.4g}"
        how = (
            f"The candidate is to be {goal}. The band holds the true improvement at every look at once, with chance "
            f"{1 - self.alpha:.4g}: it may be looked at, and acted on, at any time. "
        )
        planned = f"Planned: {self.planned:,} entities in both arms." if self.planned else "Nothing was known to plan its size by."
        crossed = [f"{self.crossed} entities were answered by both and are left out."] if self.crossed else []
        return Report(
            f"Experiment: {self.model}",
            f"{self.strategy} of version {self.candidate.version} beside {self.champion.version}, {self.days:.2f} days",
            [
                Section("Verdict", *(Text(Badge(self.verdict, _LEVELS[self.verdict]), f" {reason}") for reason in self.reasons)),
                Section("Improvement over time", how + planned, self._chart()),
                Section("Arms", self.arm_table(), *crossed),
                Section("Guardrails", self.guardrail_table()),
            ],
        )

    def arm_table(self) -> Table:
        """What candidate and champion have shown, beside each other."""
        headers = ("arm", "version", "share", "requests", "errors", "refused", "entities", "labelled", self.measure, LEFT_OUT)
        rows = [
            (
                name, arm.version, arm.share, arm.requests, arm.errors, arm.refused, arm.entities, arm.labelled_entities, arm.score,
                arm.without_entity,
            )
            for name, arm in (("candidate", self.candidate), ("champion", self.champion))
        ]  # fmt: skip
        return Table(headers, rows, {"share": ".2%"})

    def guardrail_table(self) -> Table:
        """Every guardrail, how it stands, and why."""
        rows = [
            (rail.name, Badge(rail.standing, _LEVELS[rail.standing]), rail.candidate, rail.champion, rail.reason)
            for rail in self.guardrails
        ]
        return Table(("guardrail", "", "candidate", "champion", "why"), rows)

    def _chart(self) -> Part:
        if not self.sequence:
            return "Not enough labels yet."
        from matplotlib.figure import Figure

        points, figure = self.sequence, Figure(figsize=(8, 3.4))
        axes = figure.subplots()
        entities = [point.entities for point in points]
        axes.fill_between(entities, [point.lower for point in points], [point.upper for point in points], color="#5673d8", alpha=0.25, lw=0)
        axes.plot(entities, [point.improvement for point in points], color="#5673d8", lw=1.5, marker="." if len(points) < 3 else None)
        axes.axhline(0, color="#3a4356", lw=1)
        effect = -self.minimum_effect if self.goal == "not_worse" else self.minimum_effect
        axes.axhline(effect, color="#c0362c", lw=1, ls="--")
        axes.set_xlabel("entities with a label, both arms")
        axes.set_ylabel("candidate is better by")
        axes.spines[["top", "right"]].set_visible(False)
        return chart(figure, "improvement of the candidate, with its confidence sequence, by entities with a label")
