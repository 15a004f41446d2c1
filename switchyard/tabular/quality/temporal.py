"""Time that does not add up: impossible or stray dates, gaps, files out of order, and jumps of the target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import TASKS

EARLIEST, LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")
"""Dates outside are typing errors or place holders."""
MIN_GAP_SHARE, MIN_GAP_STEPS = 0.1, 10.0
"""A gap is longer than this share of the whole span and than this many usual steps."""
MIN_RATE_JUMP, MIN_MEAN_JUMP = 0.15, 0.75
"""Between neighbouring tenths of the rows: of a class's share, and of the target's mean in standard deviations."""
_MIN_ROWS = 100


def check_temporal(split: Split, problem: Problem) -> Iterator[Finding]:
    """Impossible dates in any datetime column; the rest where a time column (or `@row`) is given."""
    frame = pd.concat([split.train, split.holdout], ignore_index=True)
    for column in split.schema.columns:
        if column.kind == "datetime" and column.role != "ignored":
            yield from _impossible(frame[column.name], problem)
    time = split.schema.time
    if time is not None:
        ordered = frame.dropna(subset=[time.name]).sort_values(time.name, kind="stable")
        moments = ordered[time.name]
        # Impossible dates have their own finding, and differences of three centuries overflow; a time may be plain numbers, too.
        possible = moments[(moments >= EARLIEST) & (moments < LATEST)] if time.kind == "datetime" else moments
        yield from _missing_moments(frame[time.name], problem)
        yield from _stray(possible, problem)
        yield from _gap(possible, problem)
        yield from _jump(ordered[problem.data.target], f"{time.name!r}", problem)
    elif problem.data.time_column == "@row":
        # Only a time split keeps the file's order across both parts.
        ordered = frame if split.kind == "time" else split.train
        yield from _unordered(ordered, split, problem)
        yield from _jump(ordered[problem.data.target], "file order", problem)


def _finding(problem: Problem, column: str | None, measured: float, limit: float | None, message: str) -> Finding:
    return Finding(check="temporal", column=column, action=action_for(problem, "temporal"), measured=measured, limit=limit, message=message)


def _impossible(values: pd.Series, problem: Problem) -> Iterator[Finding]:
    wrong = values[(values < EARLIEST) | (values >= LATEST)]
    if len(wrong):
        yield _finding(
            problem,
            str(values.name),
            len(wrong) / len(values),
            0,
            f"{values.name!r} has {len(wrong):,} dates before {EARLIEST.year} or after {LATEST.year - 1}, such as {wrong.iloc[0].date()};"
            " correct them at the source or leave them empty",
        )


def _missing_moments(values: pd.Series, problem: Problem) -> Iterator[Finding]:
    missing = int(values.isna().sum())
    if missing:
        yield _finding(
            problem,
            str(values.name),
            missing / len(values),
            0,
            f"time column {values.name!r} is empty in {missing:,} of {len(values):,} rows, which have no place in time; fill it or drop"
            " these rows",
        )


def _shown(moment: Any) -> str:
    """A moment of a time column: a day, or a number."""
    return str(moment.date()) if isinstance(moment, pd.Timestamp) else f"{moment:g}"


def _stray(moments: pd.Series, problem: Problem) -> Iterator[Finding]:
    """Moments further from the middle 98 % than these are wide."""
    if len(moments) < _MIN_ROWS:
        return
    low, high = moments.quantile(0.01), moments.quantile(0.99)
    span = high - low
    for what, stray in (("in the future of", moments[moments - high > span]), ("long before", moments[low - moments > span])):
        if high > low and len(stray):
            yield _finding(
                problem,
                str(moments.name),
                len(stray) / len(moments),
                0,
                f"{len(stray):,} rows of {moments.name!r} lie {what} all the others ({_shown(stray.iloc[-1])}; the rest is {_shown(low)} to"
                f" {_shown(high)}); check these dates",
            )


def _gap(moments: pd.Series, problem: Problem) -> Iterator[Finding]:
    low, high = moments.quantile(0.01), moments.quantile(0.99)
    distinct = moments[(moments >= low) & (moments <= high)].drop_duplicates()
    if len(distinct) < 10:
        return
    steps = distinct.diff().dropna()
    longest, usual, span = steps.max(), steps.quantile(0.9), distinct.iloc[-1] - distinct.iloc[0]
    share = longest / span
    if share > MIN_GAP_SHARE and longest > MIN_GAP_STEPS * usual:
        end = distinct[steps.idxmax()]
        yield _finding(
            problem,
            str(moments.name),
            share,
            MIN_GAP_SHARE,
            f"{moments.name!r} has no rows from {_shown(end - longest)} to {_shown(end)} ({share:.0%} of the whole time); check whether"
            " rows were lost",
        )


def _unordered(ordered: pd.DataFrame, split: Split, problem: Problem) -> Iterator[Finding]:
    """The table's own dates tell whether its rows stand in the order of time."""
    for column in split.schema.columns:
        if column.kind != "datetime" or column.role == "ignored":
            continue
        values = ordered[column.name].dropna()
        if len(values) < _MIN_ROWS:
            continue
        ranks = values.rank().to_numpy()
        order = float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1]) if values.nunique() > 1 else 1.0
        if order < 0.9:
            how = "backwards" if order < -0.9 else "not"
            yield _finding(
                problem,
                column.name,
                order,
                0.9,
                f"data.time_column is @row, but the rows are {how} in the order of {column.name!r} (rank correlation {order:.2f}); "
                f"sort the file, or set data.time_column: {column.name}",
            )


def _jump(target: pd.Series, order: str, problem: Problem) -> Iterator[Finding]:
    """A note, not a fault: the past may be a poor guide where the target's level jumps."""
    if len(target) < 10 * _MIN_ROWS or not TASKS[problem.task].target:
        return
    tenth = np.arange(len(target)) * 10 // len(target)
    if TASKS[problem.task].classification:
        levels = pd.crosstab(tenth, target.to_numpy(), normalize="index")
        limit, what = MIN_RATE_JUMP, "share of a class"
    else:
        spread = target.std() or 1.0
        levels = target.groupby(tenth).mean().to_frame() / spread
        limit, what = MIN_MEAN_JUMP, "mean in standard deviations"
    steps = levels.diff().abs().max(axis=1)
    if steps.max() > limit:
        at = int(steps.to_numpy()[1:].argmax()) + 1
        yield Finding(
            check="temporal",
            column=str(target.name),
            action="note",
            measured=float(steps.max()),
            limit=limit,
            message=(
                f"the {what} of {target.name!r} changes by {steps.max():.2f} between tenths {at} and {at + 1} of the rows by {order}; "
                "expect the holdout to differ from cross-validation"
            ),
        )
