"""`from_text`: what a column of text holds: numbers, booleans, dates, categories or free text.

Everything is decided on the distinct texts and laid out over the rows once, so that long columns cost little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.schema import MISSING
from switchyard.tabular.tables.typing.dates import parse_dates
from switchyard.tabular.tables.typing.numbers import parse_numbers
from switchyard.tabular.tables.typing.readings import Place, Reading, as_digits, empty, from_floats, lost_dates

MOSTLY = 0.99
"""A column is numeric (or dates) when at least this share of its values is; the others count as missing, and are named."""
_PLACEHOLDERS = frozenset(
    (
        "?",
        "-",
        "--",
        "---",
        ".",
        "*",
        "none",
        "unknown",
        "missing",
        "not available",
        "not applicable",
        "n.a.",
        "na",
        "n/a",
        "nil",
        "#value!",
        "#div/0!",
        "#ref!",
    )
)
"""Words that stand for "no value" among numbers, whatever their share."""
_PLACEHOLDER_SHARE = 0.5
_MIXED_SHARE = 0.05
_BOOLEANS = {"true": 1.0, "false": 0.0}
_BITS = {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
_TEXT_WORDS = 4
_PADDED = r"^0[0-9]+$"


def from_text(array: pa.Array, kind: Kind | None, place: Place) -> Reading:
    """Read a column of Arrow strings (null where missing), as `kind` where that is known.

    Raises
    ------
    InputError
        When it cannot be read as `kind`.
    """
    if kind in (None, "numeric"):
        plain = _plain_numbers(array, kind, place)
        if plain is not None:
            return plain
    texts = _Texts.of(array)
    if texts.present == 0:
        return empty(len(array), kind)
    if kind in ("categorical", "text"):
        return Reading(texts.as_read(), kind, f"{texts.distinct} values")
    for wanted, read in (("boolean", _booleans), ("numeric", _numbers), ("datetime", _dates)):
        if kind in (None, wanted):
            reading = read(texts, kind, place)
            if reading is not None:
                return reading
    return _categories(texts)


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a column and where they are."""

    raw: pa.Array
    trimmed: pa.Array
    codes: np.ndarray
    """Shape (n_rows,), index into `raw`, -1 where missing."""
    counts: np.ndarray
    """Rows of each text; 0 for blank ones, which count as missing."""

    @classmethod
    def of(cls, array: pa.Array) -> _Texts:
        encoded = array.dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
        blank = pc.is_in(trimmed, pa.array(["", MISSING])).to_numpy(zero_copy_only=False)
        if blank.any():
            codes = np.where(np.append(blank, True)[codes], -1, codes)
        return cls(encoded.dictionary, trimmed, codes, np.bincount(codes[codes >= 0], minlength=len(blank)))

    @property
    def used(self) -> np.ndarray:
        return self.counts > 0

    @property
    def distinct(self) -> int:
        return int(self.used.sum())

    @property
    def present(self) -> int:
        return int(self.counts.sum())

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """The rows whose text is one of the `wanted`, a bool for each distinct text."""
        return np.append(wanted, False)[self.codes]

    def spread(self, values: np.ndarray, missing: object) -> np.ndarray:
        """One value for each distinct text, laid out over the rows."""
        return np.append(values, np.array([missing], dtype=values.dtype))[self.codes]

    def as_read(self) -> np.ndarray:
        return self.spread(self.raw.to_numpy(zero_copy_only=False), None)

    def example(self, wanted: np.ndarray) -> str:
        """The first of the `wanted` in the order of the rows, quoted."""
        row = int(np.argmax(self.rows(wanted)))
        return repr(str(self.raw[int(self.codes[row])])[:40])


def _plain_numbers(array: pa.Array, kind: Kind | None, place: Place) -> Reading | None:
    """The common case, fast: every value is a plain number."""
    try:
        # A failing cast still walks through the whole column; the head tells most words from numbers at once.
        pc.cast(array.slice(0, 1000), pa.float64())
        numbers = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    if kind is None:
        if _padded(array.filter(pc.starts_with(array, "0"))):
            return Reading(array.to_numpy(zero_copy_only=False), "categorical", "codes with leading zeros")
        digits = as_digits(array, numbers, kind)
        if digits is not None:
            return digits
    return from_floats(numbers, kind, place)


def _padded(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, _PADDED)).as_py())


def _booleans(texts: _Texts, kind: Kind | None, place: Place) -> Reading | None:
    lower = pc.utf8_lower(texts.trimmed).to_pylist() if len(texts.raw) <= 16 else []
    used = {word for word, count in zip(lower, texts.counts, strict=False) if count}
    known = _BOOLEANS | _BITS if kind == "boolean" else _BOOLEANS
    if used and used <= set(known):
        values = np.array([known.get(word, np.nan) for word in lower])
        return Reading(texts.spread(values, np.nan), "boolean", "true or false", integer=True, words=True)
    if kind == "boolean":
        raise InputError(f"column {place.name!r} cannot be boolean: that takes true and false, or 0 and 1; leave its kind out")
    return None


def _numbers(texts: _Texts, kind: Kind | None, place: Place) -> Reading | None:
    parsed = parse_numbers(texts.trimmed)
    bad = ~parsed.good & texts.used
    share = texts.counts[parsed.good].sum() / texts.present
    if share == 0:
        if kind == "numeric":
            raise InputError(f"column {place.name!r} cannot be numeric: no value is a number ({texts.example(bad)}); correct data.columns")
        return None
    placeholders = share >= _PLACEHOLDER_SHARE and _all_placeholders(texts, bad)
    if kind is None and share < MOSTLY and not placeholders:
        return _mixed(texts, bad, share, place) if share >= _MIXED_SHARE else None
    if kind is None and _padded(texts.trimmed):
        return Reading(texts.as_read(), "categorical", "codes with leading zeros")
    numbers = texts.spread(parsed.values, np.nan)
    if not bad.any():
        return from_floats(numbers, kind, place, parsed.style)
    where = texts.rows(bad)
    count = int(where.sum())
    shown = f"{texts.example(bad)}, {place.named(where)}"
    note = f"{place.name!r}: {count} of {texts.present} values are no numbers and count as missing ({shown})"
    return from_floats(numbers, kind, place, f"numbers but for {count}", (note,))


def _all_placeholders(texts: _Texts, bad: np.ndarray) -> bool:
    return bad.sum() <= len(_PLACEHOLDERS) and set(pc.utf8_lower(texts.trimmed.filter(pa.array(bad))).to_pylist()) <= _PLACEHOLDERS


def _mixed(texts: _Texts, bad: np.ndarray, share: float, place: Place) -> Reading:
    note = (
        f"{place.name!r} is mixed, {share:.0%} numbers and else text such as {texts.example(bad)}: "
        "taken as categories; set its kind to numeric to drop the text"
    )
    return Reading(texts.as_read(), "categorical", f"mixed: {share:.0%} numbers, else text", (note,))


def _dates(texts: _Texts, kind: Kind | None, place: Place) -> Reading | None:
    # When the user says it holds dates, one of them shows the format.
    dates = parse_dates(texts.trimmed, MOSTLY if kind is None else np.finfo(float).tiny, texts.counts)
    if dates is None:
        if kind is None:
            return None
        where = f"{texts.example(texts.used)} in row {place.rows[texts.codes >= 0][0]}"
        raise InputError(f"column {place.name!r} cannot be datetime: {where} is no date; write it as 2026-01-31")
    strayed = ~dates.shaped & texts.used
    outside, strays = texts.rows(dates.shaped & np.isnat(dates.values)), texts.rows(strayed)
    notes = list(lost_dates(outside, place))
    if strays.any():
        shown = f"{texts.example(strayed)}, {place.named(strays)}"
        notes.append(f"{place.name!r}: {int(strays.sum())} values are no dates and count as missing ({shown})")
    if dates.ambiguous:
        read = dates.style.removeprefix("dates as ")
        notes.append(f"{place.name!r}: read as {read}, though day and month could be the other way round; write 2026-01-31 to be sure")
    values = texts.spread(dates.values, np.datetime64("NaT"))
    return Reading(values, "datetime", dates.style, tuple(notes), lost=int(outside.sum() + strays.sum()))


def _categories(texts: _Texts) -> Reading:
    sample = [text for text, count in zip(texts.raw[:1000].to_pylist(), texts.counts[:1000], strict=True) if count]
    length = float(np.mean([len(text.split()) for text in sample]))
    if length >= _TEXT_WORDS and texts.distinct > max(50, 0.3 * texts.present):
        return Reading(texts.as_read(), "text", f"free text, {length:.0f} words on average")
    return Reading(texts.as_read(), "categorical", f"{texts.distinct} values")
