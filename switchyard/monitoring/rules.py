"""The rules of a decision: each with its value, threshold and reason.

What a single window says may be chance: a year has 8,760 hourly ones, of which one in a hundred crosses a limit that holds with
99 %. So a rule counts when the window before, that has no row of this one, said the same, or when the chance is below
`monitoring.p_at_once`. That the same of c columns drifts twice running by chance has a probability of `p_value` ** 2 / c: once in
five years of hours for five columns.
"""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.monitoring.decision import Action, RuleResult
from switchyard.monitoring.drift import DriftReport, share_of
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.ledger import Past
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.window import WindowFacts
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.validation import ValidationReport

_NEXT = "it counts if the next window says so too"
_MANY_REFUSED = 10
"""Refused requests from which their share means anything."""


def floor(performance: Performance, settings: Monitoring, before: frozenset[str] | None) -> RuleResult:
    """The score against the least that it may be."""
    name, greater = "performance_floor", performance.greater_is_better
    limit = settings.performance_floor if greater else settings.error_ceiling
    if limit is None:
        key = "performance_floor" if greater else "error_ceiling"
        return _not_applied(name, None, f"{performance.metric} has no limit; monitoring.{key} sets one")
    score = performance.score
    if score is None or score.value is None:
        return _not_applied(name, limit, performance.reason)
    sign = 1 if greater else -1
    at_first = performance.holdout.value
    shown = f"{performance.basis} {performance.metric} {_with_interval(score)}"
    if at_first is not None and sign * (at_first - limit) < 0:
        reason = (
            f"{shown}; the holdout itself, at {at_first:.4f}, is beyond the limit {limit:g}, so only performance_drop tells of a change"
        )
        return RuleResult(name=name, value=score.value, threshold=limit, verdict="nothing", reason=reason)
    beyond = sign * (limit - score.value)
    side = "under" if greater else "over"
    if beyond <= 0:
        return RuleResult(name=name, value=score.value, threshold=limit, verdict="nothing", reason=f"{shown} is within {limit:g}")
    verdict = _by_basis(settings.actions.performance_floor, performance)
    found = RuleResult(name=name, value=score.value, threshold=limit, verdict=verdict, reason=f"{shown} is {side} {limit:g}")
    return _weighed(found, beyond, _standard_error(score, performance), settings, before)


def drop(performance: Performance, settings: Monitoring, before: frozenset[str] | None) -> RuleResult:
    """The score against the holdout's."""
    name, limit, score, lost = "performance_drop", settings.relative_drop, performance.score, performance.drop
    if lost is None or score is None or score.value is None or performance.holdout.value is None:
        return _not_applied(name, limit, performance.reason)
    shown = f"{performance.basis} {performance.metric} {score.value:.4f}, on the holdout {performance.holdout.value:.4f}"
    if lost <= limit:
        return RuleResult(name=name, value=lost, threshold=limit, verdict="nothing", reason=f"{shown}: {_change(lost)}")
    error = (_standard_error(score, performance) ** 2 + _standard_error(performance.holdout, performance) ** 2) ** 0.5
    reason = f"{shown}: {_change(lost)}"
    found = RuleResult(
        name=name, value=lost, threshold=limit, verdict=_by_basis(settings.actions.performance_drop, performance), reason=reason
    )
    return _weighed(found, lost * abs(performance.holdout.value), error, settings, before)


def _weighed(found: RuleResult, beyond: float, error: float, settings: Monitoring, before: frozenset[str] | None) -> RuleResult:
    """`found` as far as it is certain: by itself, or by the window before; what may be chance asks for nothing."""
    if beyond <= _surely(settings.confidence) * error:
        return found.model_copy(update={"verdict": "nothing", "reason": f"{found.reason}, though with so few rows that may be chance"})
    found = found.model_copy(update={"suspected": True})
    if before is None or found.name in before or beyond > _surely(1 - settings.p_at_once) * error:
        return found
    return found.model_copy(update={"verdict": "nothing", "reason": f"{found.reason}, which may be chance; {_NEXT}"})


def _change(drop: float) -> str:
    return f"{abs(drop):.1%} {'worse' if drop > 0 else 'better'}"


def _by_basis(action: Action, performance: Performance) -> Action:
    """An estimate warns; only labels make a training worth its while, which needs them too."""
    return "alert" if performance.basis == "estimated" and action == "retrain" else action


def _surely(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(confidence))


def _standard_error(score: Estimate, performance: Performance) -> float:
    """From the width of the interval, taken as normal."""
    if score.low is None or score.high is None:
        return 0.0
    return (score.high - score.low) / (2 * _surely((1 + performance.confidence) / 2))


def veto(rule: RuleResult, drift: DriftReport, performance: Performance, others: Sequence[RuleResult]) -> RuleResult:
    """`rule`, which asks for a training only where that would help: not on what a broken feed sent, and not for the drift of
    columns while the score, measured on labels enough, holds."""
    if rule.verdict != "retrain":
        return rule
    if drift.feed:
        named = ", ".join(repr(fault.column) for fault in drift.feed[:3])
        why = f"not trained anew: {named} came from a broken feed; mend it"
    elif rule.name == "repeated_drift" and performance.basis == "measured" and not any(one.suspected for one in others):
        why = "not trained anew: the score, measured on labels, holds"
    else:
        return rule
    return rule.model_copy(update={"verdict": "alert", "reason": f"{rule.reason}; {why}"})


def counted_columns(drift: DriftReport, settings: Monitoring, before: frozenset[str] | None) -> frozenset[str]:
    """The columns whose drift counts: seen twice running, or beyond doubt."""
    return frozenset(
        column.column
        for column in drift.columns
        if column.unusual and (before is None or column.column in before or (column.adjusted or 0.0) < settings.p_at_once)
    )


def drift_share(drift: DriftReport, settings: Monitoring, counted: frozenset[str]) -> RuleResult:
    """The weight of the columns whose drift counts."""
    name, limit = "drift_share", settings.drift_share
    value = share_of(drift.columns, settings.weighted, counted)
    if value is None:
        return _not_applied(name, limit, "; ".join(drift.notes) or "no column could be compared")
    unusual = [column.column for column in drift.columns if column.column in counted]
    waiting = [column.column for column in drift.columns if column.unusual and column.column not in counted]
    within = [column.column for column in drift.columns if column.drifted and not column.unusual]
    share = "of the model's weight" if settings.weighted else "of the columns"
    reason = f"{len(unusual)} of {len(drift.columns)} columns, {value:.1%} {share}, drift beyond the training period"
    reason += f": {', '.join(unusual[:3])}" if unusual else ""
    reason += f"; {', '.join(waiting[:3])} may be chance; {_NEXT}" if waiting else ""
    reason += f"; {len(within)} more no farther than within it" if within else ""
    verdict = settings.actions.drift_share if value > limit else "nothing"
    return RuleResult(name=name, value=value, threshold=limit, verdict=verdict, reason=reason)


def repeated_drift(window: WindowFacts, share: RuleResult, past: Sequence[Past], settings: Monitoring) -> RuleResult:
    """Windows of the last ones in which the drift share is over its limit."""
    name, limit = "repeated_drift", settings.repeats
    if share.value is None:
        return share.model_copy(update={"name": name, "threshold": limit})
    if not window.of_production:
        return _not_applied(name, limit, "a table looked at by --data is no window of production")
    drifts = share.value > settings.drift_share
    before = list(past)[: settings.windows - 1]
    count = int(drifts) + sum(one.drifted for one in before)
    verdict = settings.actions.repeated_drift if drifts and count >= limit else "nothing"
    reason = f"{count} of the last {len(before) + 1} windows drift"
    return RuleResult(name=name, value=count, threshold=limit, verdict=verdict, reason=reason)


def data_quality(window: WindowFacts, drift: DriftReport, validation: ValidationReport | None, settings: Monitoring) -> RuleResult:
    """Columns that are not as in training."""
    name, limit = "data_quality", settings.quality_columns
    if validation is None or not drift.judged:
        return _not_applied(name, limit, "; ".join(drift.notes) or "the window is empty")
    findings = {fault.column: str(fault) for fault in drift.feed}
    for part in drift.quality:
        if part.findings:
            findings.setdefault(part.column, part.findings[0])
    for result in validation.failed:
        if result.severity == "critical":
            findings.setdefault(result.column or "the table", f"{result.observed}, expected {result.expected}")
    if window.unreadable:
        findings["the labels"] = f"{window.unreadable} of those looked at are no answer that the model knows"
    shown = "; ".join(f"{column} {what}" for column, what in list(findings.items())[:3])
    verdict = settings.actions.data_quality if len(findings) > limit else "nothing"
    count = "1 column is" if len(findings) == 1 else f"{len(findings)} columns are"
    reason = f"{count} not as in training: {shown}" if findings else "missing values, categories and ranges are as in training"
    return RuleResult(name=name, value=len(findings), threshold=limit, verdict=verdict, reason=reason)


def refused_requests(asked: Counts | None, settings: Monitoring) -> RuleResult:
    """The share of the requests that the version answered with 4xx; `asked` is None where the front door was not asked."""
    name, limit = "refused_requests", settings.refused_share
    if asked is None or not asked.requests:
        return _not_applied(name, limit, "no request came since the last window" if asked else "the front door was not asked")
    share = asked.refused / asked.requests
    reason = f"{asked.refused:,} of {asked.requests:,} requests since the last window were refused, and are in no window"
    verdict = settings.actions.refused_requests if share > limit and asked.refused >= _MANY_REFUSED else "nothing"
    return RuleResult(name=name, value=share, threshold=limit, verdict=verdict, reason=reason)


def unlike_rows(drift: DriftReport, settings: Monitoring, before: frozenset[str] | None) -> tuple[RuleResult, ...]:
    """The share of the rows that are like no group; no rule where answers have no groups."""
    name, limit, found = "unlike_rows", settings.unlike_share, drift.unlike
    if found is None:
        return ()
    reason = f"{found.now:.1%} of the rows are unlike all groups, {found.before:.1%} of the holdout's"
    result = RuleResult(name=name, value=found.now, threshold=limit, verdict="nothing", reason=reason)
    if found.now <= limit or found.p_value >= 1 - settings.confidence:
        return (result,)
    sure = before is None or name in before or found.p_value < settings.p_at_once
    verdict = settings.actions.unlike_rows if sure else "nothing"
    return (result.model_copy(update={"suspected": True, "verdict": verdict, "reason": reason if sure else f"{reason}; {_NEXT}"}),)


def _not_applied(name: str, threshold: float | None, why: str) -> RuleResult:
    return RuleResult(name=name, value=None, threshold=threshold, verdict="nothing", reason=f"not applied: {why}")


def _with_interval(score: Estimate) -> str:
    return f"{score.value:.4f}" if score.low is None else f"{score.value:.4f} ({score.low:.4f} to {score.high:.4f})"
