"""Data quality against the reference: values that are missing, categories and ranges that training never saw."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.report.report import Name, Table
from switchyard.tabular.tables.schema import Column

_SLACK = 0.1
_SHOWN = 5


class ColumnQuality(BaseModel):
    """One column of the window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    missing: float
    missing_before: float
    """Shares of rows without a value, now and in the reference."""
    unseen: float
    """Share of values in categories that training never saw."""
    new_categories: tuple[str, ...]
    """The most frequent of them."""
    outside: float
    """Share of values outside training's range, widened by a tenth on either side."""
    low: float | None
    high: float | None
    """Smallest and largest value now."""
    findings: tuple[str, ...]
    """What is beyond its limit, in words."""


def quality_table(columns: Iterable[ColumnQuality]) -> Table:
    """Missing values, unseen categories and values out of range, one line for each column."""
    headers = ("column", "missing", "in training", "in unseen categories", "outside training's range")
    rows = [(Name(column.column), column.missing, column.missing_before, column.unseen, column.outside) for column in columns]
    return Table(headers, rows, dict.fromkeys(headers, ".1%"))


def compare_quality(window: Window, reference: Reference, settings: Monitoring) -> tuple[ColumnQuality, ...]:
    """Every column of the model that the window has, those with findings first.

    A rise of missing values counts when it is larger than `settings.missing_rise` and than three standard errors of
    both shares.
    """
    found = []
    for column in reference.facts_.columns.columns:
        name = column.name
        if name == reference.facts_.target or name not in reference.facts_.importance:
            continue
        # What is not there was left out of the log on purpose (serving.log_exclude): a model answers no row without all its columns.
        if name in window.rows:
            found.append(_compare(name, column, reference.rows[name], window.rows[name], settings))
    return tuple(sorted(found, key=lambda part: (not part.findings, part.column)))


def _compare(name: str, column: Column, past: pd.Series, current: pd.Series, settings: Monitoring) -> ColumnQuality:
    missing, before = float(current.isna().mean()), float(past.isna().mean())
    known = current.dropna()
    findings, unseen, outside = [], 0.0, 0.0
    fresh: tuple[str, ...] = ()
    low = high = None
    error = np.sqrt(before * (1 - before) / len(past) + missing * (1 - missing) / max(len(current), 1))
    if missing - before > max(settings.missing_rise, 3 * error):
        findings.append(f"{missing:.1%} missing, {before:.1%} in training")
    if column.seen is not None and len(known):
        counts = known.value_counts()
        strange = counts[column.seen.unseen(counts.index.tolist())]
        unseen = int(strange.sum()) / len(known)
        fresh = tuple(strange.index[:_SHOWN])
        if unseen > settings.unseen_share:
            findings.append(f"{unseen:.1%} in categories that training never saw: {', '.join(fresh)}")
    elif column.kind == "numeric" and len(known):
        low, high = float(known.min()), float(known.max())
        bottom, top = _range(column, past)
        outside = float(((known < bottom) | (known > top)).mean())
        if outside > settings.outside_share:
            findings.append(f"{outside:.1%} outside {bottom:,.6g} to {top:,.6g}; now {low:,.6g} to {high:,.6g}")
    return ColumnQuality(
        column=name, missing=missing, missing_before=before, unseen=unseen, new_categories=fresh, outside=outside, low=low, high=high,
        findings=tuple(findings),
    )  # fmt: skip


def _range(column: Column, past: pd.Series) -> tuple[float, float]:
    bounds = [value for value in (column.minimum, column.maximum, past.min(), past.max()) if value is not None and np.isfinite(value)]
    if not bounds:
        return -np.inf, np.inf
    low, high = min(bounds), max(bounds)
    slack = _SLACK * ((high - low) or max(abs(high), 1.0))
    return low - slack, high + slack
