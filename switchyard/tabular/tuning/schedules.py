"""`Schedules`: as many iterations as fit the time, for families whose learning rate follows a schedule."""

from __future__ import annotations

import time
from typing import Any

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families.base import Family
from switchyard.tabular.tuning.cores import Cores
from switchyard.tabular.tuning.foldsource import FoldSource


class Schedules:
    """The length of schedules, by what one epoch on the first fold takes.

    A schedule that the clock cuts off leaves a net at a high learning rate.
    """

    def __init__(self, family: Family, problem: Problem, source: FoldSource, n_classes: int, cores: Cores):
        self._family, self._problem, self._source, self._n_classes, self._cores = family, problem, source, n_classes, cores
        self._epoch_s: float | None = None
        self._window = 0.0

    def in_time(self, params: dict[str, Any], until: float) -> dict[str, Any]:
        """`params` with so few iterations that a schedule of that length can end before `until` (`time.monotonic`)."""
        if self._epoch_s is None:
            self._epoch_s = self._measured(params, until)
            self._window = until - time.monotonic()
        most = int(0.8 * self._window / (self._cores.rounds(len(self._source.folds)) * self._epoch_s))
        return self._family.with_iterations(params, max(1, min(params["iterations"], most)))

    def _measured(self, params: dict[str, Any], until: float) -> float:
        """Seconds of one epoch."""
        data = self._source.get(self._family.style, {}, 0)
        estimator = self._family.build(
            task=self._problem.loss,
            params={**params, "iterations": 1},
            seed=self._problem.tuning.seed,
            n_classes=self._n_classes,
            n_jobs=self._cores.threads,
            categorical_sizes=list(data.categorical_sizes),
        )
        # The second of two: the first also loads libraries.
        for _ in range(2):
            began = time.monotonic()
            estimator.fit(
                data.train,
                data.train_target,
                eval_set=(data.valid, data.valid_target),
                deadline=until,
                weights=data.train_weights,
                eval_weights=data.valid_weights,
            )
        return time.monotonic() - began
