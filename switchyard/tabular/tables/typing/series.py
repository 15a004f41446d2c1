"""`follows_itself`: whether a table is a series, whose rows are best predicted from the rows just before them.

A random split of such a table holds out rows whose neighbours in time trained, and flatters: hourly bike rentals are
reported with an R2 of .96 where the future gets .67.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

_FEWEST_ROWS = 100
_DISTINCT = 0.95
"""Share of distinct moments: rows of one series, not many that happen at a time."""
_STRENGTH, _SIGMAS = 0.3, 5.0
"""The lag-1 autocorrelation must be this large, and this many standard errors of shuffled rows (1 / sqrt(n)) from zero."""


def follows_itself(moments: pd.Series, target: np.ndarray, classification: bool) -> float | None:
    """The lag-1 autocorrelation of the target in the order of time, where the table is a series; else None.

    Parameters
    ----------
    moments : Series of datetime64, shape (n_rows,)
        A table where one is missing is no series.
    target : ndarray of shape (n_rows,)
        Labels or float64.
    classification : bool
        Of labels it is how much more often than by chance neighbours are of one class, by the largest possible; of two
        classes the two definitions are the same.

    Returns
    -------
    float or None
        In (0, 1].
    """
    rows = len(moments)
    if rows < _FEWEST_ROWS or moments.isna().any() or moments.nunique() < _DISTINCT * rows:
        return None
    ordered = target[np.argsort(moments.to_numpy(), kind="stable")]
    if classification:
        chance = float((pd.Series(ordered).value_counts(normalize=True) ** 2).sum())
        found = (float((ordered[1:] == ordered[:-1]).mean()) - chance) / (1 - chance) if chance < 1 else 0.0
    else:
        # Ranks: one extreme value would hide what all the others say.
        found = float(np.nan_to_num(pd.Series(ordered).rank().autocorr(1)))
    return found if found > max(_STRENGTH, _SIGMAS / np.sqrt(rows)) else None
