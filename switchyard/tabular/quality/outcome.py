"""Columns from the future: written after the moment of prediction, so empty or different when the model is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import TASKS

MIN_LATER_SHARE = 0.5
"""A datetime feature that is later than the row's own time in more than this share of rows comes from the future."""
MIN_COVERAGE = 0.05
"""A post-outcome column is filled in for at least this share of its class; less says little either way."""
_MAX_CHANCE = 1e-6
_AMOUNT_VALUES = 20


def check_future(split: Split, problem: Problem) -> Iterator[Finding]:
    """Dates after the row's own moment, and columns that are filled in only once the outcome is known."""
    yield from _later_dates(split, problem)
    for column in split.schema.features:
        known = split.train[column.name].notna().to_numpy()
        sides = []
        if 0 < known.sum() < len(known):
            sides += [("filled in", known), ("empty", ~known)]
        if column.kind == "numeric" and split.train[column.name].nunique() > _AMOUNT_VALUES:
            # Amounts are often 0 rather than empty where nothing happened yet (recoveries, refunds).
            sides.append(("filled in and not 0", known & (split.train[column.name].to_numpy() != 0)))
        for what, side in sides:
            found = _one_outcome(split.train[problem.data.target], side, problem)
            if found:
                outcome, purity = found
                yield Finding(
                    check="future_column",
                    column=column.name,
                    action=action_for(problem, "future_column", column.name),
                    measured=purity,
                    limit=problem.quality.leakage_score,
                    message=(
                        f"{column.name!r} is {what} in {int(side.sum()):,} training rows and {purity:.1%} of these are {outcome}: it looks"
                        f" written after the outcome; set data.columns.{column.name}.role: ignored, or role: feature if it is known before"
                    ),
                )
                break


def _later_dates(split: Split, problem: Problem) -> Iterator[Finding]:
    time = split.schema.time
    if time is None:
        return
    for column in split.schema.features:
        if column.kind != "datetime":
            continue
        both = split.train[[column.name, time.name]].dropna()
        later = float((both[column.name] > both[time.name]).mean()) if len(both) else 0.0
        if later > MIN_LATER_SHARE:
            yield Finding(
                check="future_column",
                column=column.name,
                action=action_for(problem, "future_column", column.name),
                measured=later,
                limit=MIN_LATER_SHARE,
                message=(
                    f"{column.name!r} is later than the row's own {time.name!r} in {later:.1%} of the rows that have both: it is not known"
                    f" yet at that time; set data.columns.{column.name}.role: ignored, or role: feature if it is a planned date"
                ),
            )


def _one_outcome(target: pd.Series, side: np.ndarray, problem: Problem) -> tuple[str, float] | None:
    """The outcome nearly all rows of `side` share, with their share, when that can be no accident."""
    limit, rows = problem.quality.leakage_score, int(side.sum())
    if rows in (0, len(side)):
        return None
    if not TASKS[problem.task].classification:
        values = target.to_numpy("float64")
        explained = np.corrcoef(side, values)[0, 1] ** 2 if values.std() else 0.0
        return ("told apart by it", float(explained)) if explained > limit else None
    counts, inside = target.value_counts().sort_index(), target[side].value_counts()
    outcome = inside.idxmax()
    purity, base = inside.max() / rows, counts[outcome] / len(target)
    coverage = inside.max() / counts[outcome]
    # By chance all of `rows` are of one class with probability base**rows.
    if purity >= limit and coverage >= MIN_COVERAGE and rows * np.log(base) < np.log(_MAX_CHANCE):
        return f"{problem.data.target} {str(outcome)!r}", float(purity)
    return None
