"""The rules: from what was measured of a window to a `Decision`, each rule with its value, threshold and reason."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from switchyard.monitoring.decision import Action, Decision, RuleResult
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.ledger import Ledger, Past
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.window import WindowFacts
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.validation import ValidationReport

_MANY = 10
"""Refused requests from which their share means anything."""
_ORDER: tuple[Action, ...] = ("nothing", "alert", "retrain")


def window_key(facts: WindowFacts) -> str:
    """Names model, version and window: equal for a repeated look, whatever came of it."""
    text = "\x1f".join((facts.model, facts.version, facts.digest, facts.identity))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def decide(
    window: WindowFacts,
    validation: ValidationReport | None,
    drift: DriftReport,
    performance: Performance,
    settings: Monitoring,
    past: Sequence[Past] = (),
    asked: Counts | None = None,
) -> Decision:
    """Apply every rule; the strongest action wins.

    Parameters
    ----------
    window : WindowFacts
    validation : ValidationReport or None
        Of the training suite on the window; None where the window is empty.
    drift, performance
        Of the same window.
    settings : Monitoring
        Thresholds, and what each rule asks for.
    past : sequence of Past
        Earlier windows of this version, newest first; a second look at this window is passed over.
    asked : Counts, optional
        What the front door counted of the version since the last window; None where it was not asked.
    """
    key = window_key(window)
    rules = (
        _floor(performance, settings),
        _drop(performance, settings),
        share := _drift_share(drift, settings),
        _repeated(share, [one for one in past if one.window != key], settings),
        _quality(window, drift, validation, settings),
        _refused(asked, settings),
    )
    action = max((rule.verdict for rule in rules), key=_ORDER.index)
    return Decision(
        model=window.model,
        version=window.version,
        digest=window.digest,
        since=window.since,
        until=window.until,
        rows=window.rows,
        labelled=window.labelled,
        action=action,
        rules=rules,
        reason=_sentence(action, rules, window),
        key=f"{window.model}-v{window.version}-{key}-{action}",
    )


def _sentence(action: Action, rules: Sequence[RuleResult], window: WindowFacts) -> str:
    if action == "nothing":
        return "no rule was crossed" if window.rows else "no prediction was made in this window"
    return f"{action}: " + "; ".join(rule.reason for rule in rules if rule.verdict == action)


def _floor(performance: Performance, settings: Monitoring) -> RuleResult:
    name, greater = "performance_floor", performance.greater_is_better
    limit = settings.performance_floor if greater else settings.error_ceiling
    if limit is None:
        key = "performance_floor" if greater else "error_ceiling"
        return _not_applied(name, None, f"{performance.metric} has no limit; monitoring.{key} sets one")
    score = performance.score
    if score is None or score.value is None:
        return _not_applied(name, limit, performance.reason)
    sign = 1 if greater else -1
    before = performance.holdout.value
    shown = f"{performance.basis} {performance.metric} {_with_interval(score)}"
    if before is not None and sign * (before - limit) < 0:
        reason = f"{shown}; the holdout itself, at {before:.4f}, is beyond the limit {limit:g}, so only performance_drop tells of a change"
        return RuleResult(name=name, value=score.value, threshold=limit, verdict="nothing", reason=reason)
    beyond = sign * (limit - score.value)
    side = "under" if greater else "over"
    if beyond <= 0:
        return RuleResult(name=name, value=score.value, threshold=limit, verdict="nothing", reason=f"{shown} is within {limit:g}")
    if beyond <= _surely(settings.confidence) * _standard_error(score, performance):
        reason = f"{shown} is {side} {limit:g}, though with so few rows that may be chance"
        return RuleResult(name=name, value=score.value, threshold=limit, verdict="nothing", reason=reason)
    verdict = _by_basis(settings.actions.performance_floor, performance)
    return RuleResult(name=name, value=score.value, threshold=limit, verdict=verdict, reason=f"{shown} is {side} {limit:g}")


def _drop(performance: Performance, settings: Monitoring) -> RuleResult:
    name, limit, score, drop = "performance_drop", settings.relative_drop, performance.score, performance.drop
    if drop is None or score is None or score.value is None or performance.holdout.value is None:
        return _not_applied(name, limit, performance.reason)
    shown = f"{performance.basis} {performance.metric} {score.value:.4f}, on the holdout {performance.holdout.value:.4f}"
    if drop <= limit:
        return RuleResult(name=name, value=drop, threshold=limit, verdict="nothing", reason=f"{shown}: {_change(drop)}")
    error = (_standard_error(score, performance) ** 2 + _standard_error(performance.holdout, performance) ** 2) ** 0.5
    if drop * abs(performance.holdout.value) <= _surely(settings.confidence) * error:
        reason = f"{shown}: {_change(drop)}, though with so few rows that may be chance"
        return RuleResult(name=name, value=drop, threshold=limit, verdict="nothing", reason=reason)
    verdict = _by_basis(settings.actions.performance_drop, performance)
    return RuleResult(name=name, value=drop, threshold=limit, verdict=verdict, reason=f"{shown}: {_change(drop)}")


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


def _drift_share(drift: DriftReport, settings: Monitoring) -> RuleResult:
    name, limit = "drift_share", settings.drift_share
    value = drift.weighted_share if settings.weighted else drift.share
    if value is None:
        return _not_applied(name, limit, "; ".join(drift.notes) or "no column could be compared")
    unusual = [column.column for column in drift.columns if column.unusual]
    within = [column.column for column in drift.columns if column.drifted and not column.unusual]
    share = "of the model's weight" if settings.weighted else "of the columns"
    reason = f"{len(unusual)} of {len(drift.columns)} columns, {value:.1%} {share}, drift beyond the training period"
    reason += f": {', '.join(unusual[:3])}" if unusual else ""
    reason += f"; {len(within)} more no farther than within it" if within else ""
    verdict = settings.actions.drift_share if value > limit else "nothing"
    return RuleResult(name=name, value=value, threshold=limit, verdict=verdict, reason=reason)


def _repeated(share: RuleResult, past: Sequence[Past], settings: Monitoring) -> RuleResult:
    name, limit = "repeated_drift", settings.repeats
    if share.value is None:
        return share.model_copy(update={"name": name, "threshold": limit})
    drifts = share.value > settings.drift_share
    before = list(past)[: settings.windows - 1]
    count = int(drifts) + sum(one.drifted for one in before)
    verdict = settings.actions.repeated_drift if drifts and count >= limit else "nothing"
    reason = f"{count} of the last {len(before) + 1} windows drift"
    return RuleResult(name=name, value=count, threshold=limit, verdict=verdict, reason=reason)


def _quality(window: WindowFacts, drift: DriftReport, validation: ValidationReport | None, settings: Monitoring) -> RuleResult:
    name, limit = "data_quality", settings.quality_columns
    if validation is None or not drift.judged:
        return _not_applied(name, limit, "; ".join(drift.notes) or "the window is empty")
    findings = {part.column: part.findings[0] for part in drift.quality if part.findings}
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


def _refused(asked: Counts | None, settings: Monitoring) -> RuleResult:
    name, limit = "refused_requests", settings.refused_share
    if asked is None or not asked.requests:
        return _not_applied(name, limit, "no request came since the last window" if asked else "the front door was not asked")
    share = asked.refused / asked.requests
    reason = f"{asked.refused:,} of {asked.requests:,} requests since the last window were refused, and are in no window"
    verdict = settings.actions.refused_requests if share > limit and asked.refused >= _MANY else "nothing"
    return RuleResult(name=name, value=share, threshold=limit, verdict=verdict, reason=reason)


def _not_applied(name: str, threshold: float | None, why: str) -> RuleResult:
    return RuleResult(name=name, value=None, threshold=threshold, verdict="nothing", reason=f"not applied: {why}")


def _with_interval(score: Estimate) -> str:
    return f"{score.value:.4f}" if score.low is None else f"{score.value:.4f} ({score.low:.4f} to {score.high:.4f})"


def decide_and_record(
    window: WindowFacts,
    validation: ValidationReport | None,
    drift: DriftReport,
    performance: Performance,
    settings: Monitoring,
    ledger: Ledger,
    counted: Counts | None = None,
) -> Decision:
    """Decide with the earlier windows that `ledger` knows; the decision is then the one that it holds about this window.

    `counted` is what the front door has counted of the version since it started.
    """
    key = window_key(window)
    if not window.timed and (before := ledger.decision(key)):
        # Its place among the windows is that of the first look.
        window = window.model_copy(update={"since": before.since, "until": before.until})
    past = ledger.past(window.model, window.version, window.until, settings.drift_share, settings.windows)
    asked = counted and counted.since(ledger.counted(window.model, window.version, key))
    decision = decide(window, validation, drift, performance, settings, past, asked).model_copy(update={"counted": counted})
    share = next(rule.value for rule in decision.rules if rule.name == "drift_share")
    ledger.record(key, decision, share)
    return decision
