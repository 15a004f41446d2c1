"""Data quality against the reference: values that are missing, categories and ranges that training never saw."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.monitoring.reference import Reference
from switchyard.monitoring.twosample import more_often
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

    A finding is beyond its limit, and as good as certain: the chance that any column of a window like the training has one
    is below `settings.p_at_once`, whatever the numbers of rows.
    """
    # What is not there was left out of the log on purpose (serving.log_exclude): a model answers no row without all its columns.
    facts = reference.facts
    columns = [c for c in facts.columns.columns if c.name != facts.target and c.name in facts.importance and c.name in window.rows]
    limit = settings.p_at_once / max(1, len(columns))
    found = [_compare(column, reference.rows[column.name], window.rows[column.name], settings, limit) for column in columns]
    return tuple(sorted(found, key=lambda part: (not part.findings, part.column)))


def _compare(column: Column, past: pd.Series, current: pd.Series, settings: Monitoring, limit: float) -> ColumnQuality:
    known, known_past = current.dropna(), past.dropna()
    blank, blank_past = len(current) - len(known), len(past) - len(known_past)
    missing, before = blank / max(len(current), 1), blank_past / max(len(past), 1)
    findings, unseen, outside = [], 0.0, 0.0
    fresh: tuple[str, ...] = ()
    low = high = None
    if missing - before > settings.missing_rise and more_often(blank, len(current), blank_past, len(past)) < limit:
        findings.append(f"{missing:.1%} missing, {before:.1%} in training")
    if column.seen is not None and len(known):
        counts, counts_past = known.value_counts(), known_past.value_counts()
        strange = counts[column.seen.unseen(counts.index.tolist())]
        unseen, fresh = int(strange.sum()) / len(known), tuple(strange.index[:_SHOWN])
        # The share of values still unseen is about that of those seen once (Good, Biometrika 40, 1953).
        once = int((counts_past == 1).sum())
        if unseen > settings.unseen_share and more_often(int(strange.sum()), len(known), once, len(known_past)) < limit:
            findings.append(f"{unseen:.1%} in categories that training never saw: {', '.join(fresh)}")
    elif column.kind == "numeric" and len(known):
        low, high = float(known.min()), float(known.max())
        bottom, top = _range(column, past)
        beyond = int(((known < bottom) | (known > top)).sum())
        outside = beyond / len(known)
        # One more on the other side: of a sample's range nobody knows how far the next one goes.
        if outside > settings.outside_share and more_often(beyond, len(known), 1, len(known_past)) < limit:
            findings.append(f"{outside:.1%} outside {bottom:,.6g} to {top:,.6g}; now {low:,.6g} to {high:,.6g}")
    return ColumnQuality(
        column=column.name, missing=missing, missing_before=before, unseen=unseen, new_categories=fresh, outside=outside,
        low=low, high=high, findings=tuple(findings),
    )  # fmt: skip


def outside_share(window: Window, reference: Reference, settings: Monitoring) -> tuple[float, str]:
    """Share of the window's values in no category of training or outside its range, by the weight of their column; and the
    column that has most of it."""
    weights = reference.facts.importance
    shares = {part.column: weights[part.column] * (part.unseen + part.outside) for part in compare_quality(window, reference, settings)}
    return sum(shares.values()), max(shares, key=lambda name: shares[name], default="")


def _range(column: Column, past: pd.Series) -> tuple[float, float]:
    bounds = [value for value in (column.minimum, column.maximum, past.min(), past.max()) if value is not None and np.isfinite(value)]
    if not bounds:
        return -np.inf, np.inf
    low, high = min(bounds), max(bounds)
    slack = _SLACK * ((high - low) or max(abs(high), 1.0))
    return low - slack, high + slack
