"""Moments: text, numbers and date objects to nanoseconds since 1970 in UTC; a moment without a zone is taken as UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from switchyard.bundle.datewords import spelt

EPOCHS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Nanoseconds in each unit of a count since 1970."""
FIRST, LAST = np.datetime64("1678-01-01", "us"), np.datetime64("2262-01-01", "us")
FIRST_S, LAST_S = -9_214_560_000, 9_214_646_400
"""The years that nanoseconds hold, in seconds since 1970."""
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d+))?)?)? ?(?:(Z|z|UTC)|([+-])(\d{2}):?(\d{2})?)?")
_QUARTER = re.compile(r"Q([1-4])")
_ZERO = datetime(1970, 1, 1)


class Outside(ValueError):
    """A moment beyond the years that nanoseconds can hold."""


def moment_of(value: Any) -> int:
    """Nanoseconds of an ISO 8601 text, a date, a datetime or a datetime64.

    Raises
    ------
    Outside
        It is beyond the years 1678 to 2261.
    ValueError, TypeError, OverflowError
        It is no moment.
    """
    if isinstance(value, str):
        return _iso(value)
    if isinstance(value, np.datetime64):
        return _of_numpy(value)
    if isinstance(value, (date, datetime)):
        return _of_date(value)
    raise ValueError


def by_pattern(text: str, patterns: Sequence[str]) -> int | None:
    """Nanoseconds of `text` by the first of the strptime `patterns` that it fits, None where it fits none.

    Beside strptime's own directives there is %q, a quarter of a year; a week without a day (%G-W%V) is its Monday. Names of
    months and days in other languages are read as `spelt` has them.
    """
    found = _first(text, patterns)
    if found is None and (said := spelt(text)) != text:
        return _first(said, patterns)
    return found


def _first(text: str, patterns: Sequence[str]) -> int | None:
    for pattern in patterns:
        try:
            return _of_date(_parsed(text, pattern))
        except Outside:
            raise
        except ValueError:
            continue
    return None


def _parsed(text: str, pattern: str) -> datetime:
    if "%q" in pattern:
        months = _QUARTER.sub(lambda found: f"Q{3 * int(found[1]) - 2:02d}", text)
        return datetime.strptime(months, pattern.replace("%q", "%m"))
    if "%V" in pattern and "%u" not in pattern:
        return datetime.strptime(f"{text} 1", f"{pattern} %u")
    return datetime.strptime(text, pattern)


def inside(nanoseconds: int) -> int:
    """`nanoseconds`, if they are within the years that can be held."""
    if not FIRST_S * 10**9 <= nanoseconds < LAST_S * 10**9:
        raise Outside
    return nanoseconds


def _of_date(value: date) -> int:
    if hasattr(value, "to_datetime64"):  # pandas' Timestamp keeps nanoseconds
        stamp: Any = value
        return _of_numpy((stamp if stamp.tzinfo is None else stamp.tz_convert(None)).to_datetime64())
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    elif value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return inside(ticks_of(value - _ZERO))


def ticks_of(since: timedelta) -> int:
    """Nanoseconds of a span of time."""
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _of_numpy(value: np.datetime64) -> int:
    whole = value.astype("datetime64[us]")
    if not FIRST <= whole < LAST:
        raise Outside
    return int(value.astype("datetime64[ns]").astype(np.int64))


def _iso(text: str) -> int:
    if len(text) in (10, 19):  # The usual ones, by what is fastest.
        try:
            plain = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return _of_date(plain)
    found = _ISO.fullmatch(text)
    if found is None:
        # Week dates, months and the like, as numpy reads them.
        return _of_numpy(np.datetime64(text))
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = found.groups()
    moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    ticks = ticks_of(moment - _ZERO) + (int(f"{fraction:0<9}"[:9]) if fraction else 0)
    if sign:
        shift = (int(hours) * 3600 + int(minutes or 0) * 60) * 10**9
        ticks += shift if sign == "-" else -shift
    return inside(ticks)
