"""`LiveLeaderboard`: the families' best scores while they are tuned, as a table in a terminal or as lines in a log."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from switchyard.tabular.metrics import METRICS
from switchyard.tabular.tuning.events import Event

logger = logging.getLogger(__name__)

_LOG_EVERY_S = 5.0
"""Between two lines about trials that did not beat the best; what beats it is always told."""


class LiveLeaderboard:
    """A `progress` callback for `switchyard.tabular.tuning.tune_family`; use it as a context manager.

    Parameters
    ----------
    console : rich.console.Console, optional
        Where the table goes; standard error when absent. On anything but a terminal, events become log lines.
    """

    def __init__(self, console: Console | None = None):
        self._console = console or Console(stderr=True)
        self._live: Live | None = None
        self._notes: dict[str, str] = {}
        self._best: dict[str, float] = {}
        self._told = float("-inf")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def __call__(self, event: Event) -> None:
        """Show `event`."""
        if event.kind == "finished":
            self._notes[event.family] = event.reason or "done"
        else:
            self._notes[event.family] = "running" if event.left_s is None else f"{max(0.0, event.left_s):.0f} s left"
        if self._live:
            self._live.update(leaderboard_table(event, self._notes))
        self._log(event)

    def _log(self, event: Event) -> None:
        trial = event.trial
        if event.kind == "finished":
            own = next(standing for standing in event.standings if standing.family == event.family)
            best = "no model" if own.best is None else f"{event.metric} {own.best:.5g}"
            logger.info("%s: %s after %d trials%s", event.family, best, own.trials, f" ({event.reason})" if event.reason else "")
        if trial is None:
            return
        sign = METRICS[event.metric].sign
        leads = trial.state == "complete" and sign * trial.score > sign * self._best.get(event.family, -sign * float("inf"))
        if leads:
            self._best[event.family] = trial.score
        if leads or time.monotonic() - self._told > _LOG_EVERY_S:
            self._told = time.monotonic()
            left = "" if event.left_s is None else f", {max(0.0, event.left_s):.0f} s left"
            shown = f"{event.metric} {trial.score:.5g}" if trial.fold_scores else trial.reason
            logger.info("%s trial %d: %s, %s%s%s", event.family, trial.number, trial.state, shown, " (best)" if leads else "", left)


def leaderboard_table(event: Event, notes: dict[str, str]) -> Table:
    """The standings after `event`, best family first."""
    sign = METRICS[event.metric].sign
    table = Table("family", "trials", f"best cv {event.metric}", "", box=None, header_style="bold")
    for standing in sorted(event.standings, key=lambda standing: -sign * standing.best if standing.best is not None else float("inf")):
        best = "" if standing.best is None else f"{standing.best:.5g}"
        style = "bold" if standing.family == event.family else None
        note = notes.get(standing.family, "done" if standing.finished else "waiting")
        table.add_row(standing.family, str(standing.trials), best, note, style=style)
    return table
