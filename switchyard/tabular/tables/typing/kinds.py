"""`read_column`: one column of any source into a kind and its canonical values, with the reason and what was lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.typing.dates import arrow_dates
from switchyard.tabular.tables.typing.readings import Place, Reading, as_digits, as_kind, empty, from_floats, lost_dates
from switchyard.tabular.tables.typing.words import from_text

_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def read_column(values: pd.Series, name: str, kind: Kind | None = None, rows: np.ndarray | None = None) -> Reading:
    """Find out what a column is, or read it as `kind`.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Of any type a source delivers.
    name : str
        For messages.
    kind : str or None
        What the user or a schema says it is; inferred when absent.
    rows : ndarray of shape (n_rows,), optional
        Row numbers for messages; counted from 1 when absent.

    Raises
    ------
    InputError
        When it cannot be read as `kind`.
    """
    place = Place(name, np.arange(1, len(values) + 1) if rows is None else rows)
    array = _arrow(values)
    if array.null_count == len(array):
        return empty(len(array), kind)
    types = pa.types
    if types.is_boolean(array.type):
        return _from_booleans(array, kind, place)
    if types.is_duration(array.type):
        return _from_durations(array, kind, place)
    if types.is_integer(array.type) or types.is_floating(array.type) or types.is_decimal(array.type):
        return _from_numbers(array, kind, place)
    if types.is_timestamp(array.type) or types.is_date(array.type):
        return _from_timestamps(array, kind, place)
    if types.is_string(array.type):
        return from_text(array, kind, place)
    if types.is_large_string(array.type) or types.is_string_view(array.type) or types.is_time(array.type):
        return from_text(array.cast(pa.string()), kind, place)
    texts = np.array([None if value is None else str(value) for value in array.to_pylist()], dtype=object)
    return Reading(texts, "text", f"{array.type}: no model here reads it", usable=False)


def _arrow(values: pd.Series) -> pa.Array:
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Numbers and words in one column, or integers beyond 64 bits: as text nothing is lost.
        texts = [None if pd.api.types.is_scalar(value) and pd.isna(value) else str(value) for value in values]
        array = pa.array(texts, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _from_booleans(array: pa.Array, kind: Kind | None, place: Place) -> Reading:
    numbers = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
    if kind in ("categorical", "text"):
        codes = np.where(np.isnan(numbers), 2, numbers).astype("int64")
        return Reading(np.array(["False", "True", None], dtype=object)[codes], kind, "true or false")
    return as_kind(Reading(numbers, "boolean", "true or false", integer=True, words=True), kind, place)


def _from_durations(array: pa.Array, kind: Kind | None, place: Place) -> Reading:
    seconds = pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(zero_copy_only=False) / _TICKS[array.type.unit]
    seconds[pc.is_null(array).to_numpy(zero_copy_only=False)] = np.nan
    return from_floats(seconds, kind, place, "durations, in seconds")


def _from_numbers(array: pa.Array, kind: Kind | None, place: Place) -> Reading:
    numbers = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if not pa.types.is_floating(array.type):
        digits = as_digits(array, numbers, kind)
        if digits is not None:
            return digits
    return from_floats(numbers, kind, place)


def _from_timestamps(array: pa.Array, kind: Kind | None, place: Place) -> Reading:
    if kind in ("categorical", "text"):
        return Reading(pc.cast(array, pa.string()).to_numpy(zero_copy_only=False), kind, "dates")
    if kind in ("numeric", "boolean"):
        raise InputError(f"column {place.name!r} cannot be {kind}: it holds dates; leave its kind out")
    values, outside = arrow_dates(array)
    return Reading(values, "datetime", "dates", lost_dates(outside, place), lost=int(outside.sum()))
