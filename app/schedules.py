"""Which schedules run: a process in the foreground leaves a file, a service manager keeps units, a cluster CronJobs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.units import units_of
from switchyard.files import write_whole
from switchyard.processes import lives, me, shown


def _folder() -> Path:
    from zenml.config.global_config import GlobalConfiguration

    return Path(GlobalConfiguration().local_stores_path) / "switchyard" / "schedules"


@contextmanager
def recorded(model: str, schedule: str, command: Sequence[str]) -> Iterator[None]:
    """Have `schedules_of` name the schedule of this process while it runs."""
    process = me()
    path = _folder() / f"{model}-{os.getpid()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"model": model, "schedule": schedule, "command": " ".join(command), "process": process}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def schedules_of(model: str) -> tuple[str, ...]:
    """A line for each schedule of `model` on the active stack, with its next time; the file of a process that is gone is removed."""
    from stacks.active import is_local

    return tuple(_on_this_machine(model) if is_local() else _on_the_cluster(model))


def _on_this_machine(model: str) -> Iterator[str]:
    for path in sorted(_folder().glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if lives(record["process"]) is False:
            path.unlink(missing_ok=True)
        elif record["model"] == model:
            yield f"{record['command']}: {next_time(record['schedule'])}, by {shown(record['process'])}"
    for unit in units_of(model):
        if unit.cron:
            yield f"unit {unit.name}: {next_time(unit.cron)}"


def _on_the_cluster(model: str) -> Iterator[str]:
    from stacks.cluster.schedule import job_name, scheduled

    for name, cron in scheduled().items():
        if name == job_name(f"monitoring-{model}"):
            yield f"CronJob {name}: {next_time(cron)}"


def next_time(cron: str) -> str:
    """When the expression comes due next, in words."""
    from croniter import croniter

    return f"{cron!r}, next {croniter(cron, datetime.now(UTC)).get_next(datetime):%Y-%m-%d %H:%M} UTC"
