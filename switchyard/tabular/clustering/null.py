"""Tables that have no groups and else are like one that may have."""

from __future__ import annotations

import numpy as np


def same_columns_and_correlations(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One cloud with the columns of `rows`, value by value, and their rank correlations (a Gaussian copula), and nothing else."""
    from scipy.stats import norm, rankdata

    varying = np.flatnonzero(np.ptp(rows, axis=0) > 0)
    scores = norm.ppf(rankdata(rows[:, varying], axis=0) / (len(rows) + 1))
    covariance = np.atleast_2d(np.cov(scores, rowvar=False))
    drawn = rng.multivariate_normal(np.zeros(len(varying)), covariance, len(rows), method="eigh", check_valid="ignore")
    made = rows.copy()
    for place, column in enumerate(varying):
        made[np.argsort(drawn[:, place]), column] = np.sort(rows[:, column])
    return made
