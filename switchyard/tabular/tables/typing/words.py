"""`from_text`: what a column of text holds: numbers, booleans, dates, categories or free text.

Everything is decided on the distinct texts and laid out over the rows once, so that long columns cost little.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import ColumnReading
from switchyard.bundle.amounts import PLAIN, amount
from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.typing.dates import Dates, date_patterns, reads
from switchyard.tabular.tables.typing.numbers import Written, plain_doubt, style_of, units_of
from switchyard.tabular.tables.typing.prose import prose
from switchyard.tabular.tables.typing.readings import Place, Reading, as_dates, as_digits, empty, lost_dates, read_numbers
from switchyard.tabular.tables.typing.surroundings import Surroundings
from switchyard.tabular.tables.typing.texts import Texts
from switchyard.tabular.tables.typing.values import values_of

MOSTLY = 0.99
"""A column is numeric (or dates) when at least this share of its values is; the others count as missing, and are named."""
_TOTAL = re.compile(r"(?i)(?:(?:grand|sub)[ -]?)?(?:totals?|sum|summe|gesamt|average|mean):?")
"""What the first cell of a last row says that adds up the others."""
_NOTHING = (
    "? - -- --- \u2013 \u2014 . .. ... \u2026 * none unknown missing n.a. na n/a n.d. n/d nil null nan k.a. tbd (blank) "
    "#value! #div/0! #ref! #num! #name? #null!"
)
_PLACEHOLDERS = frozenset(
    (*_NOTHING.split(), "not available", "not applicable", "not known", "not reported", "no data", "k. a.", "keine angabe")
)
"""Words that stand for "no value" among numbers, whatever their share."""
_AMOUNT = re.compile(r"\d[.,]\d|\d\s")
"""What 26.6 km/kg and 130 lb have and the code 12A has not."""
_PLACEHOLDER_SHARE = 0.5
_ONE_UNIT = 0.9
"""Share of a column's values that must be in one unit for those in others to count as missing."""
_MIXED_SHARE = 0.05
_BOOLEANS = frozenset(("true", "false"))
_BITS = frozenset(("1", "0", "1.0", "0.0"))
_SPELT = ("None", "NA", "N/A", "n/a", "NULL", "null")
"""Words for no value that are also names of something: no damage, North America."""
_FREQUENT = 0.05
"""Share of the rows from which such a word in a column of words is a value."""
_FEW_TEXTS = 50
_TEXT_SHARE = 0.3
"""Free texts are that many different ones, and this share of those there are."""
_HEAD = 1_000
_PADDED = r"^0[0-9]+$"


def from_text(array: pa.Array, kind: Kind | None, place: Place, around: Surroundings) -> Reading:
    """Decide how a column of Arrow strings (null where missing) is read, as `kind` where that is known, and read it.

    Raises
    ------
    InputError
        When it cannot be read as `kind`.
    """
    if around.format is not None and kind in (None, "datetime"):
        return _by_format(array, around.format, place, around)
    how = ColumnReading(kind or "numeric", missing=around.missing)
    if kind in (None, "numeric") and around.decimal is None and around.unit is None and not around.commas:
        plain = _plain_numbers(array, how, kind, place)
        if plain is not None:
            return plain
    texts = Texts.of(array, how)
    if texts.present == 0:
        return empty(array, how)
    if kind in ("categorical", "text"):
        how, notes = _values_spelt_missing(array, texts, replace(how, kind=kind), place, around)
        return _named(array, kind, how, f"{texts.distinct} values", notes)
    for wanted, read in (("boolean", _booleans), ("numeric", _numbers), ("datetime", _dates)):
        if kind in (None, wanted):
            reading = read(array, texts, kind, place, around)
            if reading is not None:
                return reading
    how, notes = _values_spelt_missing(array, texts, how, place, around)
    reading = _categories(array, Texts.of(array, how) if notes else texts, how)
    return replace(reading, notes=(*reading.notes, *notes))


def _values_spelt_missing(
    array: pa.Array, texts: Texts, how: ColumnReading, place: Place, around: Surroundings
) -> tuple[ColumnReading, tuple[str, ...]]:
    """The reading of a column of words in which a frequent word such as None is a value, and the note on it.

    Not where the same word marks gaps in the table's columns of numbers.
    """
    if around.settled:
        return how, ()
    named = pc.value_counts(pc.utf8_trim_whitespace(array.filter(pc.is_in(pc.utf8_trim_whitespace(array), pa.array(_SPELT)))))
    found = {str(item["values"]): int(item["counts"].as_py()) for item in named if str(item["values"]) not in around.marks}
    rows = texts.present + sum(found.values())
    kept = {word: count for word, count in found.items() if count >= _FREQUENT * rows}
    notes = tuple(
        f"{place.name!r}: {word!r}, in {count} of {rows} rows, is taken for a value; "
        f"data.columns.{place.name}.missing: [{word}] makes it none"
        for word, count in kept.items()
    )
    return replace(how, missing=tuple(word for word in how.missing if word not in kept)), notes


def _plain_numbers(array: pa.Array, how: ColumnReading, kind: Kind | None, place: Place) -> Reading | None:
    """The common case, fast: every value is a plain number."""
    try:
        # A failing cast still walks through the whole column; the head tells most words from numbers at once.
        pc.cast(array.slice(0, 1000), pa.float64())
        numbers = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    if kind is None:
        if _padded(array.filter(pc.starts_with(array, "0"))):
            return _named(array, "categorical", how, "codes with leading zeros")
        digits = as_digits(array, numbers, how, kind)
        if digits is not None:
            return digits
    doubt = plain_doubt(array)
    notes = (f"{place.name!r}: {doubt}; data.columns.{place.name}.decimal says it",) if doubt else ()
    return read_numbers(array, how, kind, place, notes=notes)


def _padded(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, _PADDED)).as_py())


def _named(array: pa.Array, kind: str, how: ColumnReading, reason: str, notes: tuple[str, ...] = ()) -> Reading:
    how = replace(how, kind=kind)
    return Reading(values_of(array, how).values, how, reason, notes, array=array)


def _booleans(array: pa.Array, texts: Texts, kind: Kind | None, place: Place, around: Surroundings) -> Reading | None:
    lower = pc.utf8_lower(texts.trimmed).to_pylist() if len(texts.raw) <= 64 else []
    used = {word for word, count in zip(lower, texts.counts, strict=False) if count}
    known = _BOOLEANS | _BITS if kind == "boolean" else _BOOLEANS
    if used and used <= known:
        how = ColumnReading("boolean", missing=around.missing)
        return Reading(values_of(array, how).values, how, "true or false", integer=True, words=True, array=array)
    if kind == "boolean":
        raise InputError(f"column {place.name!r} cannot be boolean: that takes true and false, or 0 and 1; leave its kind out")
    return None


def _numbers(array: pa.Array, texts: Texts, kind: Kind | None, place: Place, around: Surroundings) -> Reading | None:
    decimal, witness = around.decimal_for(place.name)
    used = pa.array(texts.used)
    written = style_of(texts.trimmed.filter(used), decimal, witness, around.unit)
    good = np.zeros(len(texts.raw), dtype=bool)
    good[texts.used] = written.good
    bad = ~good & texts.used
    share = texts.counts[good].sum() / texts.present
    if share == 0:
        if kind == "numeric":
            raise InputError(f"column {place.name!r} cannot be numeric: no value is a number ({texts.example(bad)}); correct data.columns")
        return None
    how = ColumnReading("numeric", missing=around.missing, style=written.style)
    others = _other_units(texts, bad, written.style.units)
    if kind is None and share < MOSTLY and (others is None or share < (_ONE_UNIT if others else _PLACEHOLDER_SHARE)):
        if date_patterns(texts.trimmed, MOSTLY, texts.counts) is not None:
            return None
        return _mixed(array, texts, bad, share, place, how) if share >= _MIXED_SHARE else None
    if kind is None and _padded(texts.trimmed.filter(used)):
        return _named(array, "categorical", ColumnReading("categorical", missing=around.missing), "codes with leading zeros")
    if kind is None and written.style == PLAIN and not bad.any() and (digits := _digits(array, texts, how)) is not None:
        return digits
    notes = _understood(written, texts, good, place)
    if not bad.any():
        return read_numbers(array, how, kind, place, written.reason, notes)
    where = texts.rows(bad)
    count = int(where.sum())
    shown = f"{texts.example(bad)}, {place.named(where)}"
    note = f"{place.name!r}: {count} of {texts.present} values are no numbers and count as missing ({shown})"
    if others:
        note += f"; {', '.join(others)} is another unit, of which nothing is converted"
    if where[-1] and count == 1 and _TOTAL.fullmatch(texts.trimmed[int(texts.codes[-1])].as_py()):
        note += "; a row of totals is no row: take it out of the file"
    return read_numbers(array, texts.strays(bad, how), kind, place, f"numbers but for {count}", (*notes, note))


def _digits(array: pa.Array, texts: Texts, how: ColumnReading) -> Reading | None:
    known = pc.if_else(pa.array(texts.codes >= 0), array, None)
    try:
        return as_digits(known, pc.cast(known, pa.float64()).to_numpy(zero_copy_only=False), how, None)
    except pa.ArrowInvalid:
        return None


def _understood(written: Written, texts: Texts, good: np.ndarray, place: Place) -> tuple[str, ...]:
    """The note on numbers that are not written plainly."""
    if written.style == PLAIN:
        return ()
    plain = pc.match_substring_regex(texts.trimmed, r"^[+-]?[0-9]*\.?[0-9]*$").to_numpy(zero_copy_only=False)
    row = int(np.argmax(texts.rows(good & ~plain if (good & ~plain).any() else good)))
    text = str(texts.trimmed[int(texts.codes[row])])
    doubt = f"; {written.doubt}; data.columns.{place.name}.decimal says it" if written.doubt else ""
    return (f"{place.name!r} is read as amounts, {written.reason}: {text!r} is {amount(text, written.style):g}{doubt}",)


def _other_units(texts: Texts, bad: np.ndarray, units: tuple[str, ...]) -> tuple[str, ...] | None:
    """The units of those of the `bad` that are amounts in others than `units`, where all else is words for no value; None if not."""
    words = texts.trimmed.filter(pa.array(bad)).to_pylist()
    rest = [word for word in words if not any(word.lower().removesuffix(unit.lower()).strip() in _PLACEHOLDERS for unit in ("", *units))]
    if not rest:
        return ()
    amounts = bool(units) and all(_AMOUNT.search(word) for word in rest)
    return (units_of(rest) or None) if amounts else None


def _mixed(array: pa.Array, texts: Texts, bad: np.ndarray, share: float, place: Place, how: ColumnReading) -> Reading:
    units = units_of(texts.trimmed.filter(pa.array(texts.used)).slice(0, _HEAD).to_pylist())
    if len(units) > 1:
        what = f"holds numbers in {len(units)} units ({', '.join(units[:4])})"
        note = f"{place.name!r} {what}: taken as categories; convert it to one unit to have numbers"
    else:
        what = f"is mixed, {share:.0%} numbers and else text such as {texts.example(bad)}"
        note = f"{place.name!r} {what}: taken as categories; set its kind to numeric to drop the text"
    return _named(array, "categorical", replace(how, style=PLAIN), f"mixed: {share:.0%} numbers, else text", (note,))


def _dates(array: pa.Array, texts: Texts, kind: Kind | None, place: Place, around: Surroundings) -> Reading | None:
    # When the user says it holds dates, one of them shows the format.
    dates = date_patterns(texts.trimmed, MOSTLY if kind is None else np.finfo(float).tiny, texts.counts, digits=kind is not None)
    if dates is None:
        if kind is None:
            return None
        numbers = _plain_numbers(array, ColumnReading("numeric", missing=around.missing), "numeric", place)
        if numbers is not None and (counted := as_dates(numbers, place.name, kind)) is not None:
            return counted
        where = f"{texts.example(texts.used)} in row {place.rows[texts.codes >= 0][0]}"
        raise InputError(f"column {place.name!r} cannot be datetime: {where} is no date; write it as 2026-01-31, or say its format")
    return read_dates(array, texts, dates, place, around)


def _by_format(array: pa.Array, pattern: str, place: Place, around: Surroundings) -> Reading:
    how = ColumnReading("datetime", missing=around.missing, patterns=(pattern,))
    texts = Texts.of(array, how)
    if texts.present == 0:
        return empty(array, how)
    read = [reads(word, pattern) for word in texts.trimmed.to_pylist()]
    if not (np.array(read) & texts.used).any():
        example = texts.example(texts.used)
        raise InputError(f"column {place.name!r}: {example} is not written as data.columns.{place.name}.format {pattern!r} says")
    shaped = np.array(read, dtype=bool)
    return read_dates(array, texts, Dates((pattern,), shaped, f"dates as {pattern}"), place, around)


def read_dates(array: pa.Array, texts: Texts, dates: Dates, place: Place, around: Surroundings) -> Reading:
    """Dates by the patterns that were found, and what is lost of them."""
    how = ColumnReading("datetime", missing=around.missing, patterns=dates.patterns)
    found = values_of(array, how)
    unread = np.isnat(found.values) & (texts.codes >= 0)
    strayed = ~dates.shaped & texts.used
    strays = texts.rows(strayed)
    outside = unread & ~strays
    notes = list(lost_dates(outside, place))
    if strays.any():
        shown = f"{texts.example(strayed)}, {place.named(strays)}"
        notes.append(f"{place.name!r}: {int(strays.sum())} values are no dates and count as missing ({shown})")
    if dates.ambiguous:
        read = dates.style.removeprefix("dates as ")
        notes.append(f"{place.name!r}: read as {read}, though day and month could be the other way round; write 2026-01-31 to be sure")
    elif dates.style != "ISO dates":
        notes.append(f"{place.name!r} holds {dates.style}")
    if unread.any():
        wanted = np.zeros(len(texts.raw), dtype=bool)
        wanted[np.unique(texts.codes[unread | strays])] = True
        how = texts.strays(wanted, how)
        found = values_of(array, how)
    return Reading(found.values, how, dates.style, tuple(notes), lost=int(outside.sum() + strays.sum()), array=array)


def _categories(array: pa.Array, texts: Texts, how: ColumnReading) -> Reading:
    if texts.distinct > max(_FEW_TEXTS, _TEXT_SHARE * texts.present):
        sample = [text for text, count in zip(texts.raw[:_HEAD].to_pylist(), texts.counts[:_HEAD], strict=True) if count]
        length = prose(sample)
        if length:
            return _named(array, "text", how, f"free text, {length:.0f} words on average")
    return _named(array, "categorical", how, f"{texts.distinct} values")
