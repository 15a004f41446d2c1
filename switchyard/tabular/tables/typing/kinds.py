"""`read_column`: decides how one column of any source is read, and reads it: kind, canonical values, reason, what was lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import ColumnReading
from switchyard.bundle.amounts import Style
from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.typing.readings import Place, Reading, as_dates, as_digits, dates_in_numbers, empty, lost_dates, read_numbers
from switchyard.tabular.tables.typing.surroundings import NOTHING, Surroundings
from switchyard.tabular.tables.typing.values import arrow_of, values_of
from switchyard.tabular.tables.typing.words import from_text


def read_column(
    values: pd.Series, name: str, kind: Kind | None = None, rows: np.ndarray | None = None, around: Surroundings = NOTHING
) -> Reading:
    """Find out what a column is and how it is read, or how it is read as `kind`.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Of any type a source delivers.
    name : str
        For messages.
    kind : str or None
        What the user says it is; inferred when absent.
    rows : ndarray of shape (n_rows,), optional
        Row numbers for messages; counted from 1 when absent.
    around : Surroundings
        What the other columns and the config say of how it is written.

    Raises
    ------
    InputError
        When it cannot be read as `kind`.
    """
    place = Place(name, np.arange(1, len(values) + 1) if rows is None else rows)
    array = arrow_of(values)
    how = ColumnReading(kind or "numeric")
    if array.null_count == len(array):
        return empty(array, how)
    types = pa.types
    if types.is_boolean(array.type):
        return _from_booleans(array, how, kind, place)
    if types.is_duration(array.type) or types.is_time(array.type):
        what = "durations" if types.is_duration(array.type) else "times of day"
        if kind in ("categorical", "text"):
            return Reading(values_of(array, how).values, how, what, array=array)
        return read_numbers(array, replace(how, style=Style(clock=True)), kind, place, f"{what}, in seconds")
    if types.is_integer(array.type) or types.is_floating(array.type) or types.is_decimal(array.type):
        return _from_numbers(array, how, kind, place, around)
    if types.is_timestamp(array.type) or types.is_date(array.type):
        return _from_timestamps(array, how, kind, place)
    if types.is_string(array.type):
        return from_text(array, kind, place, around)
    texts = np.array([None if value is None else str(value) for value in array.to_pylist()], dtype=object)
    return Reading(texts, replace(how, kind="text"), f"{array.type}: no model here reads it", usable=False, array=array)


def _from_booleans(array: pa.Array, how: ColumnReading, kind: Kind | None, place: Place) -> Reading:
    how = replace(how, kind=kind or "boolean")
    if kind == "datetime":
        raise InputError(f"column {place.name!r} cannot be datetime: it holds true and false; leave its kind out")
    if kind == "numeric":
        return read_numbers(pc.cast(array, pa.int8()), how, kind, place, "true or false")
    return Reading(values_of(array, how).values, how, "true or false", integer=kind is None, words=True, array=array)


def _said_dates(array: pa.Array, how: ColumnReading, place: Place, around: Surroundings) -> Reading:
    numbers = read_numbers(array, replace(how, kind="numeric"), "numeric", place)
    dates = dates_in_numbers(numbers, (around.format,), None, f"dates as {around.format}") if around.format else None
    dates = dates or as_dates(numbers, place.name, "datetime")
    if dates is None:
        way_out = "write dates as 2026-01-31, or convert them"
        raise InputError(
            f"column {place.name!r} cannot be datetime: it holds numbers, and not such as 20260131 or seconds since 1970; {way_out}"
        )
    return dates


def _from_numbers(array: pa.Array, how: ColumnReading, kind: Kind | None, place: Place, around: Surroundings) -> Reading:
    if kind == "datetime":
        return _said_dates(array, how, place, around)
    if not pa.types.is_floating(array.type):
        numbers = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        digits = as_digits(array, numbers, how, kind)
        if digits is not None:
            return digits
    return read_numbers(array, how, kind, place)


def _from_timestamps(array: pa.Array, how: ColumnReading, kind: Kind | None, place: Place) -> Reading:
    if kind in ("categorical", "text"):
        return Reading(values_of(array, how).values, how, "dates", array=array)
    if kind in ("numeric", "boolean"):
        raise InputError(f"column {place.name!r} cannot be {kind}: it holds dates; leave its kind out")
    found = values_of(array, replace(how, kind="datetime"))
    how = replace(how, kind="datetime", beyond=bool(found.beyond.any()))
    return Reading(found.values, how, "dates", lost_dates(found.beyond, place), lost=int(found.beyond.sum()), array=array)
