"""Dates in text and in Arrow: `parse_dates` finds the format of a whole column and reads it, UTC throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

OLDEST, NEWEST = pd.Timestamp.min.year + 1, pd.Timestamp.max.year - 1
"""Years that nanoseconds since 1970 can hold in full."""
_ISO = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9]{2}:?[0-9]{2}(?::?[0-9]{2}(?:\.[0-9]+)?)?)? ?(?:Z|[+-][0-9]{2}:?[0-9]{2}|UTC)?$"
_TIME = r"(?: [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?$"
_TIME_FORMATS = ("", " %H:%M:%S", " %H:%M")
# (shape, formats, how people call them); of two formats that both read everything the first is taken.
_SHAPES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (r"^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}" + _TIME, ("%Y/%m/%d",), ("year/month/day",)),
    (r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}" + _TIME, ("%d.%m.%Y", "%m.%d.%Y"), ("day.month.year", "month.day.year")),
    (r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}" + _TIME, ("%m/%d/%Y", "%d/%m/%Y"), ("month/day/year", "day/month/year")),
    (r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}" + _TIME, ("%d-%m-%Y", "%m-%d-%Y"), ("day-month-year", "month-day-year")),
    (r"^[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}" + _TIME, ("%d-%b-%Y",), ("day-month-year",)),
    (r"^[0-9]{1,2} [A-Za-z]{3,9} [0-9]{4}" + _TIME, ("%d %b %Y", "%d %B %Y"), ("day month year",) * 2),
    (r"^[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}" + _TIME, ("%b %d, %Y", "%B %d, %Y"), ("month day, year",) * 2),
)


@dataclass(frozen=True)
class Dates:
    """Dates read from text."""

    values: np.ndarray
    """datetime64[ns], NaT where there is none."""
    shaped: np.ndarray
    """bool, where the text has the shape of a date, possible or not."""
    style: str
    """How they are written, for people."""
    ambiguous: bool = False
    """Whether day and month could be the other way round."""


def parse_dates(texts: pa.Array, least: float, weights: np.ndarray) -> Dates | None:
    """Read `texts` (distinct, no nulls) as dates of one format.

    Parameters
    ----------
    texts : Array of string
    least : float
        Share of rows, 0..1, that must have the shape of a date.
    weights : ndarray of shape (n_texts,)
        In how many rows each text is.

    Returns
    -------
    Dates or None
        None when they are no dates.
    """
    shaped = _has_shape(texts, _ISO)
    if np.average(shaped, weights=weights) >= least:
        return Dates(_read(texts, shaped, ("ISO8601",)), shaped, "ISO dates")
    for shape, formats, styles in _SHAPES:
        shaped = _has_shape(texts, shape)
        if np.average(shaped, weights=weights) < least:
            continue
        tries = [_read(texts, shaped, tuple(form + time for time in _TIME_FORMATS)) for form in formats]
        read = [int(weights[~np.isnat(values)].sum()) for values in tries]
        best = int(np.argmax(read))
        values = tries[best]
        if len(tries) == 2 and styles[0] == styles[1]:
            # Short and long names of months may stand in one column.
            values = np.where(np.isnat(tries[0]), tries[1], tries[0])
            return Dates(values, shaped, f"dates as {styles[0]}")
        ambiguous = len(tries) == 2 and read[0] == read[1] and not np.array_equal(tries[0], tries[1], equal_nan=True)
        return Dates(values, shaped, f"dates as {styles[best]}", ambiguous)
    return None


def _has_shape(texts: pa.Array, shape: str) -> np.ndarray:
    return pc.match_substring_regex(texts, shape).to_numpy(zero_copy_only=False)


def _read(texts: pa.Array, shaped: np.ndarray, formats: tuple[str, ...]) -> np.ndarray:
    values = np.full(len(texts), np.datetime64("NaT"), dtype="datetime64[ns]")
    left = np.flatnonzero(shaped)
    words = pd.Series(texts.to_numpy(zero_copy_only=False), dtype=object)
    for form in formats:
        if not left.size:
            break
        parsed = pd.to_datetime(words.iloc[left], format=form, errors="coerce", utc=True)
        values[left] = parsed.dt.tz_localize(None).to_numpy("datetime64[ns]")
        left = left[np.isnat(values[left])]
    return values


def arrow_dates(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Arrow dates or timestamps (with a zone: turned to UTC) as datetime64[ns], and where they do not fit."""
    seconds = array.cast(pa.timestamp("us"), safe=False) if pa.types.is_date(array.type) else array
    unit = seconds.type.unit
    stamps = pc.cast(seconds.cast(pa.timestamp(unit)), pa.int64())
    present = pc.is_valid(stamps).to_numpy(zero_copy_only=False)
    ticks = pc.fill_null(stamps, 0).to_numpy(zero_copy_only=False)
    scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]
    outside = present & (np.abs(ticks.astype("float64")) * scale >= 2**63)
    values = (np.where(outside, 0, ticks) * scale).astype("datetime64[ns]")
    values[~present | outside] = np.datetime64("NaT")
    return values, outside
