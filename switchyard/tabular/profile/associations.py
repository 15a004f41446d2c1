"""Which columns go together, and which with the target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.profile.records import Association, Pair, rounded
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.table import model_frame, model_values
from switchyard.tabular.tasks import TASKS

MAX_LEVELS = 100
"""Categories beyond the most frequent count as one."""
REDUNDANT = 0.8
"""Pairs of columns from this association on are listed."""
_MIN_ROWS = 20
_MAX_PAIRS = 30
Matrix = tuple[tuple[float | None, ...], ...]


def cramers_v(first: np.ndarray, second: np.ndarray) -> float:
    """Cramer's V of two categorical variables, corrected for bias.

    Parameters
    ----------
    first, second : ndarray of shape (n,)
        Codes from 0; pairs with a negative code are left out.

    Returns
    -------
    float
        0 (independent) to 1; 0 where either has fewer than two categories.

    References
    ----------
    Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", *J. Korean Stat. Soc.* 42 (2013).
    """
    known = (first >= 0) & (second >= 0)
    first, second, n = first[known], second[known], int(known.sum())
    if n < 2:
        return 0.0
    width = int(second.max()) + 1
    counts = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width).reshape(-1, width).astype("float64")
    counts = counts[counts.sum(1) > 0][:, counts.sum(0) > 0]
    r, k = counts.shape
    if min(r, k) < 2:
        return 0.0
    expected = np.outer(counts.sum(1), counts.sum(0)) / n
    phi2 = float(((counts - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi2 / smaller))) if smaller > 0 else 0.0


def correlation_ratio(codes: np.ndarray, values: np.ndarray) -> float:
    """Correlation ratio (eta) of a number with a categorical variable.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Categories from 0; negative codes and NaN values are left out.
    values : ndarray of float, shape (n,)

    Returns
    -------
    float
        0 (equal means in every category) to 1; its square is the share of variance between categories, corrected
        for the number of categories.

    References
    ----------
    Kelley, "An unbiased correlation ratio measure", *PNAS* 21 (1935).
    """
    known = (codes >= 0) & np.isfinite(values)
    codes, values = codes[known], values[known]
    n, levels = len(values), len(np.unique(codes))
    if n <= levels or levels < 2:
        return 0.0
    # Centred first, for a large offset (epoch seconds) would cost the digits that matter; scaled, for squares overflow.
    values = values - values.mean()
    largest = np.abs(values).max()
    if not largest > 0:
        return 0.0
    values = values / largest
    total = float((values**2).sum())
    counts, sums = np.bincount(codes), np.bincount(codes, values)
    between = float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
    unexplained = (1.0 - between / total) * (n - 1) / (n - levels)
    return float(np.sqrt(max(0.0, 1.0 - unexplained)))


def codes_of(values: pd.Series) -> np.ndarray:
    """Category codes from 0, most frequent first, at most `MAX_LEVELS`; -1 where missing."""
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    codes = pd.Categorical(values, categories=counts.index).codes.astype("int64")
    return np.minimum(codes, MAX_LEVELS - 1)


def correlate(frame: pd.DataFrame, columns: Sequence[Column]) -> tuple[tuple[str, ...], Matrix, Matrix]:
    """Pearson and Spearman correlations of the numeric and boolean columns, over rows that have both values.

    Ranks are taken within each column once, so with missing values Spearman's is that of the ranks, not re-ranked per pair.
    """
    chosen = tuple(column for column in columns if column.kind in ("numeric", "boolean") and column.role in ("feature", "target"))
    values = model_frame(frame, chosen)
    values = values.loc[:, values.nunique() > 1]
    matrices = (data.corr(min_periods=_MIN_ROWS).to_numpy() for data in (values, values.rank()))
    pearson, spearman = (tuple(tuple(rounded(cell) for cell in line) for line in matrix) for matrix in matrices)
    return tuple(values.columns), pearson, spearman


def associate(frame: pd.DataFrame, columns: Sequence[Column], problem: Problem) -> tuple[Association, ...]:
    """Every feature's association with the target, strongest first."""
    classification = TASKS[problem.task].classification
    features = [column for column in columns if column.role == "feature" and column.kind != "text"]
    target = frame[problem.data.target]
    target_codes = codes_of(target) if classification else None
    target_ranks = None if classification else target.rank()
    found = []
    for column in features:
        if column.kind in ("numeric", "datetime"):
            values = pd.Series(model_values(frame[column.name], column), index=frame.index)
            if classification:
                measure, value = "correlation_ratio", correlation_ratio(target_codes, values.to_numpy())
            else:
                related = values.rank().corr(target_ranks, min_periods=_MIN_ROWS) if values.nunique() > 1 else 0.0
                measure, value = "|spearman|", abs(related)
        else:
            codes = codes_of(frame[column.name])
            if classification:
                measure, value = "cramers_v", cramers_v(codes, target_codes)
            else:
                measure, value = "correlation_ratio", correlation_ratio(codes, target.to_numpy("float64"))
        found.append(Association(column=column.name, measure=measure, value=rounded(value) or 0.0))
    return tuple(sorted(found, key=lambda item: -item.value))


def strongest_pairs(frame: pd.DataFrame, columns: Sequence[Column], numeric: Sequence[str], spearman: Matrix) -> tuple[Pair, ...]:
    """Pairs of features that say much the same: numbers by Spearman, categories by Cramer's V."""
    features = {column.name for column in columns if column.role == "feature"}
    pairs = [
        Pair(first=numeric[i], second=numeric[j], measure="spearman", value=spearman[i][j])
        for i, j in combinations(range(len(numeric)), 2)
        if spearman[i][j] is not None and abs(spearman[i][j]) >= REDUNDANT and {numeric[i], numeric[j]} <= features
    ]
    codes = {column.name: codes_of(frame[column.name]) for column in columns if column.role == "feature" and column.kind == "categorical"}
    for first, second in combinations(codes, 2):
        value = cramers_v(codes[first], codes[second])
        if value >= REDUNDANT:
            pairs.append(Pair(first=first, second=second, measure="cramers_v", value=rounded(value)))
    return tuple(sorted(pairs, key=lambda pair: -abs(pair.value))[:_MAX_PAIRS])
