"""What it will cost to fit a trial again."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.study import Trial

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
    return fit + _OVERHEAD_S + FAMILIES[family].export_s
