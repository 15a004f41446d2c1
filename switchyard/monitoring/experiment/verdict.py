"""`judge`: promote, stop or continue, each with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from switchyard.monitoring.experiment import guardrails
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.experiment.guardrails import Guardrail
from switchyard.monitoring.experiment.judgement import ArmFacts, Judgement, Point
from switchyard.monitoring.experiment.losses import Measure
from switchyard.monitoring.experiment.observations import Observations
from switchyard.monitoring.experiment.record import Experiment, Goal, Outcome
from switchyard.monitoring.experiment.sequence import ImprovementInterval, compare
from switchyard.tabular.config.production import ExperimentConfig

OPTIMAL_AT = 5_000
"""Entities at which the sequence is tightest where nobody could plan."""
_POINTS = 60
_UNIT_EFFECT, _RELATIVE_EFFECT, _RARE_EFFECT = 0.03, 0.05, 0.1


def goal_of(strategy: str, config: ExperimentConfig) -> Goal:
    """What the candidate must show."""
    if config.goal != "auto":
        return config.goal
    return "better" if strategy == "ab" else "not_worse"


def minimum_effect(config: ExperimentConfig, measure: Measure, loss: float | None) -> float | None:
    """The smallest difference that matters; None where it is a share of a loss that is not known yet."""
    if config.minimum_effect is not None:
        return config.minimum_effect
    if measure.rare:
        return _RARE_EFFECT * (1 - loss) if loss is not None and loss < 1 else None
    if measure.unit:
        return _UNIT_EFFECT
    return _RELATIVE_EFFECT * loss if loss else None


def judge(
    experiment: Experiment,
    observations: Observations,
    counts: tuple[Counts, Counts],
    config: ExperimentConfig,
    now: datetime,
    dead: str | None = None,
) -> Judgement:
    """Judge a running experiment by its present stage.

    Parameters
    ----------
    experiment : Experiment
    observations : Observations
        Of the stage: rows from before the share was raised are no part of it, since an entity may have changed sides,
        and since what came at another share came at another time.
    counts : (Counts, Counts)
        Of candidate and champion during the stage, from the front door.
    config : ExperimentConfig
    now : datetime
        With a zone.
    dead : str, optional
        Why the candidate does not run any more.
    """
    versions = experiment.candidate, experiment.champion
    values = observations.values(experiment.candidate), observations.values(experiment.champion)
    optimal_at = experiment.planned or OPTIMAL_AT
    alpha = config.alpha / max(1, len(_ramp(experiment, config)))
    scale = _scale(observations, values)
    interval = None
    if min(map(len, values)) >= config.min_labels:
        interval = compare(values[0], values[1], alpha, optimal_at, scale)
    effect = minimum_effect(config, observations.measure, float(values[1].mean()) if len(values[1]) else None)
    rails = _rails(observations, versions, counts, config, optimal_at, dead)
    goal = goal_of(experiment.strategy, config)
    days = (now - experiment.started) / timedelta(days=1)
    verdict, reasons = _decide(rails, interval, values, goal, effect, days, config)
    if experiment.verdict:
        verdict, reasons = experiment.verdict, (experiment.reason,)
    raise_to = _next_share(experiment, config, counts[0], rails, now) if verdict == "continue" else None
    if raise_to is not None:
        reasons = (*reasons, f"at {experiment.stage.share:g} of the entities every guardrail holds: the share rises to {raise_to:g}")
    arms = [
        _arm(version, share, observations, own, own_counts)
        for version, share, own, own_counts in zip(
            versions, (experiment.stage.share, 1 - experiment.stage.share), values, counts, strict=True
        )
    ]
    return Judgement(
        model=experiment.model,
        strategy=experiment.strategy,
        verdict=verdict,
        reasons=reasons,
        measure=observations.measure.title,
        goal=goal,
        alpha=alpha,
        minimum_effect=effect or 0.0,
        planned=experiment.planned,
        started=experiment.started,
        looked=now,
        days=days,
        candidate=arms[0],
        champion=arms[1],
        crossed=observations.crossed,
        guardrails=tuple(rails),
        sequence=tuple(_sequence(observations, versions, config.min_labels, alpha, optimal_at, scale)),
        raise_to=raise_to,
    )


def _rails(
    observations: Observations,
    versions: tuple[str, str],
    counts: tuple[Counts, Counts],
    config: ExperimentConfig,
    optimal_at: int,
    dead: str | None,
) -> list[Guardrail]:
    """How each guardrail stands."""
    rails = [rail(*counts, config.guardrails) for rail in (guardrails.error_rate, guardrails.refused_rate, guardrails.latency)]
    if dead:
        reason = f"the candidate does not run: {dead}"
        rails.append(Guardrail(name="running", candidate=None, champion=None, limit=0.0, standing="broken", reason=reason))
    if config.guardrails.business:
        candidate, champion = (observations.business_values(version) for version in versions)
        rails.append(guardrails.business(candidate, champion, config.guardrails.business, config.guardrails.alpha, optimal_at))
    return rails


def decide_score(interval: ImprovementInterval, goal: Goal, effect: float) -> tuple[Outcome, str]:
    """What the confidence sequence alone says; `effect` is the smallest difference that matters."""
    seen = f"improvement {interval.improvement:+.4g} (from {interval.lower:+.4g} to {interval.upper:+.4g})"
    if interval.upper < 0:
        return "stop", f"the candidate is worse: {seen}"
    if interval.lower > 0:
        return "promote", f"the candidate is better: {seen}"
    if goal == "not_worse" and interval.lower > -effect:
        return "promote", f"the candidate is not worse by {effect:.4g}: {seen}"
    if goal == "better" and interval.upper < effect:
        return "stop", f"an improvement of {effect:.4g} is ruled out: {seen}"
    return "continue", f"not decided: {seen}"


def _decide(
    rails: list[Guardrail],
    interval: ImprovementInterval | None,
    values: Sequence[np.ndarray],
    goal: Goal,
    effect: float | None,
    days: float,
    config: ExperimentConfig,
) -> tuple[Outcome, tuple[str, ...]]:
    broken = tuple(f"guardrail {rail.name}: {rail.reason}" for rail in rails if rail.standing == "broken")
    if broken:
        return "stop", broken
    if interval is None or effect is None:
        fewest = min(map(len, values))
        verdict: Outcome = "continue"
        reason = f"{fewest} entities with a label in the smaller arm; the score is judged from {config.min_labels} on"
    else:
        verdict, reason = decide_score(interval, goal, effect)
    if verdict == "continue" and days >= config.max_days:
        return "stop", (reason, f"{days:.1f} days are over the {config.max_days:g} of experiment.max_days; the champion stays")
    return verdict, (reason,)


def _ramp(experiment: Experiment, config: ExperimentConfig) -> tuple[float, ...]:
    """Shares of the whole way, the first included."""
    first = experiment.stages[0].share
    return (first, *(share for share in config.ramp if share > first)) if experiment.strategy == "canary" else (first,)


def _next_share(experiment: Experiment, config: ExperimentConfig, candidate: Counts, rails: list[Guardrail], now: datetime) -> float | None:
    """The next share of the ramp, where the candidate has been long enough, and sound, at the present one."""
    above = [share for share in _ramp(experiment, config) if share > experiment.stage.share]
    waited = now - experiment.stage.since >= timedelta(hours=config.ramp_hours)
    sound = all(rail.standing == "kept" for rail in rails if rail.name != "business")
    return above[0] if above and waited and sound and candidate.requests >= config.ramp_requests else None


def _scale(observations: Observations, values: Sequence[np.ndarray]) -> float:
    """The scale of one loss, for `Arm.of`."""
    if observations.measure.unit:
        return 1.0
    together = np.concatenate(values)
    return float(together.std()) if len(together) else 1.0


def _arm(version: str, share: float, observations: Observations, values: np.ndarray, counts: Counts) -> ArmFacts:
    tally, loss = observations.tallies[version], float(values.mean()) if len(values) else None
    return ArmFacts(
        version=version,
        share=share,
        requests=counts.requests,
        rows=tally.rows,
        without_entity=tally.without_entity,
        entities=tally.entities,
        labelled_entities=len(values),
        loss=loss,
        score=None if loss is None else observations.measure.score(loss),
        errors=counts.errors,
        refused=counts.refused,
    )


def _sequence(
    observations: Observations, versions: tuple[str, str], least: int, alpha: float, optimal_at: int, scale: float
) -> list[Point]:
    """The interval as it was at looks spread over the labels so far."""
    times = observations.times
    if not len(times):
        return []
    found = []
    for moment in np.unique(times[np.linspace(0, len(times) - 1, _POINTS).astype(int)]):
        candidate, champion = (observations.values(version, moment) for version in versions)
        if min(len(candidate), len(champion)) >= least:
            seen = compare(candidate, champion, alpha, optimal_at, scale)
            entities = seen.candidate.count + seen.champion.count
            found.append(Point(time=moment, entities=entities, improvement=seen.improvement, lower=seen.lower, upper=seen.upper))
    return found
