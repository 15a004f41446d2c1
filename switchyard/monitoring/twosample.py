"""Tests of whether two samples are of one distribution, in which both samples are samples.

Evidently's chi-squared takes the reference's shares as exact: of windows that do not drift it calls p < 0.05 in 22 % where both
sides have 600 rows, and in 98 % where a reference of 600 stands against 20,000. These keep their level at every pair of sizes
(`benchmarks/drift.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

NUMBERS = "ranks and Kolmogorov-Smirnov"
LEVELS = "chi-squared of both samples"
_FEWEST_EXPECTED = 5.0
_FEWEST_OF_A_LEVEL = 3
_LEAST_P = 1e-300


def of_numbers(past: np.ndarray, current: np.ndarray) -> float:
    """p-value of two samples of one number, shapes (n,) and (m,), without missing values.

    Three tests joined by Cauchy's combination, whose level holds whatever they share: of the ranks (a shift), of their squared
    distances from the middle (a change of the spread), both with the exact permutation variance, so ties do no harm; and
    Kolmogorov and Smirnov's of two samples (any change).

    References
    ----------
    Liu & Xie, "Cauchy combination test", *J. Am. Stat. Assoc.* 115 (2020); Lehmann, *Nonparametrics*, 1975, ch. 1 and 2.
    """
    from scipy.stats import ks_2samp, rankdata

    if not len(past) or not len(current):
        return 1.0
    ranks = rankdata(np.concatenate([past, current])) - (len(past) + len(current) + 1) / 2
    found = [_of_scores(scores, len(past)) for scores in (ranks, ranks**2)]
    return combine([*found, float(ks_2samp(past, current, method="asymp").pvalue)])


def of_levels(past: pd.Series, current: pd.Series) -> float:
    """p-value of two samples of one category, without missing values: Pearson's chi-squared of the table of both.

    Levels of which fewer than five are expected on either side count as one there. So that one of them does not become frequent
    unseen, each that is there three times at least is held against both samples by itself too (Fisher's exact test, one-sided,
    Bonferroni over them); which are, the two samples together say, so nothing is chosen by the difference.
    """
    from scipy.stats import chi2

    counts = pd.concat([past.value_counts(), current.value_counts()], axis=1).fillna(0.0).to_numpy("float64")
    sides = counts.sum(axis=0)
    if not sides.all():
        return 1.0
    rare = counts.sum(axis=1) * sides.min() / sides.sum() < _FEWEST_EXPECTED
    surge = _surge(counts[rare], sides) if rare.any() else None
    if rare.any():
        counts = np.vstack([counts[~rare], counts[rare].sum(axis=0)])
        if counts[-1].sum() * sides.min() / sides.sum() < 1:
            counts = counts[:-1]
            sides = counts.sum(axis=0)
    if len(counts) < 2 or not sides.all():
        return 1.0 if surge is None else surge
    expected = np.outer(counts.sum(axis=1), sides) / sides.sum()
    together = float(chi2.sf(((counts - expected) ** 2 / expected).sum(), len(counts) - 1))
    return together if surge is None else min(1.0, 2 * min(together, surge))


def _surge(counts: np.ndarray, sides: np.ndarray) -> float | None:
    """p-value of the level of `counts`, shape (n_levels, 2), that became frequent; None where all are too rare to tell."""
    from scipy.stats import hypergeom

    both = counts.sum(axis=1)
    told = both >= _FEWEST_OF_A_LEVEL
    if not told.any():
        return None
    found = hypergeom.sf(counts[told, 1] - 1, sides.sum(), both[told], sides[1])
    return float(min(1.0, told.sum() * found.min()))


def more_often(now: int, rows: int, before: int, rows_before: int) -> float:
    """p-value of `now` in `rows` beside `before` in `rows_before`, one-sided and exact (Fisher's test)."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(now - 1, rows + rows_before, now + before, rows)) if now else 1.0


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: the chance that any column without drift is below q is at most q, however many there are.

    References
    ----------
    Holm, *Scand. J. Statist.* 6 (1979).
    """
    names = sorted(p_values, key=lambda name: p_values[name])
    raised = [min(1.0, p_values[name] * (len(names) - place)) for place, name in enumerate(names)]
    adjusted = dict(zip(names, np.maximum.accumulate(raised).tolist() if raised else [], strict=True))
    return {name: adjusted[name] for name in p_values}


def combine(p_values: Sequence[float]) -> float:
    """Cauchy's combination of p-values that may depend on each other."""
    p = np.clip(np.asarray(p_values, dtype="float64"), _LEAST_P, 1.0)
    # tan is 1 / (pi p) for small p, where 0.5 - p is 0.5; near one it would outweigh all others.
    terms = np.where(p < 1e-8, 1 / (np.pi * p), np.tan((0.5 - np.minimum(p, 0.99)) * np.pi))
    mean = float(terms.mean())
    return 1 / (np.pi * mean) if mean > 1e8 else 0.5 - float(np.arctan(mean)) / np.pi


def _of_scores(scores: np.ndarray, first: int) -> float:
    from scipy.stats import norm

    rows = len(scores)
    variance = scores.var() * (rows - first) / (first * (rows - 1)) if rows > 1 else 0.0
    if variance <= 0:
        return 1.0
    return float(2 * norm.sf(abs(scores[:first].mean() - scores.mean()) / np.sqrt(variance)))
