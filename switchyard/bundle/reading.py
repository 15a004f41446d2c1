"""`ColumnReading`: how a column's text or type becomes values; decided once in training, kept in the bundle, applied by all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from switchyard.bundle.amounts import PLAIN, Style, amount
from switchyard.bundle.moments import EPOCHS, FIRST_S, LAST_S, Outside, by_pattern, inside, moment_of
from switchyard.bundle.plain import EXACT, MISSING, NESTED, Beyond, as_float, is_missing, name_of_number, seconds_of, shown, unpointed

MISSING_WORDS = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "#NA", "-nan", "-NaN")
"""Words that stand for no value unless a column's reading says otherwise; empty and blank text always does."""
_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))


@dataclass(frozen=True)
class ColumnReading:
    """How one column is read.

    What each kind gives: float (numeric), 1.0 and 0.0 (boolean), seconds since 1970 in UTC (datetime), each NaN where
    missing; a name (categorical and text), `MISSING` where missing.
    """

    kind: str
    """numeric, boolean, datetime, categorical or text."""
    missing: tuple[str, ...] = MISSING_WORDS
    """Words that count as missing, spelt exactly, without the blanks around them."""
    style: Style = PLAIN
    """How numbers are written."""
    patterns: tuple[str, ...] = ()
    """How dates are written, as of strptime (and `by_pattern`'s %q); ISO 8601 is read besides."""
    epoch: str | None = None
    """Unit of plain numbers in a column of dates: s, ms, us or ns. None: seconds, and not in text."""
    codes: bool = False
    """Categories that are numbers: 10, 10.0 and "10.0" are the category "10"."""
    strip: bool = False
    """Whether blanks around a name are no part of it."""
    beyond: bool = False
    """Whether infinite numbers and moments beyond the years 1678 to 2261 count as missing, as they did in training."""
    lenient: bool = False
    """Whether any text that can't be read counts as missing: training saw more kinds of such than it could list."""
    exact: bool = False
    """Bundles of format 1: names are spelt as they come, true and false in lower case."""

    def value(self, raw: Any) -> Any:
        """One value of any source in its canonical form.

        Raises
        ------
        ValueError
            Says, in words that follow the column's name, why it can't be read.
        """
        return converter(self)(raw)

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> ColumnReading:
        """The reading that `dataclasses.asdict` and JSON made `fields` of."""
        style = Style(**{**fields["style"], "units": tuple(fields["style"]["units"])})
        return cls(**{**fields, "missing": tuple(fields["missing"]), "patterns": tuple(fields["patterns"]), "style": style})


@lru_cache(maxsize=4096)
def converter(reading: ColumnReading) -> Callable[[Any], Any]:
    """What reads one value by `reading`; see `ColumnReading.value`."""
    make = {"numeric": _numbers, "boolean": _booleans, "datetime": _seconds}.get(reading.kind, _names)
    return make(reading)


def _numbers(reading: ColumnReading) -> Callable[[Any], float]:
    missing, style, beyond, lenient = frozenset(reading.missing), reading.style, reading.beyond, reading.lenient
    plain = style == PLAIN

    def from_text(raw: str) -> float:
        text = raw.strip()
        if not text or text in missing:
            return np.nan
        try:
            return float(text) if plain else amount(text, style)
        except ValueError:
            if lenient:
                return np.nan
            raise ValueError(f"{shown(raw)} is not a number") from None

    def convert(raw: Any) -> float:
        kind = raw.__class__
        if kind is float:
            result = raw
        elif kind is str or isinstance(raw, str):
            result = from_text(raw)
        else:
            result = as_float(raw, style.clock)
        if result in (np.inf, -np.inf):
            if beyond:
                return np.nan
            raise Beyond("is infinite")
        return result

    return convert


def _booleans(reading: ColumnReading) -> Callable[[Any], float]:
    missing, lenient = frozenset(reading.missing), reading.lenient

    def convert(raw: Any) -> float:
        if raw is True:
            return 1.0
        if raw is False:
            return 0.0
        if is_missing(raw):
            return np.nan
        text = str(raw).strip()
        word = text.lower()
        if word in _TRUE:
            return 1.0
        if word in _FALSE:
            return 0.0
        if text in missing or lenient:
            return np.nan
        raise ValueError(f"{shown(raw)} is neither true nor false")

    return convert


def _seconds(reading: ColumnReading) -> Callable[[Any], float]:
    to_nanoseconds = nanoseconds_by(reading)
    counted = reading.epoch is not None or any(_digits_alone(pattern) for pattern in reading.patterns)

    def convert(raw: Any) -> float:
        if (
            raw.__class__ is not str
            and not counted
            and isinstance(raw, (int, float, np.integer, np.floating))
            and not isinstance(raw, bool)
        ):
            return _checked_seconds(raw, reading.beyond)
        found = to_nanoseconds(raw)
        return np.nan if found is None else found / 1e9

    return convert


def _checked_seconds(raw: Any, beyond: bool) -> float:
    seconds = as_float(raw)
    if seconds != seconds or FIRST_S <= seconds < LAST_S:
        return seconds
    if beyond:
        return np.nan
    raise Beyond("is infinite" if seconds in (np.inf, -np.inf) else f"{shown(raw)} is outside the years 1678 to 2261")


def nanoseconds_by(reading: ColumnReading) -> Callable[[Any], int | None]:
    """What reads one moment as nanoseconds since 1970 in UTC, None where missing."""
    missing, patterns, counted, ticks = (
        frozenset(reading.missing),
        reading.patterns,
        reading.epoch is not None,
        EPOCHS[reading.epoch or "s"],
    )
    digits = tuple(pattern for pattern in reading.patterns if _digits_alone(pattern))

    def read(raw: Any) -> int | None:
        if isinstance(raw, str):
            text = raw.strip()
            if text in missing:
                return None
            found = by_pattern(text, patterns) if patterns else None
            if found is not None:
                return found
            if counted and text.lstrip("-").replace(".", "", 1).isdecimal():
                return inside(round(float(text) * ticks) if "." in text else int(text) * ticks)
            return moment_of(text)
        if isinstance(raw, (int, float, np.integer, np.floating)) and not isinstance(raw, bool):
            found = by_pattern(name_of_number(float(raw)), digits) if digits and abs(float(raw)) < EXACT else None
            return inside(int(raw * ticks) if isinstance(raw, (int, np.integer)) else round(raw * ticks)) if found is None else found
        return moment_of(raw)

    def convert(raw: Any) -> int | None:
        if is_missing(raw):
            return None
        try:
            return read(raw)
        except Outside:
            if reading.beyond:
                return None
            raise Beyond(f"{shown(raw)} is outside the years 1678 to 2261") from None
        except (ValueError, OverflowError, TypeError):
            if reading.lenient and isinstance(raw, str):
                return None
            ways = f"write it as {written(reading.patterns[0])}" if reading.patterns else "use ISO 8601 or epoch seconds"
            raise ValueError(f"{shown(raw)} is not a moment: {ways}") from None

    return convert


def written(pattern: str) -> str:
    """An example of how `pattern` is written: 31.01.2026 of %d.%m.%Y."""
    return datetime(2026, 1, 31, 18, 45).strftime(pattern.replace("%q", "1"))


def _digits_alone(pattern: str) -> bool:
    """Whether what `pattern` reads is digits and nothing else, which comes as a number from many a source."""
    return written(pattern).isdecimal()


def _names(reading: ColumnReading) -> Callable[[Any], str]:
    missing = frozenset((*reading.missing, MISSING))
    amounts = _numbers(ColumnReading("numeric", missing=(), style=reading.style, beyond=True)) if reading.codes else None

    def from_text(raw: str) -> str:
        text = raw.strip()
        if not text or text in missing:
            return MISSING
        if reading.exact:
            return raw
        if amounts is not None:
            try:
                number = amounts(text)
                return MISSING if number != number else name_of_number(number)
            except ValueError:
                pass
        if len(text) < 6 and (word := text.lower()) in ("true", "false"):
            return word.capitalize()
        return unpointed(text if reading.strip else raw)

    def convert(raw: Any) -> str:
        return from_text(raw) if isinstance(raw, str) else _name(raw, reading)

    return convert


def _name(raw: Any, reading: ColumnReading) -> str:
    if is_missing(raw):
        return MISSING
    if isinstance(raw, (bool, np.bool_)):
        if reading.codes:
            return "1" if raw else "0"
        return ("true" if raw else "false") if reading.exact else ("True" if raw else "False")
    if isinstance(raw, (float, np.floating)) or type(raw).__name__ == "Decimal":
        number = float(raw)
        if number in (np.inf, -np.inf):
            if reading.beyond:
                return MISSING
            raise Beyond("is infinite")
        return str(raw) if reading.exact and not isinstance(raw, (float, np.floating)) else name_of_number(number)
    if isinstance(raw, NESTED):
        raise ValueError(f"{shown(raw)} is not a category")
    if reading.exact:
        return str(raw)
    if isinstance(raw, (timedelta, np.timedelta64)):
        return name_of_number(seconds_of(raw))
    if reading.codes and isinstance(raw, (int, np.integer)):
        return name_of_number(float(raw))
    if isinstance(raw, datetime) and raw.time() == time() and raw.tzinfo is None:
        return raw.date().isoformat()
    return str(raw)
