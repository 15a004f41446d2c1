"""`conform`: later data (another file, the prediction log) in the canonical types of a schema, by its columns' readings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.readings import Place
from switchyard.tabular.tables.typing.targets import read_labels
from switchyard.tabular.tables.typing.values import values_in


def conform(frame: pd.DataFrame, schema: Schema, labelled: bool = False) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read later data (another file, the prediction log) in the canonical types of `schema`.

    Parameters
    ----------
    frame : DataFrame
        As a source delivers it. Other columns are left out; ids, times and groups may be absent.
    schema : Schema
    labelled : bool
        Whether the target must be there; it is read where it is anyway.

    Returns
    -------
    frame : DataFrame
        The columns of `schema` that are there, in its order.
    notes : tuple of str
        What was read as missing.

    Raises
    ------
    InputError
        When a feature (or the target, if `labelled`) is missing or is not of its kind at all.
    """
    values: dict[str, Any] = {}
    notes: list[str] = []
    for column in schema.columns:
        if column.name not in frame.columns:
            if column.role == "feature" or (column.role == "target" and labelled):
                hint = did_you_mean(column.name, map(str, frame.columns))
                raise InputError(f"column {column.name!r} ({column.kind} {column.role}) is missing{hint}")
            continue
        values[column.name], lost = _as_before(frame[column.name], column)
        notes += lost
    return pd.DataFrame(values, index=pd.RangeIndex(len(frame))), tuple(notes)


def _as_before(series: pd.Series, column: Column) -> tuple[np.ndarray, tuple[str, ...]]:
    """A column of later data by the reading of `column`; what can't be read counts as missing and is noted."""
    if column.reading is None:
        if column.role == "target" and column.kind == "categorical":
            return read_labels(series, column.name), ()
        reading = read_column(series, column.name, column.kind)
        return reading.values, reading.notes
    found = values_in(series, column.reading)
    lost = found.wrong | found.beyond
    if not lost.any():
        return found.values, ()
    what = {"numeric": "no numbers", "boolean": "neither true nor false", "datetime": "no dates"}.get(column.kind, "no categories")
    if found.wrong.any() and pd.isna(found.values).all():
        raise InputError(f"column {column.name!r} is not {column.kind}: {found.problem}")
    place = Place(column.name, np.arange(1, len(series) + 1))
    return found.values, (f"{column.name!r}: {int(lost.sum())} values are {what} and count as missing ({place.named(lost)})",)
