"""Numbers in text: `style_of` finds how a column writes them, `number_text` writes them back as category labels."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle.amounts import PLAIN, Pieces, Style, amount, clock_seconds, pieces, scale_in, unit_of_time
from switchyard.bundle.plain import EXACT, name_of_number

_PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$|^(?i:[+-]?(?:inf|infinity))$"
_POINT = r"^[+-]?(?:[0-9]*\.(?:[0-9]{0,2}|[0-9]{4,})|0\.[0-9]+|[0-9]{4,}\.[0-9]+|[0-9]*\.[0-9]+[eE].*)$"
"""Plain numbers whose point can't stand between thousands."""
_CURRENCIES = (
    "USD EUR GBP JPY CHF CNY RMB INR AUD CAD NZD SEK NOK DKK ISK PLN CZK HUF RON BGN RSD UAH RUB TRY ILS AED SAR QAR KWD BHD OMR JOD EGP "
    "MAD TND ZAR NGN KES GHS BRL MXN ARS CLP COP PEN UYU SGD HKD TWD KRW THB MYR IDR PHP VND PKR BDT LKR KZT Rs kr Kr Ft Fr lei "
    "z\u0142 K\u010d \u043b\u0432"
)
_CODES = frozenset(_CURRENCIES.split())
"""Currencies' codes and short names; a point behind one is no part of it."""
_YEAR, _MONTHS = re.compile(r"/(?:19|20|21)\d\d"), frozenset(f"{month:{width}}" for month in range(1, 13) for width in ("d", "02d"))
"""12/2025 is a month, not 12 of 2025."""
_RANK = re.compile(r"(?:st|nd|rd|th)\b")
"""What makes a rank of a number is no unit: 4th would be one of another than 3rd."""
_HEAD = 1_000
_MOST_BINS = 10
"""Different bounds of one kind ("10+", "1,000+") up to which they are names of bins."""
_FEWEST = 3
"""Different numbers that there must be for letters behind them to be a unit."""


@dataclass(frozen=True)
class Written:
    """How the numbers of some texts are written, and which are numbers."""

    style: Style
    good: np.ndarray
    """bool, for each text."""
    reason: str = ""
    """How they are written when not plainly, for people."""
    doubt: str = ""
    """What could be read otherwise, for people."""


def style_of(texts: pa.Array, decimal: str | None = None, witness: str | None = None, unit: str | None = None) -> Written:
    """How `texts` (distinct, no nulls, no blanks around) write numbers.

    Parameters
    ----------
    texts : Array of string
    decimal : str or None
        The decimal mark where it is known: from the config, or of another column of the table.
    witness : str or None
        That other column; None where the config says it.
    unit : str or None
        What the config says stands beside the numbers.
    """
    plain = pc.match_substring_regex(texts, _PLAIN).to_numpy(zero_copy_only=False)
    said = decimal is not None and witness is None
    if plain.all() and not said and decimal != ",":
        return Written(PLAIN, plain)
    words = texts.to_pylist()
    # pandas writes a duration of whole days as "3 days": no unit, since Parquet would hold the duration itself.
    timed = unit is None and not plain.any() and all(clock_seconds(text) is not None for text in words)
    if timed and (len(units := set(map(unit_of_time, words))) > 1 or None in units):
        return _clock(words, plain)
    found = {place: parts for place, text in enumerate(words) if (not plain[place] or said or decimal == ",") and (parts := pieces(text))}
    if not found:
        return _clock(words, plain)
    affixes, found = _affixes(found, plain, unit)
    if not found:
        return Written(PLAIN, plain)
    certain_point = bool(pc.any(pc.match_substring_regex(texts, _POINT)).as_py())
    marks = _marks(found.values(), certain_point, decimal)
    if marks is None:
        return Written(PLAIN, plain)
    style = replace(affixes, decimal=marks[0], grouping=marks[1])
    style = replace(style, accounting=any(parts.accounting for parts in found.values()), bounds=_bounds(found.values(), len(words)))
    typeset = any(sign in words[place] for place in found for sign in "\u2212\u2013")
    style = replace(style, cents=any(parts.dash for parts in found.values()), typeset=typeset)
    if style == PLAIN:
        return Written(PLAIN, plain)
    values = [_try(text, style) for text in words]
    good = np.array([value is not None for value in values], dtype=bool)
    if unit is None and _letters(style) and len({value for value in values if value is not None}) < _FEWEST:
        return Written(PLAIN, plain)
    if good.sum() <= plain.sum() and not said and witness is None:
        return Written(PLAIN, plain)
    beside = ", beside plain numbers, which are read as they stand" if "%" in style.units and plain.any() else ""
    return Written(style, good, _described(style, found.values()) + beside, _doubt(marks[2], style, witness if decimal else None, said))


def _clock(words: Sequence[str], plain: np.ndarray) -> Written:
    good = np.array([clock_seconds(text) is not None for text in words], dtype=bool)
    if good.any():
        return Written(Style(clock=True), good | plain, "times of day or durations, in seconds")
    return Written(PLAIN, plain)


def _try(text: str, style: Style) -> float | None:
    try:
        return amount(text, style)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def is_currency(affix: str) -> bool:
    """Whether `affix` is a currency sign or code."""
    if affix.rstrip(".") in _CODES:
        return True
    signed = any(unicodedata.category(sign) == "Sc" for sign in affix)
    return signed and not is_currency(scale_in(affix)[1])


def _affixes(found: dict[int, Pieces], plain: np.ndarray, unit: str | None) -> tuple[Style, dict[int, Pieces]]:
    """Units and scales that stand beside the numbers, and the amounts that have no others."""
    counts = Counter(parts.after for parts in found.values() if parts.after)
    money = {affix for parts in found.values() for affix in parts.affixes if is_currency(affix)}
    money |= {sign for affix in counts if is_currency(sign := scale_in(affix)[1])}
    scales = {affix for affix in counts if affix not in money and _is_scale(affix, money)}
    bare = plain.any() or len(scales) > 1 or money or any(not parts.affixes for parts in found.values())
    years = all(_YEAR.fullmatch(affix) for affix in counts) and all(parts.body in _MONTHS for parts in found.values())
    others = [
        affix for affix, _ in counts.most_common() if affix not in money and affix not in scales and not years and not _RANK.match(affix)
    ]
    # Among codes such as 12A a 7B is no seven billion.
    scaled = bool(scales) and bool(money or (not others and (bare or {scale_in(affix)[0] for affix in scales} - {"k"})))
    if scales and not scaled:
        others = [*others, *scales]
    units = {*money, *([unit] if unit else others[:1])}
    allowed = units | (scales if scaled else set())
    kept = {place: parts for place, parts in found.items() if set(parts.affixes) <= allowed and _in_place(parts, units)}
    return Style(units=tuple(sorted(units)), scaled=scaled), kept


def _is_scale(affix: str, money: set[str]) -> bool:
    scale, unit = scale_in(affix)
    return bool(scale) and (not unit or unit in money) and (scale != "m" or bool(money))


def _in_place(parts: Pieces, units: set[str]) -> bool:
    """Letters before a number are a code ("A12"), unless they are a unit, as a currency is."""
    return not parts.before or parts.before in units


def _letters(style: Style) -> bool:
    return any(not is_currency(unit) and unit not in ("%", "\u2030") for unit in style.units)


def _marks(found: Collection[Pieces], point: bool, decimal: str | None) -> tuple[str, str, str] | None:
    """Decimal mark, grouping, and the mark that could be the other ("" where none); None where they contradict each other."""
    kinds = {fact for parts in found for fact in _facts(parts)} | ({("decimal", ".")} if point else set())
    groups = {mark for what, mark in kinds if what == "grouping"}
    sure = {mark for what, mark in kinds if what == "decimal"}
    open_marks = {mark for what, mark in kinds if what == "either"}
    if ("", "?") in kinds or len(groups - {",", "."}) > 1 or (len(open_marks) > 1 and not sure and not groups):
        return None
    if sure == {",", "."}:
        return None if groups else (",", "", "")
    if sure & groups:
        return None
    settled = bool(sure or groups)
    if sure:
        mark = sure.pop()
    elif groups & {",", "."}:
        mark = "," if "." in groups else "."
    else:
        mark = decimal or "." if open_marks else "."
    other = "," if mark == "." else "."
    blank = "".join(groups - {",", "."})
    grouping = blank or (other if other in groups | open_marks else "")
    if (blank and other in groups | open_marks) or mark in groups:
        return None
    return mark, grouping, "" if settled else "".join(open_marks)


def _facts(parts: Pieces) -> tuple[tuple[str, str], ...]:
    """What the marks in a number say: ("decimal", mark), ("grouping", mark), ("either", mark), ("", "?") for nonsense."""
    body = parts.body
    marks = [sign for sign in body if not sign.isdigit()]
    kinds = set(marks)
    if not marks:
        return ()
    if len(kinds) == 2 and marks.count(marks[-1]) == 1 and marks[-1] in ",.":
        return ("decimal", marks[-1]), ("grouping", marks[0])
    if len(kinds) > 1:
        return (("", "?"),)
    mark = marks[0]
    head, *groups = body.split(mark)
    if parts.exponent and len(marks) == 1:
        return (("decimal", mark),)  # Nobody parts thousands and writes an exponent besides.
    lengths = [len(group) for group in groups]
    thousands = head.isdigit() and len(head) <= 3 and head[0] != "0" and lengths[-1] == 3
    thousands = thousands and (set(lengths) == {3} or (mark == "," and len(head) <= 2 and set(lengths[:-1]) == {2}))
    if len(marks) > 1 or mark not in ",.":
        return (("grouping", mark) if thousands else ("", "?"),)
    return (("either" if thousands else "decimal", mark),)


def _bounds(found: Collection[Pieces], size: int) -> bool:
    """Whether some numbers are bounds; where most are, they are bins and no amounts, unless they are many of one kind."""
    bounds = [parts.bound for parts in found if parts.bound]
    return 0 < len(bounds) < 0.5 * size or (len(bounds) > _MOST_BINS and len(set(bounds)) == 1)


def _described(style: Style, found: Collection[Pieces]) -> str:
    parts = []
    if style.decimal == ",":
        parts.append("written with a decimal comma")
    if style.grouping:
        names = {",": "commas", ".": "points", " ": "blanks", "'": "apostrophes"}
        parts.append(f"written with {names[style.grouping]} between thousands")
    if style.units:
        parts.append("in " + ", ".join(style.units) + (", of which none is converted" if len(style.units) > 1 else ""))
    if style.scaled:
        parts.append("K, M, B or words for them behind a number multiply it")
    if style.bounds:
        parts.append("a bound such as <5 or 5+ is read as 5")
    if style.cents:
        parts.append("a dash stands for no cents")
    if style.accounting:
        parts.append("(5) and 5- are negative")
    return ", ".join(parts)


def _doubt(mark: str, style: Style, witness: str | None, said: bool) -> str:
    if not mark or said:
        return ""
    read = "between thousands" if mark == style.grouping else "as the decimal mark"
    name = "comma" if mark == "," else "point"
    return f"the {name} is read {read}" + (f", as {witness!r} shows" if witness else ", though it could be otherwise")


def units_of(words: Sequence[str]) -> tuple[str, ...]:
    """What stands behind the numbers in `words`, the most frequent first, where all are numbers with letters behind."""
    found = [pieces(word) for word in words]
    counts = Counter(parts.after for parts in found if parts and parts.after and not parts.before)
    return tuple(unit for unit, _ in counts.most_common()) if sum(counts.values()) == len(words) else ()


def plain_doubt(texts: pa.Array) -> str:
    """What is to be said of plain numbers whose every point could stand between thousands: 950, 1.234, 12.500; mostly nothing."""
    if pc.any(pc.match_substring_regex(texts.slice(0, _HEAD), _POINT)).as_py():
        return ""
    dotted = texts.filter(pc.match_substring(texts, "."))
    if len(pc.unique(dotted.slice(0, _HEAD))) < 2 or pc.any(pc.match_substring_regex(dotted, _POINT)).as_py():
        return ""
    return _doubt(".", PLAIN, None, False)


def whole(values: np.ndarray) -> bool:
    """Whether all finite of `values` are whole numbers, and there are any."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (finite == np.floor(finite)).all())


def number_text(values: np.ndarray) -> np.ndarray:
    """Numbers as category labels, object array: "1" for 1.0, the shortest exact form else, None where missing."""
    distinct, codes = np.unique(values, return_inverse=True)
    labels = np.array([None if value != value else name_of_number(value) for value in distinct.tolist()], dtype=object)
    return labels[codes] if labels.size else np.empty(0, dtype=object)


__all__ = ["EXACT", "Written", "is_currency", "number_text", "plain_doubt", "style_of", "whole"]
