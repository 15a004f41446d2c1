"""`read_column`: one column of any source into a kind and its canonical values, with the reason and what was lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.dates import NEWEST, OLDEST, arrow_dates, parse_dates
from tabular.data.numbers import EXACT, Parsed, number_text, parse_numbers, whole
from tabular.errors import InputError
from tabular.problem import Kind
from tabular.schema import MISSING

MOSTLY = 0.99
"""A column is numeric (or dates) when at least this share of its values is; the others then count as missing, and are named."""
_PLACEHOLDERS = frozenset(("?", "-", "--", "---", ".", "*", "none", "unknown", "missing", "not available", "not applicable", "n.a.", "na", "n/a", "nil", "#value!", "#div/0!", "#ref!"))
"""Words that stand for "no value" among numbers, whatever their share."""
_BOOLEANS = {"true": 1.0, "false": 0.0}
_TEXT_WORDS = 4
_ROWS_NAMED = 3


@dataclass(frozen=True)
class Reading:
    """A column in canonical values (see `tabular.table`)."""

    values: np.ndarray
    kind: Kind
    reason: str
    notes: tuple[str, ...] = ()
    integer: bool = False
    raw_integers: bool = False
    """Whole numbers kept as text since float64 would bend them."""
    usable: bool = True
    """False where no model could use it: nested values, bytes."""
    outside: int = 0
    """Dates that are impossible or out of range, read as missing."""


@dataclass(frozen=True)
class _Context:
    name: str
    rows: np.ndarray

    def named(self, where: np.ndarray) -> str:
        """Rows as people count them, the first few."""
        numbers = [str(row) for row in self.rows[where][:_ROWS_NAMED]]
        return f"row{'s' if where.sum() > 1 else ''} {', '.join(numbers)}{', ...' if where.sum() > _ROWS_NAMED else ''}"


def read_column(values: pd.Series, name: str, kind: Kind | None = None, rows: np.ndarray | None = None) -> Reading:
    """Find out what a column is, or read it as `kind`.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Of any type a source delivers.
    name : str
        For messages.
    kind : str or None
        What the user or a schema says it is; inferred when absent.
    rows : ndarray of shape (n_rows,), optional
        Row numbers for messages; counted from 1 when absent.

    Raises
    ------
    InputError
        When it cannot be read as `kind`.
    """
    context = _Context(name, np.arange(1, len(values) + 1) if rows is None else rows)
    array = _arrow(values)
    if array.null_count == len(array):
        return _empty(len(array), kind)
    types = pa.types
    if types.is_boolean(array.type):
        numbers = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
        if kind in ("categorical", "text"):
            return Reading(_take(np.array(["False", "True"], dtype=object), numbers), kind, "true or false")
        return _as(Reading(numbers, "boolean", "true or false", integer=True), kind, context)
    if types.is_integer(array.type) or types.is_floating(array.type) or types.is_decimal(array.type) or types.is_duration(array.type):
        return _from_numbers(array, kind, context)
    if types.is_timestamp(array.type) or types.is_date(array.type):
        return _from_timestamps(array, kind, context)
    if types.is_string(array.type) or types.is_large_string(array.type) or types.is_time(array.type):
        return _from_text(array.cast(pa.string()) if not types.is_string(array.type) else array, kind, context)
    texts = np.array([None if value is None else str(value) for value in array.to_pylist()], dtype=object)
    return Reading(texts, "text", f"{array.type}: no model here reads it", usable=False)


def _arrow(values: pd.Series) -> pa.Array:
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        # Numbers and words in one column, or integers beyond 64 bits: as text nothing is lost.
        texts = [None if pd.api.types.is_scalar(value) and pd.isna(value) else str(value) for value in values]
        array = pa.array(texts, pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array


def _empty(size: int, kind: Kind | None) -> Reading:
    kind = kind or "numeric"
    if kind == "datetime":
        return Reading(np.full(size, np.datetime64("NaT"), dtype="datetime64[ns]"), kind, "no values")
    if kind in ("numeric", "boolean"):
        return Reading(np.full(size, np.nan), kind, "no values")
    return Reading(np.full(size, None, dtype=object), kind, "no values")


def _take(labels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`labels[codes]` with None where a code is NaN."""
    missing = np.isnan(codes)
    return np.append(labels, None)[np.where(missing, len(labels), codes).astype("int64")]


def _from_numbers(array: pa.Array, kind: Kind | None, context: _Context) -> Reading:
    types = pa.types
    if types.is_duration(array.type):
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[array.type.unit]
        numbers = pc.cast(array, pa.int64()).to_numpy(zero_copy_only=False).astype("float64") / per_second
        numbers[pc.is_null(array).to_numpy(zero_copy_only=False)] = np.nan
        return _numeric(numbers, kind, context, "durations, in seconds")
    numbers = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if types.is_integer(array.type) or types.is_decimal(array.type):
        exact = _large_integers(array, numbers, kind)
        if exact is not None:
            return exact
    return _numeric(numbers, kind, context)


def _large_integers(array: pa.Array, numbers: np.ndarray, kind: Kind | None) -> Reading | None:
    """Whole numbers that float64 would bend: kept as text when they name things, that is, unless the kind is forced."""
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
    return Reading(values, "categorical", "whole numbers too long for arithmetic, kept digit by digit", raw_integers=True)


def _numeric(numbers: np.ndarray, kind: Kind | None, context: _Context, reason: str = "", notes: tuple[str, ...] = ()) -> Reading:
    infinite = np.isinf(numbers)
    if infinite.any():
        notes = (*notes, f"{context.name!r}: {int(infinite.sum())} infinite values count as missing ({context.named(infinite)})")
        numbers = np.where(infinite, np.nan, numbers)
    if np.isnan(numbers).all():
        return Reading(**{**vars(_empty(len(numbers), kind)), "notes": notes})
    integer = whole(numbers)
    if integer and kind is None and np.nanmax(np.abs(numbers)) > EXACT:
        notes = (*notes, f"{context.name!r}: whole numbers beyond 2^53 are rounded to about 16 digits")
    if kind is None and integer and np.nanmin(numbers) == 0 and np.nanmax(numbers) == 1:
        return Reading(numbers, "boolean", "only 0 and 1", notes, integer=True)
    return _as(Reading(numbers, "numeric", reason or ("whole numbers" if integer else "numbers"), notes, integer=integer), kind, context)


def _as(reading: Reading, kind: Kind | None, context: _Context) -> Reading:
    """A numeric or boolean reading turned into `kind`."""
    if kind in (None, reading.kind, "numeric"):
        return Reading(**{**vars(reading), "kind": kind or reading.kind})
    if kind in ("categorical", "text"):
        return Reading(number_text(reading.values), kind, reading.reason, reading.notes)
    if kind == "boolean":
        wrong = ~np.isnan(reading.values) & ~np.isin(reading.values, (0.0, 1.0))
        if wrong.any():
            raise InputError(f"column {context.name!r} cannot be boolean: {reading.values[wrong][0]:g} in row {context.rows[wrong][0]} is neither 0 nor 1")
        return Reading(reading.values, "boolean", reading.reason, reading.notes, integer=True)
    raise InputError(f"column {context.name!r} cannot be datetime: it holds numbers; write dates as 2026-01-31, or convert them")


def _from_timestamps(array: pa.Array, kind: Kind | None, context: _Context) -> Reading:
    if kind in ("categorical", "text"):
        return Reading(pc.cast(array, pa.string()).to_numpy(zero_copy_only=False), kind, "dates")
    if kind in ("numeric", "boolean"):
        raise InputError(f"column {context.name!r} cannot be {kind}: it holds dates; leave its kind out")
    values, outside = arrow_dates(array)
    return Reading(values, "datetime", "dates", _outside_note(outside, context), outside=int(outside.sum()))


def _outside_note(outside: np.ndarray, context: _Context) -> tuple[str, ...]:
    if not outside.any():
        return ()
    return (f"{context.name!r}: {int(outside.sum())} dates are impossible or outside the years {OLDEST} to {NEWEST} and count as missing ({context.named(outside)})",)


def _from_text(array: pa.Array, kind: Kind | None, context: _Context) -> Reading:
    if kind in (None, "numeric"):
        plain = _plain_numbers(array, kind, context)
        if plain is not None:
            return plain
    encoded = array.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    raw = encoded.dictionary
    trimmed = pc.utf8_trim_whitespace(raw)
    blank = pc.is_in(trimmed, pa.array(["", MISSING])).to_numpy(zero_copy_only=False)
    if blank.any():
        codes = np.where(np.append(blank, True)[codes], -1, codes)
        if (codes < 0).all():
            return _empty(len(codes), kind)
    counts = np.bincount(codes[codes >= 0], minlength=len(raw))
    words = _Words(raw, trimmed, codes, counts)
    if kind in ("categorical", "text"):
        return Reading(words.as_read(), kind, f"{words.distinct} values")
    if kind in (None, "boolean"):
        boolean = _booleans(words, kind, context)
        if boolean is not None:
            return boolean
    if kind in (None, "numeric"):
        numeric = _numbers_among_words(words, kind, context)
        if numeric is not None:
            return numeric
    if kind in (None, "datetime"):
        dates = _dates(words, kind, context)
        if dates is not None:
            return dates
    return _categories(words)


@dataclass(frozen=True)
class _Words:
    """The distinct texts of a column and where they are."""

    raw: pa.Array
    trimmed: pa.Array
    codes: np.ndarray
    """Shape (n_rows,), index into `raw`, -1 where missing."""
    counts: np.ndarray

    @property
    def distinct(self) -> int:
        return int((self.counts > 0).sum())

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


def _plain_numbers(array: pa.Array, kind: Kind | None, context: _Context) -> Reading | None:
    """The common case, fast: every value is a plain number."""
    try:
        # A failing cast still walks through the whole column; the head tells most words from numbers at once.
        pc.cast(array.slice(0, 1000), pa.float64())
        numbers = pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    if kind is None:
        if pc.any(pc.match_substring_regex(array.filter(pc.starts_with(array, "0")), r"^0[0-9]+$")).as_py():
            return Reading(array.to_numpy(zero_copy_only=False), "categorical", "codes with leading zeros")
        exact = _large_integers(array, numbers, kind)
        if exact is not None:
            return exact
    return _numeric(numbers, kind, context)


def _booleans(words: _Words, kind: Kind | None, context: _Context) -> Reading | None:
    lower = pc.utf8_lower(words.trimmed).to_pylist() if len(words.raw) <= 16 else []
    used = [word for word, count in zip(lower, words.counts, strict=False) if count]
    known = _BOOLEANS | ({"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0} if kind == "boolean" else {})
    if used and set(used) <= set(known):
        values = np.array([known.get(word, np.nan) for word in lower])
        return Reading(words.spread(values, np.nan), "boolean", "true or false", integer=True)
    if kind == "boolean":
        raise InputError(f"column {context.name!r} cannot be boolean: that takes true and false, or 0 and 1; leave its kind out")
    return None


def _numbers_among_words(words: _Words, kind: Kind | None, context: _Context) -> Reading | None:
    parsed = parse_numbers(words.trimmed)
    bad = ~parsed.good & (words.counts > 0)
    share = words.counts[parsed.good].sum() / words.present
    if share == 0:
        if kind == "numeric":
            raise InputError(f"column {context.name!r} cannot be numeric: no value is a number ({_example(words, bad, context)}); correct data.columns")
        return None
    if not bad.any():
        if kind is None and not parsed.style and (codes := _padded_codes(words)) is not None:
            return codes
        return _numeric(words.spread(parsed.values, np.nan), kind, context, parsed.style)
    strays = [word for word, wrong in zip(pc.utf8_lower(words.trimmed).to_pylist(), bad, strict=True) if wrong] if bad.sum() <= 20 else []
    placeholders = bool(strays) and set(strays) <= _PLACEHOLDERS
    if kind == "numeric" or share >= MOSTLY or (placeholders and share >= 0.5):
        return _with_strays(words, parsed, bad, kind, context)
    if share >= 0.05:
        reason = f"mixed: {share:.0%} numbers, else text"
        note = f"{context.name!r} is mixed, {share:.0%} numbers and else text such as {_example(words, bad, context)}: taken as categories; set its kind to numeric to drop the text"
        return Reading(words.as_read(), "categorical", reason, (note,))
    return None


def _padded_codes(words: _Words) -> Reading | None:
    if pc.any(pc.match_substring_regex(words.trimmed, r"^0[0-9]+$")).as_py():
        return Reading(words.as_read(), "categorical", "codes with leading zeros")
    return None


def _with_strays(words: _Words, parsed: Parsed, bad: np.ndarray, kind: Kind | None, context: _Context) -> Reading:
    where = words.rows(bad)
    note = f"{context.name!r}: {int(where.sum())} of {words.present} values are no numbers and count as missing ({_example(words, bad, context)}, {context.named(where)})"
    return _numeric(words.spread(parsed.values, np.nan), kind, context, f"numbers but for {int(where.sum())}", (note,))


def _example(words: _Words, wanted: np.ndarray, context: _Context) -> str:
    row = int(np.argmax(words.rows(wanted)))
    return repr(str(words.raw[int(words.codes[row])])[:40])


def _dates(words: _Words, kind: Kind | None, context: _Context) -> Reading | None:
    dates = parse_dates(words.trimmed, MOSTLY if kind is None else 1e-9, words.counts)
    if dates is None:
        if kind == "datetime":
            everything = words.counts > 0
            raise InputError(f"column {context.name!r} cannot be datetime: {_example(words, everything, context)} in row {context.rows[words.codes >= 0][0]} is no date; write it as 2026-01-31")
        return None
    outside = words.rows(dates.shaped & np.isnat(dates.values))
    strays = words.rows(~dates.shaped & (words.counts > 0))
    notes = list(_outside_note(outside, context))
    if strays.any():
        notes.append(f"{context.name!r}: {int(strays.sum())} values are no dates and count as missing ({_example(words, ~dates.shaped & (words.counts > 0), context)}, {context.named(strays)})")
    if dates.ambiguous:
        notes.append(f"{context.name!r}: read as {dates.style.removeprefix('dates as ')}, though day and month could be the other way round; write 2026-01-31 to be sure")
    values = words.spread(dates.values, np.datetime64("NaT"))
    return Reading(values, "datetime", dates.style, tuple(notes), outside=int(outside.sum() + strays.sum()))


def _categories(words: _Words) -> Reading:
    sample = [text for text, count in zip(words.raw[:1000].to_pylist(), words.counts[:1000], strict=True) if count]
    mean_words = float(np.mean([len(text.split()) for text in sample]))
    if mean_words >= _TEXT_WORDS and words.distinct > max(50, 0.3 * words.present):
        return Reading(words.as_read(), "text", f"free text, {mean_words:.0f} words on average")
    return Reading(words.as_read(), "categorical", f"{words.distinct} values")
