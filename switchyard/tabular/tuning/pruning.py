"""When a trial is not worth finishing: `Race` between folds, `CurveBound` inside a fit.

Both compare with complete trials of the same family on the same folds and consult no clock, so equal runs prune equally.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from switchyard.tabular.tuning.study import Trial, ranked

_RIVALS = 3
"""Complete trials before anything is pruned, and the rank a trial must still be able to reach."""


class Race:
    """Drops a trial once its folds so far say that it will not be among the best three of its family.

    The folds are the same for every trial, so the difference between two trials varies far less from fold to fold
    than their scores do. The tolerance is the standard error of such differences.

    Parameters
    ----------
    trials : sequence of Trial
        What is finished so far.
    metric : str
        Name of the metric.
    sign : float
        +1 when greater is better, else -1.
    """

    def __init__(self, trials: Sequence[Trial], metric: str, sign: float):
        rivals = [trial for trial in ranked(list(trials), metric)]
        self._ready = len(rivals) >= _RIVALS
        self._sign = sign
        if self._ready:
            scores = sign * np.array([rival.fold_scores for rival in rivals])
            self._third = scores[_RIVALS - 1]
            self._spread = float(np.median(np.std(scores[1:] - scores[0], axis=1)))

    def lost(self, fold_scores: Sequence[float]) -> str:
        """Why the trial with these first fold scores is out of the race; empty while it is in."""
        reached = len(fold_scores)
        if not self._ready or not 0 < reached < len(self._third):
            return ""
        deficit = float(np.mean(self._third[:reached] - self._sign * np.asarray(fold_scores)))
        tolerance = self._spread / reached**0.5
        return f"behind the third best by {deficit:.4g} after {reached} of {len(self._third)} folds" if deficit > tolerance else ""


class CurveBound:
    """Stops a fit on the first fold that cannot reach the median of earlier trials even if it went on improving.

    Validation losses of boosting and nets flatten as they fall, so a straight line through the latest stretch is a
    bound from below on what is to come. Unlike a comparison at equal steps this does not punish small learning rates.

    Parameters
    ----------
    trials : sequence of Trial
        What is finished so far.
    iterations : int or None
        Steps the fit may take at most; without it nothing is stopped.
    """

    def __init__(self, trials: Sequence[Trial], iterations: int | None):
        losses = [trial.first_loss for trial in trials if trial.state == "complete" and trial.first_loss is not None]
        self._goal = float(np.median(losses)) if len(losses) >= _RIVALS and iterations else None
        self._iterations = iterations or 0
        self._curve: list[float] = []
        self.stopped = False

    @property
    def best_loss(self) -> float | None:
        """Lowest loss reported so far."""
        return min(self._curve) if self._curve else None

    def __call__(self, step: int, loss: float) -> bool:
        """Note the validation loss at `step` (from 0); True asks the fit to stop."""
        self._curve.append(float(loss))
        seen = len(self._curve)
        if self._goal is None or seen < max(10, self._iterations // 10):
            return False
        before = self._curve[int(0.8 * (seen - 1))]
        fall = max(0.0, before - self._curve[-1]) / max(1, seen - 1 - int(0.8 * (seen - 1)))
        per_report = (step + 1) / seen
        self.stopped = min(self._curve) - fall * (self._iterations - step - 1) / per_report > self._goal
        return self.stopped
