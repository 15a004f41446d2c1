"""What the training part looks like, as expectations with margins that an honest holdout keeps.

==============  ====================================================================================
expectation     margin
==============  ====================================================================================
missing         the training share + `MISSING_SLACK` (+ half of it); `NEVER_MISSING` where there was none
range           the training range widened by `RANGE_SLACK` of itself on either side, for `MOSTLY` of the values;
                no upper end for dates of a table with a time column: time goes on
categories      the training set, for `MOSTLY` of the values less twice the share still unseen (Good-Turing);
                none where that share is beyond `MAX_UNSEEN`
target          never missing; a class seen in training, always
ids             unique, where they were
==============  ====================================================================================

Of a wide table the `MOST_COLUMNS` that go most closely with the target are described; all others have to be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.profile.associations import associate
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import Split
from switchyard.tabular.validation.suite import Suite

MISSING_SLACK = 0.05
NEVER_MISSING = 0.99
RANGE_SLACK = 0.1
MOSTLY = 0.98
MAX_UNSEEN = 0.1
MOST_COLUMNS = 100
"""Great Expectations takes 10 ms for an expectation, and the square of it for some thousand."""
_FIRST_DAY, _LAST_DAY = -106751, 106751
"""The days around 1970 that datetime64[ns] can tell."""
_TYPES = {"numeric": "float64", "boolean": "float64", "categorical": "object", "text": "object", "datetime": "datetime64"}


def infer_suite(split: Split, problem: Problem) -> Suite:
    """The expectations that the training part of `split` keeps, with the margins of this module.

    Returns
    -------
    Suite
        About the columns of the schema but ignored ones and weights, at most `MOST_COLUMNS` of them. Deterministic, and made
        without importing Great Expectations.

    References
    ----------
    Share of unseen categories: Good, "The population frequencies of species", *Biometrika* 40 (1953).
    """
    known = [column for column in split.schema.columns if column.role not in ("ignored", "weight") and column.name in split.train]
    columns = _described(known, split, problem)
    expectations = [
        _expect("table_row_count_to_be_between", None, min_value=1),
        _expect("table_columns_to_match_set", f"{len(split.train.columns)} columns, in any order", column_set=list(split.train.columns)),
    ]
    grows = split.schema.time is not None
    for column in columns:
        expectations += _about(split.train[column.name], column, problem, grows)
    origin = {"target": problem.data.target, "rows": len(split.train), "train_digest": f"sha256:{split.train_digest}", "edited": False}
    return Suite(problem.name, tuple(expectations), {"switchyard": origin})


def _described(columns: list[Column], split: Split, problem: Problem) -> list[Column]:
    """The columns with expectations of their own, in the table's order."""
    if len(columns) <= MOST_COLUMNS:
        return columns
    closest = associate(split.train, columns, problem)[: MOST_COLUMNS - 1]
    chosen = {problem.data.target, *(item.column for item in closest)}
    return [column for column in columns if column.name in chosen]


def load_or_infer(split: Split, problem: Problem, path: str | Path | None) -> Suite:
    """The suite in `path` where that file exists (checked against the table's columns), else the inferred one.

    Raises
    ------
    InputError
        Where the file cannot be used.
    """
    if path is None or not Path(path).exists():
        return infer_suite(split, problem)
    suite = Suite.from_file(path, columns=split.train.columns)
    origin = {"target": problem.data.target, **suite.meta.get("switchyard", {}), "edited": True}
    return replace(suite, name=problem.name, meta={**suite.meta, "switchyard": origin})


def _expect(kind: str, notes: str | None, **kwargs: Any) -> dict[str, Any]:
    expectation = {"type": f"expect_{kind}", "kwargs": kwargs}
    return {**expectation, "notes": notes} if notes else expectation


def _about(values: pd.Series, column: Column, problem: Problem, grows: bool) -> Iterator[dict[str, Any]]:
    name = column.name
    yield _expect("column_values_to_be_of_type", None, column=name, type_=_TYPES[column.kind])
    missing = float(values.isna().mean())
    if column.role == "target":
        yield _expect("column_values_to_not_be_null", None, column=name)
    else:
        share = NEVER_MISSING if missing == 0 else 1 - missing - max(MISSING_SLACK, missing / 2)
        if share > 0:
            yield _expect("column_values_to_not_be_null", f"{missing:.2%} missing", column=name, mostly=round(share, 4))
    known = values.dropna()
    if known.empty:
        return
    if column.role == "id":
        if known.is_unique:
            yield _expect("column_values_to_be_unique", None, column=name)
    elif column.kind == "numeric":
        low, high = float(known.min()), float(known.max())
        yield _expect("column_values_to_be_between", f"{low:,.6g} to {high:,.6g}", column=name, **_range(low, high), mostly=MOSTLY)
    elif column.kind == "datetime":
        low, high = known.min(), known.max()
        ends = _dates(low, high)
        if grows:
            del ends["max_value"]
        yield _expect("column_values_to_be_between", f"{low.isoformat()} to {high.isoformat()}", column=name, **ends, mostly=MOSTLY)
    elif column.kind == "boolean":
        yield _expect("column_values_to_be_in_set", None, column=name, value_set=[0.0, 1.0])
    elif column.kind == "categorical" and column.role not in ("group", "time"):
        counts = known.value_counts()
        levels = sorted(map(str, counts.index))
        unseen = float((counts == 1).sum()) / len(known)
        if column.role == "target":
            yield _expect("column_values_to_be_in_set", None, column=name, value_set=levels)
        elif unseen <= MAX_UNSEEN and name != problem.data.entity_column:
            yield _expect(
                "column_values_to_be_in_set",
                f"{len(levels)} categories",
                column=name,
                value_set=levels,
                mostly=round(MOSTLY - 2 * unseen, 4),
            )


def _dates(low: pd.Timestamp, high: pd.Timestamp) -> dict[str, str]:
    """The widened range in whole days. Counted in days as numbers: three centuries are too much for a Timedelta."""
    first, last = low.timestamp() / 86400, high.timestamp() / 86400
    slack = (last - first) * RANGE_SLACK
    days = np.clip([math.floor(first - slack), math.ceil(last + slack)], _FIRST_DAY, _LAST_DAY).astype("int64")
    return dict(zip(("min_value", "max_value"), map(str, days.astype("datetime64[D]").astype("datetime64[s]")), strict=True))


def _range(low: float, high: float) -> dict[str, float]:
    """The widened range, rounded outwards to three digits of its width; a range from 0 or above stays there."""
    width = (high - low) or max(abs(high), 1.0)
    bottom, top = low - RANGE_SLACK * width, high + RANGE_SLACK * width
    step = 10.0 ** (math.floor(math.log10(width)) - 2)
    bottom, top = math.floor(bottom / step) * step, math.ceil(top / step) * step
    return {"min_value": 0.0 if low >= 0 > bottom else float(f"{bottom:.12g}"), "max_value": float(f"{top:.12g}")}
