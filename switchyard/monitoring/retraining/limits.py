"""Whether a retraining may begin now: once for each decision, not too soon, not too often, not before there is something to learn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from switchyard.monitoring.decision import Decision
from switchyard.monitoring.retraining.claim import RetrainingRefused, shown
from switchyard.monitoring.retraining.ledger import Ledger
from switchyard.predictionlog.database import now
from switchyard.tabular.config.production import Retraining

WEEK = timedelta(days=7)


def check(
    ledger: Ledger, decision: Decision, limits: Retraining, labelled: Callable[[datetime], int], what: str = "labelled prediction"
) -> None:
    """Whether the limits allow a retraining now.

    Parameters
    ----------
    ledger : Ledger
    decision : Decision
    limits : Retraining
    labelled : callable
        How many labelled predictions there are since a moment; asked last, since it reads the log.
    what : str
        What these are called: of a task without labels all predictions count.

    Raises
    ------
    RetrainingRefused
        Names the limit, what it is at, and when it will allow one.
    """
    if done := ledger.acted_on(decision.key):
        raise RetrainingRefused(f"this decision led to a retraining already, {done.told}")
    started = [claim for claim in ledger.history() if claim.stage != "refused"]
    moment = now()
    if started and (passed := moment - started[0].claimed) < (pause := timedelta(hours=limits.cooldown_hours)):
        last = f"the last retraining began {shown(started[0].claimed)}"
        raise RetrainingRefused(
            f"{last}; the next may begin {shown(moment + pause - passed)} (retraining.cooldown_hours {limits.cooldown_hours:g})"
        )
    week = [claim for claim in started if moment - claim.claimed < WEEK]
    if len(week) >= limits.per_week:
        again = shown(week[-1].claimed + WEEK)
        raise RetrainingRefused(
            f"{len(week)} retrainings within a week; the next may begin {again} (retraining.per_week {limits.per_week})"
        )
    since = ledger.wanted_since(decision)
    if (count := labelled(since)) < limits.min_labels:
        there = f"{count} {what}s since {shown(since)}, where the first window that asked for it begins"
        raise RetrainingRefused(f"{there}; there must be {limits.min_labels} to learn from (retraining.min_labels)")
