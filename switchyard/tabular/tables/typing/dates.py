"""Dates in text, numbers and Arrow: `date_patterns` finds how a whole column writes them, as patterns of strptime."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle.datewords import spelt
from switchyard.bundle.moments import Outside, by_pattern

OLDEST, NEWEST = pd.Timestamp.min.year + 1, pd.Timestamp.max.year - 1
"""Years that nanoseconds since 1970 can hold in full."""
_ISO = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9]{2}:?[0-9]{2}(?::?[0-9]{2}(?:\.[0-9]+)?)?)? ?(?:Z|[+-][0-9]{2}:?[0-9]{2}|UTC)?$"
_CLOCK = r"[0-9]{1,2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?|\.[0-9]{2}(?:\.[0-9]{2})?)(?: ?[AaPp][Mm])?"
_TIME = rf"(?:(?:,? |T|:){_CLOCK}(?: ?[+-][0-9]{{2}}:?[0-9]{{2}}| ?Z| ?GMT| ?UTC)?)?$"
_DAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_SAMPLE = 20_000
"""Distinct texts that the patterns are tried on."""
_HEAD, _DATED = 200, 0.9
_ONE_WAY = 0.99
"""Share of rows from which one way of writing is that of the column."""
_POSSIBLE = 0.5
"""Share of what has the shape of a date that must be one; of version numbers such as 10.20.30 fewer are."""
_DIGITS = re.compile(r"(?:%[YmdHMS])+")
# (shape, patterns, how people call them); of two that both read everything the first is taken.
_SHAPES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (r"^[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}" + _TIME, ("%Y/%m/%d",), ("year/month/day",)),
    (
        r"^[0-9]{4}\. ?[0-9]{1,2}\. ?[0-9]{1,2}\.?" + _TIME,
        ("%Y.%m.%d", "%Y.%m.%d.", "%Y. %m. %d.", "%Y. %m. %d"),
        ("year.month.day",) * 4,
    ),
    (
        r"^[0-9]{4}\x{5E74}[0-9]{1,2}\x{6708}(?:[0-9]{1,2}\x{65E5})?" + _TIME,
        ("%Y\u5e74%m\u6708%d\u65e5", "%Y\u5e74%m\u6708"),
        ("year month day",) * 2,
    ),
    (r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}" + _TIME, ("%d.%m.%Y", "%m.%d.%Y"), ("day.month.year", "month.day.year")),
    (r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}" + _TIME, ("%m/%d/%Y", "%d/%m/%Y"), ("month/day/year", "day/month/year")),
    (r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}" + _TIME, ("%d-%m-%Y", "%m-%d-%Y"), ("day-month-year", "month-day-year")),
    (r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}" + _TIME, ("%d.%m.%y", "%m.%d.%y"), ("day.month.year", "month.day.year")),
    (r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}" + _TIME, ("%m/%d/%y", "%d/%m/%y"), ("month/day/year", "day/month/year")),
    (r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{2}" + _TIME, ("%d-%m-%y", "%m-%d-%y"), ("day-month-year", "month-day-year")),
    (r"^[0-9]{1,2}/[A-Za-z]{3,9}/[0-9]{4}" + _TIME, ("%d/%b/%Y", "%d/%B/%Y"), ("day/month/year",) * 2),
    (r"^[0-9]{1,2}-[A-Za-z]{3,9}-[0-9]{4}" + _TIME, ("%d-%b-%Y", "%d-%B-%Y"), ("day-month-year",) * 2),
    (r"^[0-9]{1,2}-[A-Za-z]{3,9}-[0-9]{2}" + _TIME, ("%d-%b-%y", "%d-%B-%y"), ("day-month-year",) * 2),
    (r"^[0-9]{1,2}\.? [A-Za-z]{3,9} [0-9]{4}" + _TIME, ("%d %b %Y", "%d %B %Y", "%d. %b %Y", "%d. %B %Y"), ("day month year",) * 4),
    (r"^[A-Za-z]{3,9} [0-9]{1,2}, ?[0-9]{4}" + _TIME, ("%b %d, %Y", "%B %d, %Y", "%b %d,%Y", "%B %d,%Y"), ("month day, year",) * 4),
    (r"^[A-Za-z]{3,9} [0-9]{1,2} [0-9]{4}" + _TIME, ("%b %d %Y", "%B %d %Y"), ("month day year",) * 2),
    (r"^[0-9]{4}[ -][A-Za-z]{3,9}[ -][0-9]{1,2}" + _TIME, ("%Y-%b-%d", "%Y %b %d", "%Y %B %d"), ("year month day",) * 3),
    (
        _DAY + r",? [0-9]{1,2} [A-Za-z]{3,9} [0-9]{4}" + _TIME,
        ("%a, %d %b %Y", "%A, %d %B %Y", "%a %d %b %Y"),
        ("weekday, day month year",) * 3,
    ),
    (
        _DAY + r",? [A-Za-z]{3,9} [0-9]{1,2},? [0-9]{4}" + _TIME,
        ("%A, %B %d, %Y", "%a, %b %d, %Y", "%A, %b %d, %Y", "%a %b %d %Y", "%A %B %d %Y"),
        ("weekday, month day, year",) * 5,
    ),
    (_DAY + rf" [A-Za-z]{{3}} +[0-9]{{1,2}} {_CLOCK} [0-9]{{4}}$", ("%a %b %d %H:%M:%S %Y",), ("weekday month day time year",)),
    (r"^[0-9]{4}[- ]?Q[1-4]$", ("%Y-Q%q", "%YQ%q", "%Y Q%q"), ("quarters of a year",) * 3),
    (r"^Q[1-4][- /]?[0-9]{4}$", ("Q%q %Y", "Q%q-%Y", "Q%q/%Y", "Q%q%Y"), ("quarters of a year",) * 4),
    (r"^[0-9]{4}-?W[0-9]{2}$", ("%G-W%V", "%GW%V"), ("weeks of a year",) * 2),
    (r"^[A-Za-z]{3,9}[ -][0-9]{4}$", ("%b %Y", "%B %Y", "%b-%Y", "%B-%Y"), ("month year",) * 4),
    (r"^[A-Za-z]{3,9}[-/'][0-9]{2}$", ("%b-%y", "%B-%y", "%b/%y", "%b'%y"), ("months as month-year",) * 4),
    (r"^[0-9]{4}/(?:0[1-9]|1[0-2])$", ("%Y/%m",), ("year/month",)),
    (r"^(?:0?[1-9]|1[0-2])[-/.](?:19|20|21)[0-9]{2}$", ("%m/%Y", "%m-%Y", "%m.%Y"), ("month/year",) * 3),
    (r"^(?:19|20|21)[0-9]{6}T[0-9]{6}(?:Z|[+-][0-9]{2}:?[0-9]{2})?$", ("%Y%m%dT%H%M%S",), ("yearmonthday and time",)),
    (r"^(?:19|20|21)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$", ("%Y%m%d",), ("yearmonthday",)),
    (r"^(?:19|20|21)[0-9]{10}$", ("%Y%m%d%H%M",), ("yearmonthday, hour and minute",)),
    (r"^(?:19|20|21)[0-9]{12}$", ("%Y%m%d%H%M%S",), ("yearmonthday and time",)),
)
_ZONE = re.compile(r"Z$|\d ?[+-]\d\d:?\d\d$")
_MONTH = r"^(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])$"
_TIMES = (
    "",
    "T%H:%M:%S",
    "T%H:%M",
    " %H.%M",
    " %H.%M.%S",
    " %H:%M:%S",
    " %H:%M",
    " %H:%M:%S.%f",
    " %I:%M:%S %p",
    " %I:%M %p",
    " %I:%M%p",
    " %I:%M:%S%p",
    ":%H:%M:%S",
)


@dataclass(frozen=True)
class Dates:
    """How a column writes dates."""

    patterns: tuple[str, ...]
    """Of strptime; none where it is ISO 8601."""
    shaped: np.ndarray
    """bool, where the text has the shape of a date, possible or not."""
    style: str
    """How they are written, for people."""
    ambiguous: bool = False
    """Whether day and month could be the other way round."""


def date_patterns(texts: pa.Array, least: float, weights: np.ndarray, digits: bool = False) -> Dates | None:
    """How `texts` (distinct, no nulls, no blanks around) write dates; None when they are none.

    Parameters
    ----------
    texts : Array of string
    least : float
        Share of rows, 0..1, that must have the shape of a date.
    weights : ndarray of shape (n_texts,)
        In how many rows each text is.
    digits : bool
        Whether digits alone can be a date.
    """
    said = _in_english(texts)
    shapes: list[tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]] = [
        (_has_shape(texts, _ISO), (), ("ISO dates",)),
        (_has_shape(texts, _MONTH), (), ("months as year-month",)),
    ]
    shapes += [(_has_shape(said, shape), forms, styles) for shape, forms, styles in _SHAPES if digits or not _DIGITS.fullmatch(forms[0])]
    if np.average(np.logical_or.reduce([shaped for shaped, _, _ in shapes]), weights=weights) < least:
        return None
    kept: list[Dates] = []
    for shaped, forms, styles in shapes:
        found = None
        if shaped.any():
            found = _chosen(said, shaped, forms, styles, weights) if forms else Dates((), shaped, styles[0])
        if found is not None and np.average(shaped, weights=weights) >= max(least, _ONE_WAY):
            return found
        kept += [] if found is None else [found]
    return _together(kept, least, weights) if kept else None


def _together(found: list[Dates], least: float, weights: np.ndarray) -> Dates | None:
    """Dates of a column that writes them in several ways; None where they are fewer than `least` of its rows."""
    shaped = np.logical_or.reduce([one.shaped for one in found])
    if np.average(shaped, weights=weights) < least:
        return None
    styles = dict.fromkeys(one.style.removeprefix("dates as ") for one in found)
    style = found[0].style if len(styles) == 1 else f"dates as {' or '.join(styles)}"
    patterns = tuple(dict.fromkeys(pattern for one in found for pattern in one.patterns))
    return Dates(patterns, shaped, style, any(one.ambiguous for one in found))


def _in_english(texts: pa.Array) -> pa.Array:
    """`texts` as `spelt` has them, where the first of them hold numbers, as dates do, and words that it knows."""
    head = texts.slice(0, _HEAD).to_pylist()
    dated = sum(any(map(str.isdecimal, text)) for text in head) >= _DATED * len(head)
    if not dated or all(spelt(text) == text for text in head):
        return texts
    return pa.array(map(spelt, texts.to_pylist()), pa.string())


def _chosen(texts: pa.Array, shaped: np.ndarray, forms: tuple[str, ...], styles: tuple[str, ...], weights: np.ndarray) -> Dates | None:
    """The patterns among `forms` that read most rows."""
    places = np.flatnonzero(shaped & (weights > 0))[:_SAMPLE]
    words = [texts[int(place)].as_py() for place in places]
    zones: tuple[str, ...] = ("", "%z", " %z") if any(_ZONE.search(word) for word in words) else ("",)
    zones += tuple(f" {name}" for name in ("GMT", "UTC") if any(word.endswith(name) for word in words))
    times = tuple(
        f"{comma}{time}{zone}"
        for comma in (("", ",") if any("," in word for word in words) else ("",))
        for time in _TIMES
        for zone in zones
    )
    tries = [_try(words, tuple(form + time for time in times)) for form in forms]
    read = [int(weights[places][[value is not None for value in values]].sum()) for values, _ in tries]
    if max(read) < _POSSIBLE * weights[places].sum() or not max(read):
        return None
    if len(set(styles)) == 1:
        # Short and long names of months may stand in one column.
        style = styles[0] if styles[0].startswith("months") else f"dates as {styles[0]}"
        return Dates(tuple(dict.fromkeys(pattern for _, used in tries for pattern in used)), shaped, style)
    best = int(np.argmax(read))
    ambiguous = read[0] == read[1] and tries[0][0] != tries[1][0]
    return Dates(tries[best][1], shaped, f"dates as {styles[best]}", ambiguous)


def _try(words: list[str], patterns: tuple[str, ...]) -> tuple[list[int | None], tuple[str, ...]]:
    """What each word is by the first of `patterns` that it fits, and which of these were needed, those of most words first."""
    used: dict[str, int] = {}
    values = []
    for word in words:
        found = None
        for pattern in sorted(used, key=lambda one: -used[one]) or patterns:
            if (found := _read(word, pattern)) is not None:
                break
        else:
            for pattern in patterns:
                if pattern not in used and (found := _read(word, pattern)) is not None:
                    break
        if found is not None:
            used[pattern] = used.get(pattern, 0) + 1
        values.append(found)
    return values, tuple(sorted(used, key=lambda one: -used[one]))


def _read(word: str, pattern: str) -> int | None:
    try:
        return by_pattern(word, (pattern,))
    except Outside:
        return None


def reads(word: str, pattern: str) -> bool:
    """Whether `word` is a date as `pattern` writes it."""
    return _read(word, pattern) is not None


def _has_shape(texts: pa.Array, shape: str) -> np.ndarray:
    return pc.match_substring_regex(texts, shape).to_numpy(zero_copy_only=False)


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
