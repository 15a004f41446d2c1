"""The page of a judgement: the confidence sequence as labels came in, the arms, the guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchyard.tabular.report.html import Raw, badge, figure, page, table

if TYPE_CHECKING:
    from switchyard.monitoring.experiment.verdict import Judgement

_LEVELS = {"promote": "good", "stop": "bad", "continue": "note", "kept": "good", "broken": "bad", "unknown": "warn"}


def page_of(judgement: Judgement) -> str:
    """A static page."""
    lead = f"{judgement.strategy} of version {judgement.candidate.version} beside {judgement.champion.version}, {judgement.days:.2f} days"
    reasons = "".join(f"<p>{badge(judgement.verdict, _LEVELS[judgement.verdict])} {_text(reason)}</p>" for reason in judgement.reasons)
    arms = table(
        ("arm", "version", "share", "requests", "errors", "entities", "labelled", judgement.measure, "rows without entity (left out)"),
        [
            (
                name, arm.version, f"{arm.share:.2%}", arm.requests, arm.errors, arm.entities, arm.labelled_entities,
                "-" if arm.score is None else arm.score, arm.without_entity,
            )
            for name, arm in (("candidate", judgement.candidate), ("champion", judgement.champion))
        ],
    )  # fmt: skip
    rails = table(
        ("guardrail", "", "candidate", "champion", "why"),
        [
            (
                rail.name,
                badge(rail.standing, _LEVELS[rail.standing]),
                "-" if rail.candidate is None else rail.candidate,
                "-" if rail.champion is None else rail.champion,
                rail.reason,
            )
            for rail in judgement.guardrails
        ],
    )
    goal = "better than the champion" if judgement.goal == "better" else f"not worse by {judgement.minimum_effect:.4g}"
    how = (
        f"The candidate is to be {goal}. The band holds the true improvement at every look at once, with chance "
        f"{1 - judgement.alpha:.4g}: it may be looked at, and acted on, at any time. "
    )
    planned = f"Planned: {judgement.planned:,} entities in both arms." if judgement.planned else "Nothing was known to plan its size by."
    return page(
        f"Experiment: {judgement.model}",
        [
            ("Verdict", reasons),
            ("Improvement over time", f"<p>{_text(how + planned)}</p>" + _chart(judgement)),
            ("Arms", arms + (f"<p>{judgement.crossed} entities were answered by both and are left out.</p>" if judgement.crossed else "")),
            ("Guardrails", rails),
        ],
        lead,
    )


def _chart(judgement: Judgement) -> str:
    points = judgement.sequence
    if not points:
        return "<p>Not enough labels yet.</p>"
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 3.4))
    axes = fig.subplots()
    entities = [point.entities for point in points]
    axes.fill_between(entities, [point.lower for point in points], [point.upper for point in points], color="#5673d8", alpha=0.25, lw=0)
    axes.plot(entities, [point.improvement for point in points], color="#5673d8", lw=1.5, marker="." if len(points) < 3 else None)
    axes.axhline(0, color="#3a4356", lw=1)
    effect = -judgement.minimum_effect if judgement.goal == "not_worse" else judgement.minimum_effect
    axes.axhline(effect, color="#c0362c", lw=1, ls="--")
    axes.set_xlabel("entities with a label, both arms")
    axes.set_ylabel("candidate is better by")
    axes.spines[["top", "right"]].set_visible(False)
    return figure(fig)


def _text(text: str) -> Raw:
    from html import escape

    return Raw(escape(text))
