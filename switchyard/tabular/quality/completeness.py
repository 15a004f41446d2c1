"""Completeness, repeated rows, label imbalance and stray values of the target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.report.words import count_of, shown
from switchyard.tabular.tables.copies import compared, find_copies
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import digest_rows
from switchyard.tabular.tasks import TASKS

_FAR, _FEW_EXTREMES = 50.0, 5
"""Times the distance from the median of the next value; heavy but honest tails stay below. At most so many rows lie there."""


def check_completeness(split: Split, problem: Problem) -> Iterator[Finding]:
    """Columns with hardly a value, or with only one, in the training part.

    Columns that inference ignored for being empty or constant are looked at too, so that their action holds.
    """
    limit = problem.quality.max_missing_share
    said = {name for name, override in problem.data.columns.items() if override.role == "ignored"}
    for column in split.schema.columns:
        if column.role not in ("feature", "ignored") or column.name in said:
            continue
        values = split.train[column.name]
        missing = float(values.isna().mean())
        if missing > limit:
            yield Finding(
                check="missing_column",
                column=column.name,
                action=action_for(problem, "missing_column", column.name),
                measured=missing,
                limit=limit,
                message=(
                    f"{column.name!r} is missing in {missing:.1%} of {len(values):,} training rows; fill it at the source or raise"
                    " quality.max_missing_share"
                ),
            )
        elif values.nunique() == 1 and missing == 0:
            yield Finding(
                check="constant_column",
                column=column.name,
                action=action_for(problem, "constant_column", column.name),
                measured=1,
                limit=1,
                message=(
                    f"{column.name!r} is {_shown(values.iloc[0])} in every training row and cannot tell rows apart; remove it at the source"
                ),
            )


def check_duplicates(split: Split, problem: Problem) -> Iterator[Finding]:
    """Rows that repeat another: a fault where rows were written twice, a note where few distinct rows are what there is."""
    copies = find_copies(pd.concat([split.train, split.holdout], ignore_index=True), split.schema)
    if not copies.count:
        return
    rows, action = len(copies.repeats), action_for(problem, "duplicate_rows")
    said = f"{copies.count:,} of {rows:,} rows ({copies.count / rows:.2%}) repeat another in every column"
    names = compared(split.schema)
    known = int(np.isin(digest_rows(split.holdout[names]), digest_rows(split.train[names])).sum())
    yield Finding(
        check="duplicate_rows",
        action=action if copies.fault or action == "stop" else "note",
        measured=copies.count / rows,
        limit=0,
        message=(
            f"{said} as if written twice; {known:,} of the {len(split.holdout):,} holdout rows ({known / len(split.holdout):.0%}) stand "
            "in the training part too, and a model that remembers has all of these right; check the joins that made the table, or drop "
            "the copies with quality.duplicate_rows: drop"
            if copies.fault
            else f"{said}, as rows of few different values do; each counts as a row of its own"
        ),
    )


def check_imbalance(split: Split, problem: Problem) -> Iterator[Finding]:
    """A class too rare to be learnt well."""
    if not TASKS[problem.task].classification:
        return
    shares = split.train[problem.data.target].value_counts(normalize=True).sort_index()
    limit, rarest = problem.quality.min_class_share, str(shares.idxmin())
    if shares.min() < limit:
        yield Finding(
            check="imbalance",
            column=problem.data.target,
            action=action_for(problem, "imbalance"),
            measured=float(shares.min()),
            limit=limit,
            message=(
                f"class {rarest!r} of {problem.data.target!r} is only {shares.min():.2%} of the training rows; gather more of it, "
                "judge by average_precision rather than accuracy, or lower quality.min_class_share"
            ),
        )


def check_extremes(split: Split, problem: Problem) -> Iterator[Finding]:
    """A few values of a regression's target that lie far beyond all others, such as a typing error or a place holder."""
    if TASKS[problem.task].classification:
        return
    name = problem.data.target
    values = pd.concat([split.train[name], split.holdout[name]]).to_numpy("float64")
    middle = float(np.median(values))
    order = np.argsort(np.abs(values - middle), kind="stable")
    away = np.abs(values - middle)[order]
    for few in range(1, max(1, min(_FEW_EXTREMES, len(values) // 200)) + 1):
        if few < len(values) and 0 < _FAR * away[-few - 1] < away[-few]:
            extreme = shown(float(values[order[-1]]))
            yield Finding(
                check="extreme_target",
                column=name,
                action=action_for(problem, "extreme_target"),
                measured=float(away[-few] / away[-few - 1]),
                limit=_FAR,
                message=(
                    f"{name!r} is {extreme} in {count_of(few, 'row')}{'' if few == 1 else ' or nearly so'}, "
                    f"{shown(float(away[-few] / away[-few - 1]), 2)} times as far from the median {shown(middle)} as any other value, and "
                    "rules every mean and squared error; correct it at the source, leave the cell empty to have the row left out, or judge "
                    "by metric: mae"
                ),
            )
            return


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(str(value))
