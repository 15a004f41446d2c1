"""Guardrails: what stops an experiment whatever the score says, each with its numbers and its reason."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from switchyard.monitoring.experiment.counts import Counts, too_many_p
from switchyard.monitoring.experiment.sequence import compare
from switchyard.tabular.config.production import BusinessMetric, Guardrails
from switchyard.tabular.storable import Record

Standing = Literal["kept", "broken", "unknown"]

LEVEL = 0.95
"""Quantile of the answering times that is compared."""
_TIMED = 50
"""Answers of the champion before its 95th percentile means anything."""
_FEWEST = 20
"""Entities of an arm before its business metric is looked at."""


class Guardrail(Record):
    """One guardrail and how the candidate stands to it."""

    name: str
    candidate: float | None
    champion: float | None
    limit: float
    standing: Standing
    reason: str


def error_rate(candidate: Counts, champion: Counts, limits: Guardrails) -> Guardrail:
    """Broken where the candidate fails more often, by more than is allowed and than chance explains."""
    return _too_often(
        "errors", "failed", (candidate.requests, candidate.errors), (champion.requests, champion.errors), limits.max_errors, limits
    )


def refused_rate(candidate: Counts, champion: Counts, limits: Guardrails) -> Guardrail:
    """Broken where the candidate refuses (4xx) requests more often: a client that the champion answers must not find a door closed."""
    refused = (candidate.requests, candidate.refused), (champion.requests, champion.refused)
    return _too_often("refused", "were refused", *refused, limits.max_refused, limits)


def _too_often(
    name: str, what: str, candidate: tuple[int, int], champion: tuple[int, int], allowed: float, limits: Guardrails
) -> Guardrail:
    """The guardrail of one kind of event, each arm given as its requests and how many of them had it."""
    (asked, events), (others_asked, others) = candidate, champion
    rate, usual = events / asked if asked else 0.0, others / others_asked if others_asked else 0.0
    if not asked:
        reason = "the candidate has answered nothing yet"
        return Guardrail(name=name, candidate=None, champion=usual, limit=allowed, standing="unknown", reason=reason)
    p = too_many_p(events, others, asked / (asked + others_asked)) if others_asked else 1.0
    broken = rate - usual > allowed and p <= limits.alpha
    seen = f"{events} of {asked} requests {what}, {others} of {others_asked} of production's"
    reason = f"{seen} (anytime-valid p {p:.2g}, {rate - usual:+.2%} against {allowed:+.2%} allowed)"
    standing: Standing = "broken" if broken else "kept"
    return Guardrail(name=name, candidate=rate, champion=usual, limit=allowed, standing=standing, reason=reason)


def latency(candidate: Counts, champion: Counts, limits: Guardrails) -> Guardrail:
    """Broken where more of the candidate's answers than one in twenty, and than chance explains, take longer than is allowed."""
    times = candidate.quantile(LEVEL), champion.quantile(LEVEL)
    if times[0] is None or times[1] is None or champion.timed < _TIMED:
        reason = (
            f"{champion.timed} of production's answers are timed; {_TIMED} are needed"
            if times[0]
            else "no answer of the candidate is timed"
        )
        return Guardrail(
            name="latency", candidate=times[0], champion=times[1], limit=limits.max_slowdown, standing="unknown", reason=reason
        )
    allowed = times[1] * limits.max_slowdown
    # Answers are counted between edges: the first that allows all that is allowed.
    edge = min((at for at, _ in candidate.latency if at >= allowed), default=math.inf)
    slow = candidate.slower_than(edge), champion.slower_than(edge)
    share = candidate.timed / (candidate.timed + champion.timed)
    p = too_many_p(*slow, share)
    broken = slow[0] > (1 - LEVEL) * candidate.timed and p <= limits.alpha
    reason = (
        f"95 % of the candidate's answers within {times[0]:.3g} ms, of production's within {times[1]:.3g} ms; "
        f"{slow[0]} of {candidate.timed} took longer than {edge:g} ms (anytime-valid p {p:.2g})"
    )
    standing: Standing = "broken" if broken else "kept"
    return Guardrail(name="latency", candidate=times[0], champion=times[1], limit=allowed, standing=standing, reason=reason)


def business(candidate: np.ndarray, champion: np.ndarray, metric: BusinessMetric, alpha: float, optimal_at: int) -> Guardrail:
    """Broken where the candidate's mean is certainly worse by more than is allowed.

    Parameters
    ----------
    candidate, champion : ndarray of shape (n,)
        A value for each entity.
    """
    limit = metric.max_loss
    if min(len(candidate), len(champion)) < _FEWEST:
        reason = f"{len(candidate)} and {len(champion)} entities have a value; {_FEWEST} in each arm are needed"
        return Guardrail(name="business", candidate=None, champion=None, limit=limit, standing="unknown", reason=reason)
    sign = -1.0 if metric.better == "higher" else 1.0
    scale = float(np.concatenate([candidate, champion]).std())
    interval = compare(sign * candidate, sign * champion, 2 * alpha, optimal_at, scale)
    means = float(candidate.mean()), float(champion.mean())
    reason = (
        f"{metric.value} is {means[0]:.4g}, production's {means[1]:.4g}; better by "
        f"{interval.improvement:.3g} (from {interval.lower:.3g} to {interval.upper:.3g}), allowed is -{limit:g}"
    )
    standing: Standing = "broken" if interval.upper < -limit else "kept"
    return Guardrail(name="business", candidate=means[0], champion=means[1], limit=limit, standing=standing, reason=reason)
