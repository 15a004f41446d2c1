"""`dialect_of`: how delimited text is laid out: its delimiter, what stands above the header, and the header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.encoding import Text

if TYPE_CHECKING:
    from _csv import Reader as _Reader

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SEP = re.compile(rb'"?sep=([^\r\n"])"?\r?\n', re.IGNORECASE)
"""The line by which Excel is told the delimiter."""
FORMULA = re.compile(r'="(.*)"')
_MOST_ABOVE = 30
"""Rows above the header at most."""
_SAMPLE = 1 << 18
_SAMPLE_ROWS = 200


@dataclass(frozen=True)
class Dialect:
    """The layout of delimited text."""

    delimiter: str
    header: tuple[str, ...]
    """Fields of the header, as they are written."""
    lines: int
    """Down to the header's last one."""
    comments: bool = False
    """There are lines of comment above the header; further ones are no rows either."""
    blanks: bool = False
    """Every delimiter is followed by a blank, which belongs to it and not to the value."""
    formulas: bool = False
    """Some values are written ="007", as programs do to have Excel keep them as text."""
    notes: tuple[str, ...] = ()


def dialect_of(text: Text, wanted: Collection[str], delimiter: str | None, label: str) -> Dialect:
    """Find out the layout from the first rows.

    Parameters
    ----------
    text : Text
    wanted : collection of str
        Columns of which one should be there; they tell the right delimiter and the header from wrong ones.
    delimiter : str or None
        From the config; found out when absent.
    label : str
        The source, for messages.

    Raises
    ------
    InputError
        The delimiter can be none, or nothing follows the header.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InputError(f"data.delimiter must be one character, not {delimiter!r}")
    sample = text.start(_SAMPLE)
    said = _SEP.match(sample)
    found = said[1].decode() if said else sniff(sample, wanted)
    chosen = delimiter or found
    rows = _first_rows(sample, chosen)
    above = header_at(rows, wanted)
    header, lines = _header(text, chosen, above, label)
    if len(header) == 1 and header[0].strip() not in wanted:
        raise InputError(_one_column(label, header[0].strip(), delimiter, found, next(iter(wanted), "")))
    below = rows[above + 1 :]
    notes = []
    titles = rows[bool(said) : above]
    if titles:
        shown = chosen.join(titles[0]).strip(chosen + " ")[:60]
        notes.append(f"the header is on line {lines}; what stands above it is left out ({shown!r}, ...)")
    if below and all(len(row) == len(header) + 1 and not row[-1] for row in below):
        header = (*header, "")
    blanks = len(header) > 1 and _begin_with_blanks(below)
    if blanks:
        notes.append("every value follows a blank after its delimiter; those blanks were removed")
    formulas = any(FORMULA.fullmatch(cell) for row in below for cell in row)
    if formulas:
        notes.append('values written as formulas of text (="007") are read as that text')
    return Dialect(chosen, header, lines, any(_is_comment(row) for row in titles), blanks, formulas, tuple(notes))


@contextmanager
def rows_in(text: Text, delimiter: str) -> Iterator[_Reader]:
    """The rows of all of `text`, field by field."""
    with text.open() as stream:
        yield _reader(io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline=""), delimiter)


def sniff(sample: bytes, wanted: Collection[str]) -> str:
    """The delimiter that gives a wanted name a column, most rows the header's width, and the most columns; in this order."""
    best, best_mark = ",", (False, 0.0, 0)
    for delimiter in DELIMITERS:
        rows = _first_rows(sample, delimiter)
        rows = rows[header_at(rows, wanted) :]
        if not rows or len(rows[0]) < 2:
            continue
        agreeing = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        mark = (any(name.strip() in wanted for name in rows[0]), round(agreeing, 1), len(rows[0]))
        if mark > best_mark:
            best, best_mark = delimiter, mark
    return best


def header_at(rows: Sequence[Sequence[str]], wanted: Collection[str]) -> int:
    """The place of the header among `rows`: the first that a title, a comment or "sep=;" can't be.

    A row that names a wanted column is the header wherever only narrower rows stand above it.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    if width < 2:
        return 0
    above = list(takewhile(lambda row: _is_above(row, width) or len(row) < width, rows[:_MOST_ABOVE]))
    for place, row in enumerate(rows[: len(above) + 1]):
        if any(field.strip() in wanted for field in row):
            return place
    return next((place for place, row in enumerate(rows[: len(above) + 1]) if not _is_above(row, width)), 0)


def _is_above(row: Sequence[str], width: int) -> bool:
    return sum(bool(field.strip()) for field in row) < 2 or (_is_comment(row) and len(row) != width)


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].lstrip().startswith("#")


def _first_rows(sample: bytes, delimiter: str) -> list[list[str]]:
    """Rows at the beginning that are not blank; none where they can't be told."""
    rows = []
    try:
        for row in _reader(io.StringIO(sample.decode(errors="replace"), newline=""), delimiter):
            if any(field.strip() for field in row):
                rows.append(row)
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:
        return []
    if len(rows) > 2 and len(sample) == _SAMPLE:
        rows.pop()  # cut off in the middle
    return rows


def _header(text: Text, delimiter: str, above: int, label: str) -> tuple[tuple[str, ...], int]:
    """The header's fields and the number of lines up to its end; `above` are the rows before it that are not blank."""
    with rows_in(text, delimiter) as reader:
        rows = (row for row in reader if any(field.strip() for field in row))
        try:
            header = next(islice(rows, above, None), None)
            if header is None:
                raise InputError(f"{label} is empty: it holds delimiters only")
            lines = reader.line_num
            if next(rows, None) is None:
                raise InputError(f"{label} has a header but no rows")
        except csv.Error as error:
            raise InputError(f"{label}, line {reader.line_num}: {first_line(error)}") from None
    return tuple(header), lines


def _one_column(label: str, name: str, delimiter: str | None, found: str, wanted: str) -> str:
    shown = name if len(name) <= 60 else name[:57] + "..."
    if delimiter is not None and found != delimiter:
        given = f"when split at data.delimiter {delimiter!r}"
        return f"{label} has one column, {shown!r}, {given}; it looks separated by {NAMES[found]}: correct or leave out data.delimiter"
    return f"{label} has one column, {shown!r}, and no column {wanted!r}: if its delimiter is none of , ; tab |, set data.delimiter"


def _begin_with_blanks(rows: Sequence[Sequence[str]]) -> bool:
    fields = [field for row in rows for field in row[1:] if field]
    return bool(fields) and all(field.startswith(" ") for field in fields)


def _reader(lines: Iterator[str], delimiter: str) -> _Reader:
    csv.field_size_limit(1 << 30)
    return csv.reader(lines, delimiter=delimiter)
