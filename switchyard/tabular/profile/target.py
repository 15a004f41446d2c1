"""The target as numbers that can be averaged within a bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.profile.records import rounded
from switchyard.tabular.tables.typing.targets import in_natural_order

MAX_SERIES = 6
MIN_BIN_ROWS = 5
"""Bins of fewer rows show no level: it would be noise."""


@dataclass(frozen=True)
class TargetSeries:
    """What charts show of the target: `values` of shape (n_rows, n_series), named by `series`."""

    series: tuple[str, ...]
    values: np.ndarray

    def by(self, codes: np.ndarray, bins: int) -> tuple[tuple[float | None, ...], ...]:
        """The mean of each series in each bin; rows with a negative code or without a target are left out."""
        known = (codes >= 0) & np.isfinite(self.values).all(axis=1)
        counts = np.bincount(codes[known], minlength=bins).astype("float64")
        counts[counts < MIN_BIN_ROWS] = np.nan
        means = [np.bincount(codes[known], self.values[known, k], bins) / counts for k in range(len(self.series))]
        return tuple(tuple(rounded(value) for value in mean) for mean in means)


def read_target(frame: pd.DataFrame, problem: Problem) -> TargetSeries:
    """The target of `frame` for `problem`'s task."""
    name = problem.data.target
    values = frame[name]
    if problem.task == "regression":
        return TargetSeries((f"mean {name}",), values.to_numpy("float64")[:, None])
    classes = in_natural_order(values.dropna().unique())
    if len(classes) <= 2:
        positive = problem.positive_class if problem.positive_class in classes else classes[-1]
        shown = [positive]
    else:
        shown = values.value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:MAX_SERIES].tolist()
    columns = [np.where(values.isna(), np.nan, values == label).astype("float64") for label in shown]
    return TargetSeries(tuple(f"share of {label}" for label in shown), np.column_stack(columns))
