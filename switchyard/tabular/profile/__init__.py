"""A first look at a table: `profile_table` for the numbers and the dashboard's page, `full_profile` for the long report.

Counts, missing values and outliers are of every row; charts and correlations of at most `SAMPLE_ROWS`, drawn with a fixed seed.
What compares columns with each other compares at most `COMPARED_COLUMNS`, so that the cost grows with the cells of the table.
"""

from __future__ import annotations

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.profile.associations import associate, correlate, strongest_pairs
from switchyard.tabular.profile.columns import profile_column
from switchyard.tabular.profile.full import MOST_COLUMNS, full_profile
from switchyard.tabular.profile.profile import Profile
from switchyard.tabular.profile.records import Association, ColumnProfile
from switchyard.tabular.profile.target import read_target
from switchyard.tabular.profile.timeline import profile_time
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.table import Table, digest_rows

__all__ = ["MOST_COLUMNS", "ColumnProfile", "Profile", "full_profile", "profile_table"]

SAMPLE_ROWS = 20_000
COMPARED_COLUMNS = 100
"""Columns in the correlations and among the pairs: the target and those that go most closely with it."""


def profile_table(table: Table, problem: Problem) -> Profile:
    """What is in `table`, column by column and against the target.

    Parameters
    ----------
    table : Table
        In canonical types.
    problem : Problem
        With task and positive class resolved.

    Returns
    -------
    Profile
        Numbers rounded to six significant digits; the same bytes for the same table.
    """
    frame = table.frame
    columns = tuple(column for column in table.schema.columns if column.name in frame)
    sample = frame
    if len(frame) > SAMPLE_ROWS:
        sample = frame.iloc[np.sort(np.random.default_rng(0).choice(len(frame), SAMPLE_ROWS, replace=False))]
    target = read_target(sample, problem)
    associations = associate(sample, columns, problem)
    compared = _compared(columns, associations)
    names, pearson, spearman = correlate(sample, compared)
    content = frame[[column.name for column in columns if column.role not in ("id", "ignored")]]
    return Profile(
        rows=len(frame),
        sampled=len(sample),
        repeated_rows=len(frame) - len(set(digest_rows(content).tolist())),
        source=table.source,
        revision=table.revision,
        target=problem.data.target,
        task=problem.task,
        series=target.series,
        columns=tuple(profile_column(frame[column.name], sample[column.name], column, target) for column in columns),
        numeric=names,
        pearson=pearson,
        spearman=spearman,
        associations=associations,
        pairs=strongest_pairs(sample, compared, names, spearman),
        timeline=profile_time(frame, table.schema, problem),
        of_rows=table.schema.of,
    )


def _compared(columns: tuple[Column, ...], associations: tuple[Association, ...]) -> tuple[Column, ...]:
    """The columns that are held against each other, in the table's order."""
    if len(columns) <= COMPARED_COLUMNS:
        return columns
    chosen = {item.column for item in associations[: COMPARED_COLUMNS - 1]}
    return tuple(column for column in columns if column.role == "target" or column.name in chosen)
