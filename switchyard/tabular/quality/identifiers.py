"""Columns that only name the row: keys and row counters, which a model can only memorise."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import Split

MIN_UNIQUE_SHARE = 0.95
"""Share of distinct among known values from which a column may be an id."""
MIN_ROWS = 50
_ID_WORDS = frozenset(("id", "ids", "uid", "uuid", "guid", "pk", "rowid"))
_LAST_WORDS = frozenset(("key", "nr", "no", "num", "number", "idx", "index", "row", "serial"))
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def check_identifiers(split: Split, problem: Problem) -> Iterator[Finding]:
    """Nearly unique strings, and nearly unique whole numbers that count rows or are called an id.

    A whole number that merely takes many values (an amount, an area) is no id.
    """
    known = {problem.data.entity_column, problem.data.group_column, problem.data.time_column}
    for column in split.schema.columns:
        override = problem.data.columns.get(column.name)
        if column.role not in ("feature", "id") or column.name in known or (override and override.role):
            continue
        why = "is an id by the schema" if column.role == "id" else _why(column, split)
        if why:
            share = _unique_share(split, column.name)
            yield Finding(
                check="id_column",
                column=column.name,
                action=action_for(problem, "id_column", column.name),
                measured=share,
                limit=MIN_UNIQUE_SHARE,
                message=(
                    f"{column.name!r} names the row ({share:.1%} of its values are distinct and it {why}) and can only be memorised; "
                    f"set data.columns.{column.name}.role: feature to keep it"
                ),
            )


def _why(column: Column, split: Split) -> str | None:
    if column.kind not in ("numeric", "categorical", "text") or _unique_share(split, column.name) < MIN_UNIQUE_SHARE:
        return None
    values = pd.concat([split.train[column.name], split.holdout[column.name]]).dropna()
    if len(values) < MIN_ROWS:
        return None
    if column.kind == "categorical":
        return "is a category of its own in nearly every row"
    if column.kind == "text":
        return "is one word without spaces" if not values.str.strip().str.contains(r"\s").mean() > 0.1 else None
    numbers = values.to_numpy()
    if not np.equal(np.mod(numbers, 1), 0).all():
        return None
    if numbers.max() - numbers.min() + 1 <= 1.2 * len(numbers):
        return "counts the rows without gaps"
    steps = np.diff(split.train[column.name].dropna().to_numpy())
    if len(steps) and ((steps > 0).all() or (steps < 0).all()):
        return "only ever rises or falls in row order"
    words = [word.lower() for word in _WORD.findall(column.name)]
    return "is called an id" if words and (_ID_WORDS.intersection(words) or words[-1] in _LAST_WORDS) else None


def _unique_share(split: Split, name: str) -> float:
    values = pd.concat([split.train[name], split.holdout[name]]).dropna()
    return values.nunique() / len(values) if len(values) else 0.0
