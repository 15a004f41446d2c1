"""DeLong's test of two ROC-AUCs on the same rows."""

from __future__ import annotations

import numpy as np


def delong_p(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p-value that two scores of the same rows have the same ROC-AUC.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    first, second : ndarray of float, shape (n,)

    References
    ----------
    DeLong, DeLong & Clarke-Pearson, *Biometrics* 44, 1988; placements by midranks as in Sun & Xu, *IEEE Signal
    Processing Letters* 21, 2014.
    """
    from scipy import stats

    n_pos, n_neg = int(positive.sum()), int((~positive).sum())
    if min(n_pos, n_neg) < 2:
        return 1.0
    of_positives, of_negatives = [], []
    for score in (first, second):
        rank = stats.rankdata(score)
        of_positives.append((rank[positive] - stats.rankdata(score[positive])) / n_neg)
        of_negatives.append(1 - (rank[~positive] - stats.rankdata(score[~positive])) / n_pos)
    difference = np.mean(of_positives[0]) - np.mean(of_positives[1])
    variance = np.var(of_positives[0] - of_positives[1], ddof=1) / n_pos + np.var(of_negatives[0] - of_negatives[1], ddof=1) / n_neg
    if variance == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * stats.norm.sf(abs(difference) / np.sqrt(variance)))
