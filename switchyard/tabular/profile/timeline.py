"""The table over time: how many rows, what the target did, and which features moved."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.profile.associations import codes_of, correlation_ratio, cramers_v
from switchyard.tabular.profile.records import Association, Timeline, rounded
from switchyard.tabular.profile.target import read_target
from switchyard.tabular.tables.schema import Schema

MAX_PERIODS = 24
SHOWN_FEATURES = 8
_CALENDAR = ("D", "W", "M", "Q", "Y")


def profile_time(frame: pd.DataFrame, schema: Schema, problem: Problem) -> Timeline | None:
    """The timeline of `frame` by its time column or, for `@row`, by the order of its rows; None where there is neither."""
    time = schema.time
    if time is not None:
        codes, starts = _calendar(frame[time.name])
        name = time.name
    elif problem.data.time_column == "@row":
        codes = np.arange(len(frame)) * 20 // max(len(frame), 1)
        starts, name = [f"row {int(np.searchsorted(codes, code)):,}" for code in range(int(codes.max(initial=-1)) + 1)], "@row"
    else:
        return None
    if len(starts) < 2:
        return None
    moving, means = [], {}
    for column in schema.features:
        if column.kind == "categorical":
            moving.append(
                Association(column=column.name, measure="cramers_v", value=rounded(cramers_v(codes_of(frame[column.name]), codes)) or 0.0)
            )
        elif column.kind in ("numeric", "boolean"):
            value = correlation_ratio(codes, frame[column.name].to_numpy("float64"))
            moving.append(Association(column=column.name, measure="correlation_ratio", value=rounded(value) or 0.0))
    moving = sorted(moving, key=lambda item: -item.value)[:SHOWN_FEATURES]
    for item in moving:
        if item.measure == "correlation_ratio":
            per_period = frame[item.column].groupby(codes).mean().reindex(range(len(starts)))
            means[item.column] = tuple(rounded(value) for value in per_period)
    return Timeline(
        column=name,
        starts=tuple(starts),
        rows=tuple(np.bincount(codes[codes >= 0], minlength=len(starts)).tolist()),
        target=read_target(frame, problem).by(codes, len(starts)),
        moving=tuple(moving),
        means=means,
    )


def _calendar(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Codes of calendar periods, as fine as fits into `MAX_PERIODS`, and their first days; -1 where the time is missing."""
    for frequency in _CALENDAR:
        periods = values.dt.to_period(frequency)
        first, last = periods.min(), periods.max()
        if pd.isna(first):
            return np.full(len(values), -1), []
        count = (last - first).n + 1
        if count <= MAX_PERIODS:
            break
    else:
        # Centuries of data, or one absurd date: equal rows instead.
        ranks = values.rank(method="first").to_numpy()
        codes = np.where(np.isnan(ranks), -1, (np.nan_to_num(ranks, nan=1.0) - 1) * 20 // values.notna().sum()).astype("int64")
        return codes, [str(values[codes == code].min().date()) for code in range(int(codes.max()) + 1)]
    ordinals = periods.array.asi8
    codes = np.where(periods.isna(), -1, ordinals - first.ordinal).astype("int64")
    return codes, [str((first + step).start_time.date()) for step in range(count)]
