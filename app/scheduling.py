"""`keep_running`: one command at the times that a cron expression names, in the foreground here, by a CronJob on a cluster.

Local stacks have no scheduler. Times are UTC, as those of the cluster's CronJob are, so that one expression means one thing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from app.schedule_alerts import VARIABLE, tell_quietly
from app.schedules import recorded
from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from app.command import Request
    from switchyard.tabular.config.problem import Problem

Clock = Callable[[], datetime]
NEVER = "off"
"""Instead of a cron expression: end the schedule."""


def keep_running(schedule: str, request: Request, *, acts: bool, data: str | None) -> None:
    """Run this process's command again and again, as the active stack keeps schedules: a CronJob on a cluster, a loop here.

    Parameters
    ----------
    schedule : str
        Cron expression of five fields, in UTC, or `NEVER`.
    acts : bool
        Whether the command trains again, and so reads the config's table.
    data : str, optional
        Table that the command looks at.

    Raises
    ------
    InputError
        The expression can't be read, or a CronJob would not find what the command reads.
    """
    from stacks.files import is_local_file

    console, problem, where = request.console, request.problem, request.where

    def config_for_pods() -> tuple[str, str] | None:
        if data and is_local_file(data):
            raise InputError(
                f"--data {data} is a file of this machine, which a CronJob does not see; "
                "name a table that pods can read (s3://..., an SQL address)"
            )
        return _config_for_pods(Path(where), problem, acts, console) if Path(where).is_file() else None

    name = f"monitoring-{problem.name}"

    def tell_of_the_killed(code: int) -> None:
        # A run that ends by itself tells itself.
        if code < 0:
            why = f"it was ended by signal {-code}, as the kernel does where memory runs out"
            tell_quietly(lambda: problem, name, why, without(sys.argv[1:], "--schedule"))

    keep_command(schedule, problem.name, name, request.root, console, config_for_pods, tell_of_the_killed)


def keep_command(
    schedule: str,
    subject: str,
    name: str,
    root: Path,
    console: Console,
    config_for_pods: Callable[[], tuple[str, str] | None] = lambda: None,
    ended: Callable[[int], None] = lambda _code: None,
    account: str = "monitoring",
) -> None:
    """Keep a command running as `keep_running` does that may have no problem.

    Parameters
    ----------
    subject : str
        The model it is about, or the command.
    name : str
        Of its CronJob.
    config_for_pods : callable
        Name and content of the config that the CronJob reads, if it reads any.
    ended : callable
        Called with the exit code of each run on this machine.
    account : str
        Of the cluster, whom the CronJob's pods run as.
    """
    from stacks.active import is_local

    if schedule != NEVER:
        check_schedule(schedule)
    arguments = without(sys.argv[1:], "--schedule")
    if is_local():
        if schedule == NEVER:
            raise InputError("this stack keeps no schedule: its loop runs in the foreground until Ctrl-C ends it")
        command = [sys.executable, "run.py", *arguments]
        os.environ[VARIABLE] = name
        with recorded(subject, schedule, command[1:]):
            on_schedule(schedule, command, console, cwd=str(root), ended=ended)
        return
    from stacks.active import pipelines_image
    from stacks.cluster import schedule as cluster
    from steps.provenance import code_commit

    if schedule == NEVER:
        if not cluster.unschedule(name):
            raise InputError(f"the cluster keeps no schedule {name!r}; there is {', '.join(cluster.scheduled()) or 'none'}")
        console.print(f"schedule  CronJob {name} is gone", highlight=False, markup=False)
        return
    config = config_for_pods()
    words, image = without(arguments, "--config"), pipelines_image(console.print)
    job = cluster.schedule(name, schedule, words, image, config, commit=code_commit(), account=account)
    console.print(f"schedule  CronJob {job} runs by {schedule!r} (UTC): run.py {' '.join(arguments)}", highlight=False, markup=False)
    console.print(f"end it    python run.py {' '.join(arguments)} --schedule {NEVER}", highlight=False, markup=False)


def _config_for_pods(config: Path, problem: Problem, acts: bool, console: Console) -> tuple[str, str]:
    """Name and content of the config as the CronJob gets it; a table of this machine that a retraining would read goes into the store."""
    text = config.read_text(encoding="utf-8")
    import yaml

    from stacks.files import is_local_file, stage_source
    from switchyard.tabular.config.problem import read_settings

    source = problem.data.source
    if acts and is_local_file(source):
        settings = read_settings(config)
        settings["data"]["source"] = stage_source(source)
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        console.print(
            f"table     {source}, as it is now, is kept in the artifact store: a retraining begins with its rows",
            highlight=False,
            markup=False,
        )
    return config.name, text


def without(arguments: list[str], option: str) -> list[str]:
    """A command line's arguments without `option` and its value."""
    kept, skip = [], False
    for argument in arguments:
        if skip or argument == option or argument.startswith(f"{option}="):
            skip = argument == option
            continue
        kept.append(argument)
    return kept


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
    ended: Callable[[int], None] = lambda _code: None,
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
    ended : callable
        Called with the exit code of each run.

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
        ended(code)


def _span(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    return f"{seconds} s" if seconds < 120 else f"{minutes} min" if minutes < 120 else f"{hours} h {minutes % 60} min"
