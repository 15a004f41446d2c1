"""Statistics and distribution of one column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.profile.records import ColumnProfile, Distribution, Numbers, rounded
from switchyard.tabular.profile.target import TargetSeries
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.table import model_values

BINS = 24
TOP_CATEGORIES = 12
_LABEL = 60


def profile_column(whole: pd.Series, sample: pd.Series, column: Column, target: TargetSeries) -> ColumnProfile:
    """The profile of `column`: statistics of the `whole` table's values, distribution of the `sample`'s."""
    numbers, distribution = None, Distribution()
    if column.kind in ("numeric", "boolean", "datetime"):
        values = model_values(whole, column)
        if column.kind != "boolean":
            # Epoch seconds need ten digits to tell one second from the next.
            numbers = describe(values, 10 if column.kind == "datetime" else 6)
        values = values if sample is whole else model_values(sample, column)
        distribution = _histogram(values, target, integral=column.kind != "datetime")
    elif column.role != "id" and column.kind == "categorical":
        distribution = _categories(sample, target)
    return ColumnProfile(
        name=column.name,
        kind=column.kind,
        role=column.role,
        missing=int(whole.isna().sum()),
        unique=int(whole.nunique()),
        numbers=numbers,
        distribution=distribution,
    )


def describe(values: np.ndarray, digits: int = 6) -> Numbers | None:
    """Statistics of float values of shape (n,), NaN left out, to `digits` significant digits; None where no value is left."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, q05, q25, median, q75, q95, high = np.quantile(values, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1))
    fence = 1.5 * (q75 - q25)
    with np.errstate(over="ignore"):  # Beyond 1e154 squares overflow: such statistics are left empty.
        mean, std = values.mean(), values.std()
    z = (values - mean) / std if std > 0 else np.zeros_like(values)
    known = {
        "mean": mean,
        "std": std,
        "minimum": low,
        "q05": q05,
        "q25": q25,
        "median": median,
        "q75": q75,
        "q95": q95,
        "maximum": high,
        "skewness": (z**3).mean(),
        "kurtosis": (z**4).mean() - 3.0,
    }
    return Numbers(
        **{name: rounded(value, digits) for name, value in known.items()},
        zeros=int((values == 0).sum()),
        negatives=int((values < 0).sum()),
        iqr_outliers=int(((values < q25 - fence) | (values > q75 + fence)).sum()),
        z_outliers=int((np.abs(z) > 3).sum()),
    )


def _histogram(values: np.ndarray, target: TargetSeries, integral: bool) -> Distribution:
    known = np.isfinite(values)
    inside = values[known]
    if not len(inside):
        return Distribution()
    levels = np.unique(inside)
    if integral and len(levels) <= TOP_CATEGORIES:
        codes = np.full(len(values), -1)
        codes[known] = np.searchsorted(levels, inside)
        return Distribution(
            labels=tuple(f"{level:g}" for level in levels),
            counts=tuple(np.bincount(codes[known], minlength=len(levels)).tolist()),
            target=target.by(codes, len(levels)),
        )
    low, q25, q75, high = np.quantile(inside, (0, 0.25, 0.75, 1))
    # A few extremes must not squeeze everything else into one bin: they are counted in the outer bins.
    fence = 3.0 * (q75 - q25)
    if fence > 0:
        low, high = max(low, q25 - fence), min(high, q75 + fence)
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    codes = np.full(len(values), -1)
    codes[known] = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, BINS - 1)
    return Distribution(
        edges=tuple(float(f"{edge:.10g}") for edge in edges),
        counts=tuple(np.bincount(codes[known], minlength=BINS).tolist()),
        target=target.by(codes, BINS),
    )


def _categories(values: pd.Series, target: TargetSeries) -> Distribution:
    # By count, then by name, so that ties do not depend on the order of the rows.
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    top = counts.index[:TOP_CATEGORIES]
    codes = pd.Categorical(values, categories=top).codes.astype("int64")
    return Distribution(
        labels=tuple(str(label)[:_LABEL] for label in top),
        counts=tuple(int(count) for count in counts.iloc[:TOP_CATEGORIES]),
        others=int(counts.iloc[TOP_CATEGORIES:].sum()),
        target=target.by(codes, len(top)),
    )
