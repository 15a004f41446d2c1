"""Runs of this machine whose process was killed: ZenML would show them as running for ever, and nothing would ever take them away.

A run that goes on in this process holds a lock on a file with its name, and the kernel lets go of the lock however the process ends.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.enums import ExecutionStatus

from app.progress import MOST_STEPS
from materializers.zenml_private import end_run, end_step

_NEVER_STARTED_S = 86_400
"""A file without a run is of one that is about to begin, or never began."""


@contextmanager
def held(run_name: str) -> Iterator[None]:
    """Hold the run's lock; the file stays where the block fails, for whoever looks next whether the run has ended."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / run_name
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        path.unlink(missing_ok=True)


def killed_runs(end: bool = False) -> list[str]:
    """Names of this machine's runs that nobody runs any more and that ZenML shows as running; with `end` they end as failed."""
    found = []
    for path in sorted(_folder().glob("*")):
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            runs = Client().list_pipeline_runs(name=path.name, hydrate=False).items
            is_running = bool(runs) and not runs[0].status.is_finished
            if is_running:
                found.append(path.name)
                if end:
                    end_records(runs[0].id, ExecutionStatus.FAILED, "the process that ran it was killed")
            is_over = bool(runs) and not is_running
            if is_over or (is_running and end) or path.stat().st_mtime < time.time() - _NEVER_STARTED_S:
                path.unlink(missing_ok=True)
    return found


def end_records(run: UUID, status: ExecutionStatus, reason: str) -> None:
    """Record that a run and its steps have ended, of which no process is left that would."""
    for step in Client().list_run_steps(pipeline_run_id=run, size=MOST_STEPS, hydrate=False).items:
        if not step.status.is_finished:
            end_step(step.id, status)
    end_run(run, status, reason)


def _folder() -> Path:
    return Path(GlobalConfiguration().local_stores_path) / "switchyard" / "running"
