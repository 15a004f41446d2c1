"""The `Monitor`: decides between two iterations whether a fit goes on, for all families alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from switchyard.tabular.families.strides import Strides
from switchyard.tabular.tables.progress import Progress

REPORT_EVERY = 10
"""Iterations between two reports of boosting: a report may write to storage and costs more than a tree."""


class Monitor:
    """Watches deadline, pruning and patience.

    Parameters
    ----------
    deadline : float or None
        `time.monotonic()` seconds.
    report : callable or None
        `report(step, loss) -> stop`.
    patience : int or None
        Iterations without a better loss after which the fit ends.
    strides : Strides, optional
        Of a fit to many rows: its learning rates, by the clock. How far it is is logged.

    Attributes
    ----------
    best_step : int
        Number of iterations at the smallest loss; 0 when no loss was seen.
    best_loss : float
    """

    def __init__(
        self,
        deadline: float | None,
        report: Callable[[int, float], bool] | None,
        patience: int | None,
        strides: Strides | None = None,
    ) -> None:
        self._strides = strides
        self._progress: Progress | None = None
        self._deadline, self._report, self._patience = deadline, report, patience
        self.best_step, self.best_loss = 0, math.inf

    @property
    def attentive(self) -> bool:
        """Whether anyone may end the fit between iterations."""
        return self._deadline is not None or self._report is not None

    def late(self) -> bool:
        """Whether the deadline has passed."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def rate(self) -> float | None:
        """Asked before each iteration of boosting: its learning rate, where that is not the recipe's for all."""
        if self._strides is None:
            return None
        # From the first iteration on: what comes before, as bins, says nothing of their pace.
        self._progress = self._progress or Progress("fitted", None, "rounds")
        rate = self._strides.next()
        return rate if self._strides.timed else None

    def step(self, done: int, loss: float | None = None, report_every: int = 1) -> bool:
        """Tell that `done` iterations are made and what the validation loss is now; True means stop."""
        if self._strides is not None and self._progress is not None:
            self._progress.at(done, done + self._strides.left)
            if not self._strides.left:
                return True
        if loss is not None:
            if loss < self.best_loss:
                self.best_step, self.best_loss = done, loss
            if self._report is not None and done % report_every == 0 and self._report(done, loss):
                return True
            if self._patience is not None and done - self.best_step >= self._patience:
                return True
        return self.late()
