"""The `Reading`: a column in canonical values, how it is read, why it is what it is and what was lost; how numbers become one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import ColumnReading
from switchyard.bundle.amounts import Style
from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.typing.dates import NEWEST, OLDEST
from switchyard.tabular.tables.typing.numbers import EXACT, whole
from switchyard.tabular.tables.typing.values import values_of

_ROWS_NAMED = 3
_FEWEST_DATES = 3
"""Different numbers that there must be to take them for dates."""
_RUNS = ((0, "%Y%m%d", "yearmonthday"), (4, "%Y%m%d%H%M", "yearmonthday, hour and minute"), (6, "%Y%m%d%H%M%S", "yearmonthday and time"))
"""Digits beyond those of a day, the pattern and what people call it."""
_HEAD, _MONTH = 1_000, r"^(?:0[1-9]|1[0-2])\.(?:19|20|21)[0-9]{2}$"
_SINCE, _UNTIL = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds since 1970."""
_TIMES = frozenset(("time", "timestamp", "date", "datetime", "epoch", "ts", "created", "updated", "at", "seen", "when", "unix"))
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Reading:
    """A column in canonical values (see `switchyard.tabular.tables.table`)."""

    values: np.ndarray
    how: ColumnReading
    """What made the values, and makes those of later data."""
    reason: str
    notes: tuple[str, ...] = ()
    integer: bool = False
    digits: bool = False
    """Whole numbers kept as text since float64 would bend them."""
    words: bool = False
    """Booleans that were true and false in the source, not 1 and 0."""
    usable: bool = True
    """False where no model could use it: nested values, bytes."""
    lost: int = 0
    """Dates that are impossible, out of range or no dates, read as missing."""
    array: pa.Array | None = None
    """The source, to be read otherwise where what is around the column asks for it."""

    @property
    def kind(self) -> Kind:
        return self.how.kind  # type: ignore[return-value]

    def read_as(self, kind: Kind, reason: str, codes: bool = False, strip: bool = False) -> Reading:
        """The same column as names."""
        how = replace(self.how, kind=kind, codes=codes, strip=strip)
        assert self.array is not None
        return Reading(values_of(self.array, how).values, how, reason, self.notes, digits=self.digits, array=self.array)


@dataclass(frozen=True)
class Place:
    """Which column is being read, for messages."""

    name: str
    rows: np.ndarray
    """Row numbers as the user counts them, shape (n_rows,)."""

    def named(self, where: np.ndarray) -> str:
        """The first few rows of `where`, a bool for each row."""
        numbers = [str(row) for row in self.rows[where][:_ROWS_NAMED]]
        return f"row{'s' if where.sum() > 1 else ''} {', '.join(numbers)}{', ...' if where.sum() > _ROWS_NAMED else ''}"


def empty(array: pa.Array, how: ColumnReading) -> Reading:
    """A column without any value."""
    size = len(array)
    if how.kind == "datetime":
        return Reading(np.full(size, np.datetime64("NaT"), dtype="datetime64[ns]"), how, "no values", array=array)
    if how.kind in ("numeric", "boolean"):
        return Reading(np.full(size, np.nan), how, "no values", array=array)
    return Reading(np.full(size, None, dtype=object), how, "no values", array=array)


def read_numbers(
    array: pa.Array, how: ColumnReading, kind: Kind | None, place: Place, reason: str = "", notes: tuple[str, ...] = ()
) -> Reading:
    """A column of numbers, turned into `kind` if that is known: infinite values become missing."""
    found = values_of(array, replace(how, kind="numeric"))
    numbers = found.values
    if found.beyond.any():
        notes = (*notes, f"{place.name!r}: {int(found.beyond.sum())} infinite values count as missing ({place.named(found.beyond)})")
        how = replace(how, beyond=True)
    if np.isnan(numbers).all():
        return replace(empty(array, replace(how, kind=kind or "numeric")), notes=notes)
    integer = whole(numbers)
    if integer and kind is None and np.nanmax(np.abs(numbers)) > EXACT:
        notes = (*notes, f"{place.name!r}: whole numbers beyond 2^53 are rounded to about 16 digits")
    if kind is None and integer and np.nanmin(numbers) == 0 and np.nanmax(numbers) == 1 and how.style == Style():
        return Reading(numbers, replace(how, kind="boolean"), "only 0 and 1", notes, integer=True, array=array)
    if kind in ("categorical", "text"):
        return Reading(numbers, how, reason, notes, array=array).read_as(kind, reason, codes=True)
    reason = reason or ("whole numbers" if integer else "numbers")
    if kind == "boolean":
        wrong = ~np.isnan(numbers) & ~np.isin(numbers, (0.0, 1.0))
        if wrong.any():
            value, row = numbers[wrong][0], place.rows[wrong][0]
            raise InputError(f"column {place.name!r} cannot be boolean: {value:g} in row {row} is neither 0 nor 1")
        return Reading(numbers, replace(how, kind="boolean"), reason, notes, integer=True, array=array)
    return Reading(numbers, replace(how, kind="numeric"), reason, notes, integer=integer, array=array)


def dates_in_numbers(reading: Reading, patterns: tuple[str, ...], epoch: str | None, reason: str) -> Reading | None:
    """Plain numbers as dates; None where one of them is none."""
    how = replace(reading.how, kind="datetime", patterns=patterns, epoch=epoch, style=Style())
    assert reading.array is not None
    found = values_of(reading.array, how)
    if found.wrong.any() or found.beyond.any():
        return None
    return Reading(found.values, how, reason, reading.notes, array=reading.array)


def as_dates(reading: Reading, name: str, kind: Kind | None) -> Reading | None:
    """Whole numbers as dates, where they look like 20260131, or count seconds or more since 1970 and the name says so.

    None where they don't; with `kind` datetime the name need not say it.
    """
    values = reading.values[~np.isnan(reading.values)]
    if _are_months(reading):
        return dates_in_numbers(reading, ("%m.%Y",), None, "dates as month.year")
    if not values.size or not reading.integer or reading.how.style != Style() or len(np.unique(values)) < _FEWEST_DATES:
        return None
    low, high = values.min(), values.max()
    for longer, pattern, style in _RUNS:
        if low >= 19000101 * 10**longer and high < 22010000 * 10**longer:
            return dates_in_numbers(reading, (pattern,), None, f"dates as {style}")
    named = kind == "datetime" or any(word.lower() in _TIMES for word in _WORD.findall(name))
    for unit, ticks in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        if named and low >= _SINCE * ticks and high <= _UNTIL * ticks:
            what = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}[unit]
            return dates_in_numbers(reading, (), unit, f"{what} since 1970")
    return None


def _are_months(reading: Reading) -> bool:
    """Whether the numbers are texts such as 06.2023, whose leading zero no number has."""
    if reading.array is None or not pa.types.is_string(reading.array.type) or reading.how.style != Style():
        return False
    texts = pc.unique(reading.array.drop_null().slice(0, _HEAD))
    like = pc.match_substring_regex(texts, _MONTH)
    return len(texts) >= _FEWEST_DATES and bool(pc.all(like).as_py()) and bool(pc.any(pc.starts_with(texts, "0")).as_py())


def as_digits(array: pa.Array, numbers: np.ndarray, how: ColumnReading, kind: Kind | None) -> Reading | None:
    """Whole numbers beyond float64's exactness as text, where they name things: nearly all different, or few.

    None where they are not that large, or amounts.
    """
    largest = np.nanmax(np.abs(np.where(np.isinf(numbers), 0, numbers)), initial=0)
    if largest <= EXACT or kind == "numeric":
        return None
    texts = pc.cast(array, pa.string())
    if not pc.all(pc.match_substring_regex(texts, r"^[+-]?[0-9]+$")).as_py():
        return None
    distinct = len(pc.unique(texts))
    if kind is None and 0.05 * len(texts) < distinct < 0.95 * len(texts):
        return None
    how = replace(how, kind="categorical")
    reason = "whole numbers too long for arithmetic, kept digit by digit"
    return Reading(values_of(array, how).values, how, reason, digits=True, array=array)


def lost_dates(outside: np.ndarray, place: Place) -> tuple[str, ...]:
    """The note on dates that are no dates of any calendar we can hold; none when there are none."""
    if not outside.any():
        return ()
    count = int(outside.sum())
    why = f"impossible or outside the years {OLDEST} to {NEWEST}"
    return (f"{place.name!r}: {count} dates are {why} and count as missing ({place.named(outside)})",)
