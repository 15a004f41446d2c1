"""The `Reading`: a column in canonical values, with why it is what it is and what was lost; and how numbers become one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.typing.dates import NEWEST, OLDEST
from switchyard.tabular.tables.typing.numbers import EXACT, number_text, whole

_ROWS_NAMED = 3


@dataclass(frozen=True)
class Reading:
    """A column in canonical values (see `switchyard.tabular.tables.table`)."""

    values: np.ndarray
    kind: Kind
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


def empty(size: int, kind: Kind | None) -> Reading:
    """A column of `size` rows without any value."""
    kind = kind or "numeric"
    if kind == "datetime":
        return Reading(np.full(size, np.datetime64("NaT"), dtype="datetime64[ns]"), kind, "no values")
    if kind in ("numeric", "boolean"):
        return Reading(np.full(size, np.nan), kind, "no values")
    return Reading(np.full(size, None, dtype=object), kind, "no values")


def from_floats(numbers: np.ndarray, kind: Kind | None, place: Place, reason: str = "", notes: tuple[str, ...] = ()) -> Reading:
    """A column of float64, turned into `kind` if that is known: infinite values become missing."""
    infinite = np.isinf(numbers)
    if infinite.any():
        notes = (*notes, f"{place.name!r}: {int(infinite.sum())} infinite values count as missing ({place.named(infinite)})")
        numbers = np.where(infinite, np.nan, numbers)
    if np.isnan(numbers).all():
        return replace(empty(len(numbers), kind), notes=notes)
    integer = whole(numbers)
    if integer and kind is None and np.nanmax(np.abs(numbers)) > EXACT:
        notes = (*notes, f"{place.name!r}: whole numbers beyond 2^53 are rounded to about 16 digits")
    if kind is None and integer and np.nanmin(numbers) == 0 and np.nanmax(numbers) == 1:
        return Reading(numbers, "boolean", "only 0 and 1", notes, integer=True)
    reading = Reading(numbers, "numeric", reason or ("whole numbers" if integer else "numbers"), notes, integer=integer)
    return as_kind(reading, kind, place)


def as_kind(reading: Reading, kind: Kind | None, place: Place) -> Reading:
    """A numeric or boolean reading turned into `kind`; as it is when None."""
    if kind in (None, reading.kind, "numeric"):
        return replace(reading, kind=kind or reading.kind)
    if kind in ("categorical", "text"):
        return Reading(number_text(reading.values), kind, reading.reason, reading.notes)
    if kind == "boolean":
        wrong = ~np.isnan(reading.values) & ~np.isin(reading.values, (0.0, 1.0))
        if wrong.any():
            value, row = reading.values[wrong][0], place.rows[wrong][0]
            raise InputError(f"column {place.name!r} cannot be boolean: {value:g} in row {row} is neither 0 nor 1")
        return replace(reading, kind="boolean", integer=True)
    raise InputError(f"column {place.name!r} cannot be datetime: it holds numbers; write dates as 2026-01-31, or convert them")


def as_digits(array: pa.Array, numbers: np.ndarray, kind: Kind | None) -> Reading | None:
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
    values = texts.to_numpy(zero_copy_only=False)
    return Reading(values, "categorical", "whole numbers too long for arithmetic, kept digit by digit", digits=True)


def lost_dates(outside: np.ndarray, place: Place) -> tuple[str, ...]:
    """The note on dates that are no dates of any calendar we can hold; none when there are none."""
    if not outside.any():
        return ()
    count = int(outside.sum())
    why = f"impossible or outside the years {OLDEST} to {NEWEST}"
    return (f"{place.name!r}: {count} dates are {why} and count as missing ({place.named(outside)})",)
