"""From what was measured of a window to a `Decision`, by the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from switchyard.monitoring import rules
from switchyard.monitoring.decision import Action, Decision, RuleResult
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.ledger import TABLES, Ledger, Past
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.window import WindowFacts
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.validation import ValidationReport

_ORDER: tuple[Action, ...] = ("nothing", "alert", "retrain")


def window_key(facts: WindowFacts) -> str:
    """Names model, version and window: equal for a repeated look, whatever came of it. One of scored tables begins with `TABLES`."""
    text = "\x1f".join((facts.model, facts.version, facts.digest, facts.identity))
    return f"{TABLES if facts.of == 'tables' else ''}{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def decide(
    window: WindowFacts,
    validation: ValidationReport | None,
    drift: DriftReport,
    performance: Performance,
    settings: Monitoring,
    past: Sequence[Past] = (),
    asked: Counts | None = None,
    before: frozenset[str] | None = None,
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
    before : frozenset of str, optional
        What the last window that has no row of this one suspected (`Decision.suspected`). The same again counts, and what is
        beyond doubt (`switchyard.monitoring.rules`); without it, in a single look, all that is suspected.
    """
    key = window_key(window)
    share = rules.drift_share(drift, settings, rules.counted_columns(drift, settings, before))
    applied: tuple[RuleResult, ...] = (
        rules.floor(performance, settings, before),
        rules.drop(performance, settings, before),
        share,
        rules.repeated_drift(window, share, [one for one in past if one.window != key], settings),
        rules.data_quality(window, drift, validation, settings),
        rules.refused_requests(asked, settings),
        *rules.unlike_rows(drift, settings, before),
    )
    applied = tuple(rules.veto(rule, drift, performance, applied) for rule in applied)
    action = max((rule.verdict for rule in applied), key=_ORDER.index)
    return Decision(
        model=window.model,
        version=window.version,
        digest=window.digest,
        since=window.since,
        until=window.until,
        rows=window.rows,
        labelled=window.labelled,
        action=action,
        rules=applied,
        reason=_sentence(action, applied, window),
        key=f"{window.model}-v{window.version}-{key}-{action}",
        suspected=(
            *(column.column for column in drift.columns if column.unusual),
            *(rule.name for rule in applied if rule.suspected),
        ),
    )


def _sentence(action: Action, applied: Sequence[RuleResult], window: WindowFacts) -> str:
    if action == "nothing":
        return "no rule was crossed" if window.rows else "no prediction was made in this window"
    return f"{action}: " + "; ".join(rule.reason for rule in applied if rule.verdict == action)


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
    if not window.timed and (first := ledger.decision(key)):
        # Its place among the windows is that of the first look.
        window = window.model_copy(update={"since": first.since, "until": first.until})
    if not window.of_production:
        decision = decide(window, validation, drift, performance, settings)
        ledger.record(key, decision, None)
        return decision
    tables = window.of == "tables"
    # The front door counts requests, and what it counted since the last window of requests belongs to the next of them.
    counted = None if tables else counted
    past = ledger.past(window.model, window.version, window.until, settings.drift_share, settings.windows, tables)
    before = ledger.suspected(window.model, window.version, window.since, tables)
    asked = counted and counted.since(ledger.counted(window.model, window.version, key))
    decision = decide(window, validation, drift, performance, settings, past, asked, before).model_copy(update={"counted": counted})
    share = next(rule.value for rule in decision.rules if rule.name == "drift_share")
    ledger.record(key, decision, share)
    return decision
