"""What it will cost to fit a trial again."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.tuning.study import Trial

EXPORT_S = {"lightgbm": 0.5, "xgboost": 0.5, "random_forest": 1.0, "neural_network": 0.7}
"""Seconds that writing one member into the bundle takes, parity check included."""
_OVERHEAD_S = 0.3


def refit_seconds(trial: Trial, family: str, rows: int | None = None) -> float:
    """Estimated wall seconds to fit a complete trial to all `rows` and to export it.

    Parameters
    ----------
    rows : int, optional
        A quarter more than the largest fold had when absent.
    """
    rows = rows or int(1.25 * max(trial.train_rows))
    fit = float(np.mean(np.array(trial.fit_seconds) * rows / np.array(trial.train_rows)))
    return fit + _OVERHEAD_S + EXPORT_S.get(family, 0.7)
