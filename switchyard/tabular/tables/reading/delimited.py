"""`read_delimited`: CSV and its kin into a frame of strings, so that no code, label or large number is bent on the way.

What the strings mean is decided later, by `switchyard.tabular.tables.resolve`, the same way for every source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.encoding import to_utf8
from switchyard.tabular.tables.reading.headers import named

if TYPE_CHECKING:
    from _csv import Reader as _Reader

DELIMITERS = (",", ";", "\t", "|")
MISSING_SPELLINGS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A", "#NA", "-nan", "-NaN")
"""Values that count as missing in text files; pandas' list without its Windows leftovers."""
_SAMPLE = 1 << 18
_SAMPLE_ROWS = 200
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def read_delimited(
    content: bytes, label: str, target: str, delimiter: str | None, encoding: str | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table in delimited text.

    Parameters
    ----------
    content : bytes
        The file, unpacked.
    label : str
        The source, for messages.
    target : str
        Helps to tell the right delimiter from a wrong one.
    delimiter, encoding : str or None
        From the config; found out when absent.

    Returns
    -------
    frame : DataFrame
        Every column in Arrow strings, null where missing.
    notes : tuple of str

    Raises
    ------
    InputError
        When it is empty, binary, ragged, or its header cannot be used; with the line.
    """
    text, notes = to_utf8(content, encoding, label)
    if not text.strip():
        raise InputError(f"{label} is empty")
    refuse_other_formats(text, label)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InputError(f"data.delimiter must be one character, not {delimiter!r}")
    found = sniff(text, target)
    header, header_lines, ended = header_of(text, delimiter or found, label)
    if ended:
        raise InputError(f"{label} has a header but no rows")
    names, trimmed = named(header, label, f"line {header_lines}")
    if len(names) == 1 and names[0] != target:
        raise InputError(_one_column(label, names[0], delimiter, found, target))
    table = _parse(text, names, header_lines, delimiter or found, label)
    if table.num_rows == 0:
        raise InputError(f"{label} has a header but no rows")
    _refuse_open_quote(text, table, label)
    table, blanks = _without_leading_blanks(table, text, delimiter or found)
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    frame.columns = list(names)
    return frame, (*notes, *trimmed, *blanks)


def refuse_other_formats(text: bytes, label: str) -> None:
    start = text[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError(f"{label} is a web page or XML, not a table; a login page comes when a link needs one")
    if start.startswith((b"[{", b'{"')):
        raise InputError(f"{label} is JSON, not CSV or Parquet; convert it, for example with pandas.read_json(...).to_csv(...)")
    if start.startswith(b"version https://git-lfs"):
        raise InputError(f"{label} is a Git LFS pointer, not the data; run git lfs pull")


def _lines(text: bytes) -> Iterator[str]:
    return io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", errors="replace", newline="")


def _rows(text: bytes, delimiter: str) -> _Reader:
    csv.field_size_limit(1 << 30)
    return csv.reader(_lines(text), delimiter=delimiter)


def sniff(text: bytes, target: str) -> str:
    """The delimiter that gives the target a column, most rows the header's width, and the most columns; in this order."""
    sample = text[:_SAMPLE]
    best, best_mark = ",", (False, 0.0, 0)
    for delimiter in DELIMITERS:
        rows = []
        try:
            for row in _rows(sample, delimiter):
                if row:
                    rows.append(row)
                if len(rows) > _SAMPLE_ROWS:
                    break
        except csv.Error:
            continue
        if not rows or len(rows[0]) < 2:
            continue
        if len(rows) > 2 and len(text) > len(sample):
            rows.pop()  # cut off in the middle
        agreeing = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        mark = (target in (name.strip() for name in rows[0]), round(agreeing, 1), len(rows[0]))
        if mark > best_mark:
            best, best_mark = delimiter, mark
    return best


def header_of(text: bytes, delimiter: str, label: str) -> tuple[list[str], int, bool]:
    """The header's fields, the number of lines up to its end, and whether nothing follows."""
    reader = _rows(text, delimiter)
    try:
        names = next(row for row in reader if any(field.strip() for field in row))
        lines = reader.line_num
        return names, lines, not any(any(field.strip() for field in row) for row in reader)
    except csv.Error as error:
        raise InputError(f"{label}, line {reader.line_num}: {first_line(error)}") from None


def _one_column(label: str, name: str, delimiter: str | None, found: str, target: str) -> str:
    shown = name if len(name) <= 60 else name[:57] + "..."
    if delimiter is not None and found != delimiter:
        given = f"when split at data.delimiter {delimiter!r}"
        return f"{label} has one column, {shown!r}, {given}; it looks separated by {_NAMES[found]}: correct or leave out data.delimiter"
    return f"{label} has one column, {shown!r}, and no column {target!r}: if its delimiter is none of , ; tab |, set data.delimiter"


def _parse(text: bytes, names: tuple[str, ...], header_lines: int, delimiter: str, label: str) -> pa.Table:
    # Places instead of names: empty names are not distinct, and are judged by content later.
    places = [str(place) for place in range(len(names))]
    try:
        return arrow_csv.read_csv(
            pa.py_buffer(text),
            read_options=arrow_csv.ReadOptions(column_names=places, skip_rows=header_lines, block_size=4 << 20),
            # Quoted line breaks are rare and make the reader slower; a quote in the file is the condition for one.
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in text),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=True, null_values=list(MISSING_SPELLINGS)
            ),
        )
    except pa.ArrowInvalid as error:
        ragged = _ragged(text, len(names), header_lines, delimiter, label)
        raise InputError(ragged or f"{label} is no readable CSV: {first_line(error)}") from None


def _ragged(text: bytes, width: int, header_lines: int, delimiter: str, label: str) -> str | None:
    """What to say about rows of another width than the header's; None when there are none."""
    first, count, end = None, 0, 0
    reader = _rows(text, delimiter)
    try:
        for row in reader:
            begin, end = end + 1, reader.line_num
            if end > header_lines and row and len(row) != width:
                first = first or (begin, len(row))
                count += 1
    except csv.Error as error:
        return f"{label}, line {reader.line_num}: {first_line(error)}"
    if first is None:
        return None
    others = f" ({count - 1} more such row{'s' if count > 2 else ''})" if count > 1 else ""
    what = f"{first[1]} fields where the header has {width}{others}"
    return f"{label}, line {first[0]}: {what}; quote values that hold {_NAMES.get(delimiter, repr(delimiter))}, or mend the row"


def _refuse_open_quote(text: bytes, table: pa.Table, label: str) -> None:
    """A quote that is never closed makes the rest of the file one value of the last row."""
    if text.count(b'"') % 2 == 0:
        return
    for column in table.columns:
        last = column[len(column) - 1].as_py()
        if last and "\n" in last:
            line = text.rstrip(b"\n").count(b"\n") + 1 - last.rstrip("\n").count("\n")
            raise InputError(f'{label}, line {line}: a quote is opened and never closed; double it ("") or remove it')


def _without_leading_blanks(table: pa.Table, text: bytes, delimiter: str) -> tuple[pa.Table, tuple[str, ...]]:
    """Files written with ", " between fields: the blank belongs to the delimiter, not to the values."""
    if table.num_columns < 2 or f"{delimiter} ".encode() not in text[:_SAMPLE]:
        return table, ()
    head = table.slice(0, _SAMPLE_ROWS)
    if not all(pc.all(pc.starts_with(column, " "), skip_nulls=True).as_py() is not False for column in head.columns[1:]):
        return table, ()
    columns = []
    for column in table.columns:
        trimmed = pc.utf8_ltrim_whitespace(column)
        columns.append(pc.if_else(pc.is_in(trimmed, pa.array(MISSING_SPELLINGS)), None, trimmed))
    return pa.table(columns, names=table.column_names), ("every value follows a blank after its delimiter; those blanks were removed",)
