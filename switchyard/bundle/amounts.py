"""Amounts in text: `Style` says how a column writes its numbers, `amount` reads one of them by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

SCALES = {
    **dict.fromkeys(("k", "K", "Tsd", "thousand"), 1e3),
    **dict.fromkeys(("M", "m", "Mio", "mio", "mn", "mln", "million", "millions", "Million", "Millionen"), 1e6),
    **dict.fromkeys(("B", "bn", "bln", "Mrd", "mrd", "billion", "billions", "Billion"), 1e9),
    **dict.fromkeys(("lakh", "Lakh"), 1e5),
    **dict.fromkeys(("crore", "Crore", "Cr"), 1e7),
}
"""What may stand behind a number for its size; "m" only beside a currency, since alone it is metres."""
_SCALED = re.compile(rf"({'|'.join(sorted(SCALES, key=len, reverse=True))})\.? ?(.*)")
_SIGNS = r"\-+\u2212\u2013"
_WORD = rf"[^\d\s.,':{_SIGNS}()<>~\u2248][^\d\s()<>~{_SIGNS}\u2248]*(?:(?<=/)\d+[^\d\s()<>~{_SIGNS}\u2248]*)?"
_PIECES = re.compile(
    rf"(?P<open>\()?\s*(?P<bound>[<>\u2264\u2265~\u2248]=?)?\s*(?P<sign>[{_SIGNS}])?\s*"
    rf"(?P<before>[^\d\s.,'{_SIGNS}()<>~\u2248]+(?:(?<=Rs|Fr|Kr|kr)\.|\.(?=\s))?)?\s*(?P<inner>[{_SIGNS}])?"
    r"(?P<body>\d(?:[\d.,'\u2019\u00a0\u202f\u2009 ]*\d)?[.,]?|[.,]\d+)(?P<exponent>[eE][+-]?\d+)?"
    r"(?P<dash>:-|(?<=[.,])[-\u2013\u2014]{1,2})?"
    rf"\s*(?P<after>/\d+|{_WORD}(?:[ \u00a0]{_WORD})?)?\s*(?P<trail>[-\u2212])?(?P<least>\+)?\s*(?P<close>\))?"
)
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
_CLOCK = re.compile(
    r"(?:(?P<sign>-)?(?P<days>\d+) days?,? ?)?(?P<early>[+-])?(?:(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d)"
    r"(?::(?P<seconds>[0-5]\d(?:\.\d+)?))?)?"
)
_SPELT = re.compile(
    r"(?:(?P<days>\d+) ?d(?:ays?)?\b,? ?)?(?:(?P<hours>\d+) ?h(?:(?:ou)?rs?)?(?![a-z]),? ?)?"
    r"(?:(?P<minutes>\d+) ?m(?:in(?:ute)?s?)?(?![a-z]),? ?)?(?:(?P<seconds>\d+(?:\.\d+)?) ?s(?:ec(?:ond)?s?)?)?"
)
_HALF = re.compile(r"(?P<hour>1[0-2]|0?[1-9])(?::(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?)? ?(?P<half>[AaPp])\.?[Mm]\.?")
"""A time of the twelve-hour clock."""
_ISO = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?")


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written."""

    decimal: str = "."
    grouping: str = ""
    """What stands between thousands: one character, or nothing. A blank stands for every kind of blank."""
    units: tuple[str, ...] = ()
    """Currency signs, percent signs and units that may stand before or behind."""
    scaled: bool = False
    """Whether K, M, B and words for them behind a number multiply it."""
    bounds: bool = False
    """Whether "<0.60" is read as the bound 0.60."""
    accounting: bool = False
    """Whether "(5)" and "5-" are negative."""
    cents: bool = False
    """Whether the dash in "5.-" and "5,--" stands for no cents; in bundles of before it was a minus."""
    typeset: bool = False
    """Whether a minus sign may be another than the hyphen."""
    clock: bool = False
    """Whether times of day and durations ("13:00:00", "1:00 PM", "2 days 00:10:00", "2h 13m", "PT45M") are read, as seconds."""


PLAIN = Style()
"""Digits, a decimal point, a sign, an exponent: as every program writes numbers."""


class Pieces(NamedTuple):
    """The parts of an amount."""

    negative: bool
    accounting: bool
    bound: str
    """"<" of a number that is one, "+" behind a least one, "" of any other."""
    dash: bool
    """Whether a dash stands in the place of cents."""
    before: str
    after: str
    body: str
    """Digits with decimal marks and grouping, blanks and apostrophes as one kind each."""
    exponent: str

    @property
    def affixes(self) -> tuple[str, ...]:
        """What stands before and behind, where something does."""
        return tuple(part for part in (self.before, self.after) if part)


def pieces(text: str) -> Pieces | None:
    """The parts of `text`, which has no blanks around it; None where it is no amount of any style."""
    found = _PIECES.fullmatch(text)
    if found is None or (found["open"] is None) != (found["close"] is None):
        return None
    signs = [part for part in (found["sign"], found["inner"], found["trail"], found["open"]) if part]
    if len(signs) > 1 or (found["bound"] and found["least"]):
        return None
    accounting = bool(found["trail"] or found["open"])
    negative = bool(signs) and signs[0] != "+"
    before, after = found["before"] or "", found["after"] or ""
    bound, body = found["bound"] or found["least"] or "", found["body"].translate(_BLANKS)
    return Pieces(negative, accounting, bound, bool(found["dash"]), before, after.replace("\u00a0", " "), body, found["exponent"] or "")


def amount(text: str, style: Style) -> float:
    """The number that `text`, without blanks around it, is in `style`; ValueError where it is none."""
    if style.clock:
        seconds = clock_seconds(text)
        if seconds is not None:
            return seconds
    if style.grouping != "." and "_" not in text:
        try:
            return float(text)
        except ValueError:
            pass
    found = pieces(text)
    if found is None or (found.accounting and not style.accounting) or (found.bound and not style.bounds):
        raise ValueError
    if found.dash and not style.cents and not style.accounting:
        raise ValueError
    factor = 1.0
    for affix in found.affixes:
        unit, scale = _split(affix, style)
        if unit and unit not in style.units:
            raise ValueError
        factor *= scale
    if not _body(style.decimal, style.grouping).fullmatch(found.body):
        raise ValueError
    digits = found.body.replace(style.grouping, "") if style.grouping else found.body
    number = float(digits.replace(style.decimal, ".") + found.exponent) * factor
    return -number if found.negative or (found.dash and not style.cents) else number


def clock_seconds(text: str) -> float | None:
    """Seconds of a time of day ("13:00:00.5", "1:00 PM") or a duration ("2 days 00:10:00", "2h 13m", "PT45M"); None of anything else."""
    found = _CLOCK.fullmatch(text)
    if found is None or (found["days"] is None and found["hours"] is None):
        return _spelt_seconds(text)
    days = int(found["days"] or 0) * (-1 if found["sign"] else 1)
    whole, _, fraction = (found["seconds"] or "0").partition(".")
    seconds = int(found["hours"] or 0) * 3600 + int(found["minutes"] or 0) * 60 + int(whole)
    ticks = seconds * 10**9 + int(f"{fraction:0<9}"[:9])
    return (days * 86_400 * 10**9 + (-ticks if found["early"] == "-" else ticks)) / 1e9


def _spelt_seconds(text: str) -> float | None:
    if (half := _HALF.fullmatch(text)) is not None:
        hour = int(half["hour"]) % 12 + (12 if half["half"] in "Pp" else 0)
        return float(hour * 3600 + int(half["minutes"] or 0) * 60 + int(half["seconds"] or 0))
    found = _ISO.fullmatch(text) or _SPELT.fullmatch(text)
    parts = found.groupdict() if found else {}
    if not any(parts.values()):
        return None
    return sum(float(parts[name] or 0) * size for name, size in (("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)))


def unit_of_time(text: str) -> str | None:
    """The unit of "45 min", one number and one unit, by name; None of everything else, and of "3 days", which is pandas' own way."""
    found = _SPELT.fullmatch(text)
    parts = [name for name, part in found.groupdict().items() if part is not None] if found else []
    return parts[0] if len(parts) == 1 and _CLOCK.fullmatch(text) is None else None


@lru_cache(maxsize=4096)
def scale_in(affix: str) -> tuple[str, str]:
    """The scale that `affix` begins with and the unit behind it ("Mio. \u20ac": Mio, \u20ac); twice nothing where it has none."""
    found = _SCALED.fullmatch(affix)
    return (found[1], found[2]) if found else ("", "")


def _split(affix: str, style: Style) -> tuple[str, float]:
    """Unit and factor of what stands beside a number: "M" and "M\u20ac" hold a factor where the style has such."""
    if style.scaled and affix not in style.units:
        scale, unit = scale_in(affix)
        if scale and (not unit or unit in style.units):
            return unit, SCALES[scale]
    return affix, 1.0


@lru_cache(maxsize=64)
def _body(decimal: str, grouping: str) -> re.Pattern[str]:
    mark, group = re.escape(decimal), re.escape(grouping)
    lakhs = rf"[1-9]\d?(?:{group}\d\d)+{group}\d{{3}}(?:{mark}\d*)?|" if grouping == "," else ""
    grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+(?:{mark}\d*)?|{lakhs}" if grouping else ""
    return re.compile(rf"{grouped}\d+(?:{mark}\d*)?|{mark}\d+")
