"""`on_schedule`: runs one command at the times that a cron expression names, in the foreground, until somebody ends it.

Local stacks have no scheduler. Times are UTC, as those of the cluster's CronJob are, so that one expression means one thing.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console

from switchyard.tabular.errors import InputError

Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def check_schedule(schedule: str) -> None:
    """Whether `schedule` is a cron expression of five fields.

    Raises
    ------
    InputError
        It is not.
    """
    from croniter import croniter

    if len(schedule.split()) != 5 or not croniter.is_valid(schedule):
        example = '"0 * * * *" is every hour, "30 6 * * 1" Mondays at 6:30'
        raise InputError(f"--schedule {schedule!r} is no cron expression of minute, hour, day, month and weekday; {example} (UTC)")


def on_schedule(
    schedule: str,
    command: Sequence[str],
    console: Console,
    *,
    cwd: str,
    now: Clock = _utc_now,
    sleep: Callable[[float], None] = time.sleep,
    run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run,
) -> None:
    """Run `command` at each time that `schedule` names, one at a time, and say when the next one is.

    Each run is a process of its own: one that fails ends nothing. Times that pass during a run are left out.

    Parameters
    ----------
    schedule : str
        Cron expression of five fields, in UTC.
    command : sequence of str
    console : Console
    cwd : str
        Folder that the command runs in.
    now, sleep, run : callable
        The clock, and what starts a process.

    Raises
    ------
    InputError
        `schedule` can't be read.
    """
    from croniter import croniter

    check_schedule(schedule)
    shown = " ".join(command[1:])
    while True:
        moment = croniter(schedule, now()).get_next(datetime)
        console.print(
            f"schedule  {schedule!r}: next {moment:%Y-%m-%d %H:%M} UTC, in {_span(moment - now())}: {shown} (Ctrl-C ends it)", markup=False
        )
        while (left := (moment - now()).total_seconds()) > 0:
            # In short naps: a laptop that slept does not sleep on.
            sleep(min(left, 30.0))
        console.print(f"schedule  {now():%Y-%m-%d %H:%M:%S} UTC: {shown}", markup=False)
        code = run(list(command), cwd=cwd).returncode
        console.print(f"schedule  {now():%Y-%m-%d %H:%M:%S} UTC: it ended with exit code {code}", markup=False)


def _span(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    return f"{seconds} s" if seconds < 120 else f"{minutes} min" if minutes < 120 else f"{hours} h {minutes % 60} min"
