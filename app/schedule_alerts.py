"""`told_of`: whoever is named in `monitoring.channels` hears once when a scheduled command begins to fail, and once when it runs again."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.tables.reading.credentials import first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

    from switchyard.monitoring.alerts import Alert, AlertResult
    from switchyard.tabular.config.problem import Problem

logger = logging.getLogger(__name__)

VARIABLE = "SWITCHYARD_SCHEDULE"
"""Name of the schedule that a process was started by; set by whoever keeps it."""
_GATE = 3


@contextmanager
def told_of(problem_of: Callable[[], Problem]) -> Iterator[None]:
    """Tell how the block ends, where a schedule runs it. What a gate stops, or has nothing to do, has run.

    Parameters
    ----------
    problem_of : callable
        Reads the problem; asked only when there is something to tell, and for no more than its name and channels.
    """
    name = os.environ.get(VARIABLE, "")
    if not name:
        yield
        return
    try:
        yield
    except Exception as error:
        fails = not isinstance(error, SwitchyardError) or error.exit_code not in (0, _GATE)
        why = first_line(error) if fails else None
        tell_quietly(problem_of, name, why)
        raise
    tell_quietly(problem_of, name, None)


def tell_quietly(problem_of: Callable[[], Problem], name: str, why: str | None, arguments: Sequence[str] | None = None) -> None:
    """Tell as `tell` does; an alert that can't be sent must hide neither how the run ended nor why, nor end the schedule."""
    try:
        tell(problem_of(), name, why, sys.argv[1:] if arguments is None else arguments)
    except Exception as error:
        logger.warning("nobody was told of the schedule: %s", first_line(error))


def tell(problem: Problem, name: str, why: str | None, arguments: Sequence[str]) -> AlertResult | None:
    """Send what there is to send of a run of the schedule `name`; None where that is nothing.

    Where the ledger does not answer, which may be why the run failed, every run that fails tells.

    Parameters
    ----------
    why : str or None
        Why the run failed; None where it did not.
    arguments : sequence of str
        Of run.py, as the schedule has them.
    """
    from deployment.predictions import prediction_log

    try:
        with prediction_log(problem.name, settle_s=0) as engine:
            return _by_ledger(problem, name, why, arguments, engine)
    # Whatever a database says.
    except Exception as error:
        if why is None:
            return None
        logger.warning("the alert of the schedule is sent without a ledger: %s", first_line(error))
        from switchyard.predictionlog import connect

        engine = connect("sqlite://")
        try:
            return _by_ledger(problem, name, why, arguments, engine)
        finally:
            engine.dispose()


def _by_ledger(problem: Problem, name: str, why: str | None, arguments: Sequence[str], engine: Engine) -> AlertResult | None:
    from switchyard.monitoring.alerts.schedules import ScheduleLedger, failing, runs_again
    from switchyard.predictionlog.database import now

    ledger, command = ScheduleLedger(engine), " ".join(["python run.py", *arguments])
    if why is not None:
        return _send(failing(problem.name, name, command, why, ledger.begin(name)), problem, engine)
    since = ledger.since(name)
    if since is None:
        return None
    sent = _send(runs_again(problem.name, name, command, since, now()), problem, engine)
    ledger.end(name)
    return sent


def _send(alert: Alert, problem: Problem, engine: Engine) -> AlertResult:
    from stacks.alerting import channel_with_secrets, stack_alerter
    from switchyard.monitoring.alerts import AlertLedger, send

    return send(alert, problem.monitoring.channels, AlertLedger(engine), channel_with_secrets, _or_none(stack_alerter))


def _or_none(stack_alerter: Callable[[], tuple]) -> tuple:
    """The stack's alerter; none where the stack can't be asked, as when its server is why the run failed."""
    try:
        return stack_alerter()
    except Exception as error:
        logger.warning("the stack's alerter is not asked: %s", first_line(error))
        return ()
