"""`values_of`: a whole column of any source into canonical values by its `ColumnReading`, each distinct value read once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import BadInput, ColumnReading
from switchyard.bundle.amounts import PLAIN
from switchyard.bundle.moments import EPOCHS
from switchyard.bundle.plain import MISSING, Beyond
from switchyard.bundle.reading import converter, nanoseconds_by
from switchyard.tabular.tables.typing.dates import arrow_dates

_NAT = np.iinfo("int64").min


@dataclass(frozen=True)
class Values:
    """Canonical values (see `switchyard.tabular.tables.table`) of n rows, and which could not be read."""

    values: np.ndarray
    wrong: np.ndarray
    """bool of shape (n,): what the reading can't take; missing in `values`."""
    beyond: np.ndarray
    """bool of shape (n,): infinite numbers and moments out of range; missing in `values`."""
    problem: str = ""
    """Of the first row that is wrong."""

    def checked(self, name: str, reading: ColumnReading) -> np.ndarray:
        """The values, or `BadInput` with the first row that scoring can't take."""
        bad = self.wrong if reading.beyond else self.wrong | self.beyond
        if bad.any():
            row = int(bad.argmax())
            outside = "is infinite" if reading.kind in ("numeric", "categorical") else "is outside the years 1678 to 2261"
            raise BadInput(name, row, self.problem if self.wrong[row] else outside)
        return self.values


def arrow_of(values: pd.Series) -> pa.Array:
    """A column of a frame as one Arrow array; mixed types as text, so that nothing is lost."""
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Numbers and words in one column, or integers beyond 64 bits: as text nothing is lost.
        texts = [None if pd.api.types.is_scalar(value) and pd.isna(value) else str(value) for value in values]
        array = pa.array(texts, pa.string())
    return plain_array(array)


def values_in(series: pd.Series, reading: ColumnReading) -> Values:
    """A column of a frame by `reading`; where types are mixed each value is read as what it is."""
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return _laid_out(series.tolist(), np.arange(len(series)), reading)
    return values_of(array, reading)


def plain_array(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One chunk, without a dictionary, text as `string`."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    return array


def values_of(array: pa.Array, reading: ColumnReading) -> Values:
    """The column `array`, of any Arrow type, by `reading`."""
    array = plain_array(array)
    if reading.kind == "numeric" and (numbers := _all_numbers(array, reading)) is not None:
        infinite = np.isinf(numbers)
        return Values(np.where(infinite, np.nan, numbers) if infinite.any() else numbers, np.zeros(len(array), bool), infinite)
    if reading.kind == "datetime" and (moments := _all_moments(array, reading)) is not None:
        return Values(moments[0], np.zeros(len(array), bool), moments[1])
    return _by_distinct(array, reading)


def _all_numbers(array: pa.Array, reading: ColumnReading) -> np.ndarray | None:
    """Plain numbers as Arrow reads them all at once; None where one is otherwise."""
    types, kind = pa.types, array.type
    if types.is_decimal(kind):
        # By its text: Arrow's own cast is off by a bit now and then.
        return pc.cast(pc.cast(array, pa.string()), pa.float64()).to_numpy(zero_copy_only=False)
    if types.is_integer(kind) or types.is_floating(kind):
        return pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if types.is_duration(kind):
        ticks = pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(zero_copy_only=False)
        seconds = (ticks * EPOCHS[kind.unit]) / 1e9
        return np.where(pc.is_null(array).to_numpy(zero_copy_only=False), np.nan, seconds)
    if not types.is_string(kind) or reading.style != PLAIN:
        return None
    try:
        # A failing cast still walks through the whole column; the head tells most words from numbers at once.
        pc.cast(array.slice(0, 1000), pa.float64())
        return pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def _all_moments(array: pa.Array, reading: ColumnReading) -> tuple[np.ndarray, np.ndarray] | None:
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return arrow_dates(array)
    if pa.types.is_string(array.type) and not reading.patterns and not reading.epoch:
        try:
            values = pc.cast(array, pa.timestamp("ns")).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            return None
        return values, np.zeros(len(array), bool)
    return None


def _by_distinct(array: pa.Array, reading: ColumnReading) -> Values:
    try:
        encoded = array.dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        distinct = encoded.dictionary.to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        distinct = array.to_pylist()
        codes = np.arange(len(distinct))
    return _laid_out(distinct, codes, reading)


def _laid_out(distinct: list[Any], codes: np.ndarray, reading: ColumnReading) -> Values:
    """The `distinct` values by `reading`, laid out over the rows by `codes`, -1 where missing."""
    strict = replace(reading, beyond=False)
    convert = nanoseconds_by(strict) if reading.kind == "datetime" else converter(strict)
    found: list[Any] = []
    wrong, beyond, problems = np.zeros(len(distinct) + 1, bool), np.zeros(len(distinct) + 1, bool), {}
    for place, raw in enumerate(distinct):
        try:
            found.append(convert(raw))
        except Beyond:
            beyond[place] = True
            found.append(convert(None))
        except ValueError as error:
            wrong[place] = True
            problems[place] = str(error)
            found.append(convert(None))
    rows_wrong = wrong[codes]
    first = problems[int(codes[rows_wrong.argmax()])] if rows_wrong.any() else ""
    return Values(_typed(found, reading.kind)[codes], rows_wrong, beyond[codes], first)


def _typed(found: list[Any], kind: str) -> np.ndarray:
    """Canonical values, and a missing one behind them."""
    if kind == "datetime":
        return np.array([*(_NAT if value is None else value for value in found), _NAT], dtype="int64").view("datetime64[ns]")
    if kind in ("numeric", "boolean"):
        return np.array([*found, np.nan], dtype="float64")
    return np.array([*(None if value == MISSING else value for value in found), None], dtype=object)
