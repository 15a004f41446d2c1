"""`RunProgress`: a line when a step starts and when it ends, from the run's records, so the same on every orchestrator."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from rich.console import Console
from zenml.client import Client
from zenml.enums import ExecutionStatus

from app.durations import in_words
from app.outcome import StepSummary

MOST_STEPS = 500
"""Of a run, asked for at once."""
_POLL_S = 0.5
_WORTH_S = 3.0
"""Seconds from which a step's expected time is told."""
_DONE = {ExecutionStatus.COMPLETED, ExecutionStatus.CACHED, ExecutionStatus.FAILED, ExecutionStatus.STOPPED, ExecutionStatus.SKIPPED}


class RunProgress(threading.Thread):
    """Follows the run's steps and prints a line when one starts and when one ends.

    Parameters
    ----------
    run_name : str
    console : Console
    steps : int
        That the run has; 0 where nobody knows.
    expected : mapping, optional
        Step -> seconds that it took the last time.
    """

    def __init__(self, run_name: str, console: Console, steps: int = 0, expected: Mapping[str, float] | None = None) -> None:
        super().__init__(daemon=True)
        self.stages: list[StepSummary] = []
        self._steps, self._expected = steps, expected or {}
        self._run_name, self._console = run_name, console
        self._run_id: UUID | None = None
        self._over = threading.Event()
        self._begun: set[str] = set()
        self._seen_end: set[str] = set()

    def run(self) -> None:
        while not self._over.wait(_POLL_S):
            try:
                self._look()
            except Exception:
                time.sleep(_POLL_S)

    def finish(self) -> None:
        self._over.set()
        self.join()
        with suppress(Exception):  # What ended the run is told by the caller, who asks the server again.
            self._look()

    def _look(self) -> None:
        if self._run_id is None:
            found = Client().list_pipeline_runs(name=self._run_name, hydrate=False)
            if not found.items:
                return
            self._run_id = found.items[0].id
        steps = Client().list_run_steps(pipeline_run_id=self._run_id, size=MOST_STEPS, hydrate=False).items
        for step in sorted(steps, key=lambda step: str(step.start_time or "")):
            name = step.name
            if name in self._seen_end:
                continue
            if name not in self._begun and step.status != ExecutionStatus.CACHED:
                self._begun.add(name)
                self._console.print(f"  [dim]>[/] {name}[dim]{self._place(name)}[/]", highlight=False)
            if step.status in _DONE:
                self._seen_end.add(name)
                cached = step.status == ExecutionStatus.CACHED
                seconds = 0.0
                if not cached and step.start_time and step.end_time:
                    seconds = (step.end_time - step.start_time).total_seconds()
                self.stages.append(StepSummary(name, round(seconds, 3), cached))
                if step.status == ExecutionStatus.FAILED:
                    self._console.print(f"  [red]x[/] {name} failed after {seconds:.1f} s", highlight=False)
                else:
                    self._console.print(f"  [green]+[/] {name} {'cached' if cached else f'{seconds:.1f} s'}", highlight=False)

    def _place(self, name: str) -> str:
        """Which step of how many this is, and how long it took the last time, where that is worth a word."""
        counted = f"  {len(self._begun | self._seen_end)}/{self._steps}" if self._steps else ""
        seconds = self._expected.get(name, 0.0)
        return f"{counted}, {in_words(seconds)}" if seconds >= _WORTH_S and counted else counted
