"""`open_delimited`: CSV and its kin as rows of strings, so that no code, label or large number is bent on the way.

What the strings mean is decided later, by `switchyard.tabular.tables.resolve`, the same way for every source.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.dialect import FORMULA, NAMES, Dialect, dialect_of, rows_in
from switchyard.tabular.tables.reading.encoding import Text, text_of
from switchyard.tabular.tables.reading.headers import named
from switchyard.tabular.tables.reading.packing import Limit, unpacked
from switchyard.tabular.tables.reading.rows import Rows

NULLS = ("",)
"""Fields of a text file that are read as null; all else is text."""
_BLOCK = 4 << 20


def open_delimited(
    path: Path, label: str, wanted: Collection[str], delimiter: str | None, encoding: str | None, limit: Limit | None
) -> Rows:
    """The table in delimited text, every column in Arrow strings.

    Parameters
    ----------
    path : Path
    label : str
        The source, for messages.
    wanted : collection of str
        Columns of which one should be there; helps to tell the right delimiter from a wrong one.
    delimiter, encoding : str or None
        From the config; found out when absent.
    limit : Limit or None
        Of the text, unpacked.

    Raises
    ------
    InputError
        When it is empty, binary, or its header cannot be used; with the line. Ragged rows are found when they are read.
    """
    text = text_of(partial(unpacked, path, label), encoding, label, lambda size: limit.check(size, label) if limit else None)
    dialect = dialect_of(text, wanted, delimiter, label)
    names, trimmed = named(dialect.header, label, f"line {dialect.lines}")
    return Rows(names, label, partial(_batches, text, dialect, label), None, (*text.notes, *trimmed, *dialect.notes), (path,))


def _batches(text: Text, dialect: Dialect, label: str) -> Iterator[pa.RecordBatch]:
    # Places instead of names: empty names are not distinct, and are judged by content later.
    places = [str(place) for place in range(len(dialect.header))]
    batch = None
    try:
        with text.open() as stream:
            batches = arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(column_names=places, skip_rows=dialect.lines, block_size=_BLOCK),
                # Quoted line breaks are rare and make the reader slower; a quote in the file is the condition for one.
                parse_options=arrow_csv.ParseOptions(
                    delimiter=dialect.delimiter,
                    newlines_in_values=text.quotes > 0,
                    invalid_row_handler=_skip_comment if dialect.comments else None,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=True, null_values=list(NULLS)
                ),
            )
            for batch in batches:
                yield _as_meant(batch, dialect) if dialect.blanks or dialect.formulas else batch
    except pa.ArrowInvalid as error:
        raise InputError(_ragged(text, dialect, label) or f"{label} is no readable CSV: {first_line(error)}") from None
    if batch is not None and text.quotes % 2:
        _refuse_open_quote(text, batch, label)


def _skip_comment(row: arrow_csv.InvalidRow) -> Literal["skip", "error"]:
    return "skip" if row.text.lstrip().startswith("#") else "error"


def _ragged(text: Text, dialect: Dialect, label: str) -> str | None:
    """What to say about rows of another width than the header's; None when there are none."""
    first, count, end, width = None, 0, 0, len(dialect.header)
    with rows_in(text, dialect.delimiter) as reader:
        try:
            for row in reader:
                begin, end = end + 1, reader.line_num
                if end > dialect.lines and row and len(row) != width and not (dialect.comments and row[0].lstrip().startswith("#")):
                    first = first or (begin, len(row))
                    count += 1
        except csv.Error as error:
            return f"{label}, line {reader.line_num}: {first_line(error)}"
    if first is None:
        return None
    others = f" ({count - 1} more such row{'s' if count > 2 else ''})" if count > 1 else ""
    what = f"{first[1]} fields where the header has {width}{others}"
    delimiter = NAMES.get(dialect.delimiter, repr(dialect.delimiter))
    return f"{label}, line {first[0]}: {what}; quote values that hold {delimiter}, or mend the row"


def _refuse_open_quote(text: Text, last_batch: pa.RecordBatch, label: str) -> None:
    """A quote that is never closed makes the rest of the file one value of the last row."""
    for column in last_batch.columns:
        last = column[len(column) - 1].as_py()
        if last and "\n" in last:
            line = text.lines + 1 - last.rstrip("\n").count("\n")
            raise InputError(f'{label}, line {line}: a quote is opened and never closed; double it ("") or remove it')


def _as_meant(batch: pa.RecordBatch, dialect: Dialect) -> pa.RecordBatch:
    """`batch` without the blanks and the signs of formulas that are the file's and not the values'."""
    columns = [pc.utf8_ltrim_whitespace(column) for column in batch.columns] if dialect.blanks else batch.columns
    if dialect.formulas:
        columns = [pc.replace_substring_regex(column, f"(?s)^{FORMULA.pattern}$", r"\1") for column in columns]
    nulls = pa.array(NULLS)
    return pa.RecordBatch.from_arrays([pc.if_else(pc.is_in(column, nulls), None, column) for column in columns], names=batch.schema.names)
