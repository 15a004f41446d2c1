"""Completeness, repeated rows and label imbalance."""

from __future__ import annotations

from collections.abc import Iterator

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import digest_rows
from switchyard.tabular.tasks import TASKS


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
    """Rows whose whole content occurs before in the same part. Real tables have some; only many tell of a faulty join."""
    repeated = rows = 0
    for part in (split.train, split.holdout):
        # What names the row would hide that the rest of it repeats.
        names = [column.name for column in split.schema.columns if column.role not in ("id", "ignored")]
        repeated += len(part) - len(set(digest_rows(part[names]).tolist()))
        rows += len(part)
    if repeated:
        yield Finding(
            check="duplicate_rows",
            action=action_for(problem, "duplicate_rows"),
            measured=repeated / rows,
            limit=0,
            message=(
                f"{repeated:,} of {rows:,} rows ({repeated / rows:.2%}) repeat another in every column; check the joins that made the table"
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


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(str(value))
