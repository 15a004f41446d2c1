"""`open_json`: rows that are JSON objects, one a line or in a list, in the types that their values have; text stays text."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow import json as arrow_json

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.encoding import Text, text_of
from switchyard.tabular.tables.reading.headers import named
from switchyard.tabular.tables.reading.packing import Limit, limited, unpacked
from switchyard.tabular.tables.reading.rows import Rows

START = re.compile(rb'\s*(\[\s*[{\]]|\{\s*["}])')
"""What a file of rows in JSON begins with."""
_BLOCK = 4 << 20
_OBJECT = 64 << 20
"""Characters that one object has at most."""
_RECORDS = "a table is a list of objects, or one object a line: pandas writes it by to_json(FILE, orient='records')"
_BLANK = re.compile(r"[\s,]*")


def open_json(path: Path, label: str, encoding: str | None, limit: Limit | None) -> Rows:
    """The table in a file of JSON objects: each is a row, its keys are the columns; one that is not there is missing.

    Parameters
    ----------
    path : Path
    label : str
        The source, for messages.
    encoding : str or None
        From the config; found out when absent.
    limit : Limit or None
        Of the text, unpacked, and of the rows.

    Raises
    ------
    InputError
        It is no JSON, or no rows; with the line where that is known.
    """
    text = text_of(partial(unpacked, path, label), encoding, label, lambda size: limit.check(size, label) if limit else None)
    types: dict[str, pa.DataType] = {}
    for table in _tables(text, None, label):
        for field in table.schema:
            types[field.name] = _common(types.get(field.name), field.type)
    if not types:
        raise InputError(f"{label} has no rows")
    if all(pa.types.is_nested(found) for found in types.values()):
        raise InputError(f"{label} is JSON, but no table; {_RECORDS}")
    names, notes = named(list(types), label, "keys")
    schema = pa.schema([(name, pa.string() if pa.types.is_null(found) else found) for name, found in types.items()])
    return Rows(names, label, partial(_batches, text, schema, label, limit), None, (*text.notes, *notes), (path,))


def _batches(text: Text, schema: pa.Schema, label: str, limit: Limit | None) -> Iterator[pa.RecordBatch]:
    for table in _tables(text, schema, label):
        yield from limited(table.to_batches(), limit, label)


def _tables(text: Text, schema: pa.Schema | None, label: str) -> Iterator[pa.Table]:
    """The rows, in the types of `schema`, or in those that each block of them suggests."""
    lines = 0
    for block in _blocks(text, label):
        try:
            yield _typed(block, schema)
        except (ValueError, AttributeError) as error:
            row = re.search(r" in row (\d+)$", str(error))
            place = f", row {lines + int(row[1]) + 1:,}" if row else ""
            what = first_line(error)[: row.start()] if row else first_line(error)
            raise InputError(f"{label}{place} is no JSON object ({what}); {_RECORDS}") from None
        lines += block.count(b"\n")


def _typed(block: bytes, schema: pa.Schema | None) -> pa.Table:
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "ignore")
    try:
        return arrow_json.read_json(
            pa.BufferReader(block), read_options=arrow_json.ReadOptions(block_size=len(block) + 1), parse_options=options
        )
    except pa.ArrowInvalid as error:
        # A column with values of several kinds is one of text.
        if "changed from" not in str(error) or "Column()" in str(error):
            raise
    rows = [json.loads(line) for line in block.splitlines() if line.strip()]
    names = schema.names if schema is not None else list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column([row.get(name) for row in rows], schema and schema.field(name).type) for name in names})


def _column(values: list[object], wanted: pa.DataType | None) -> pa.Array:
    if wanted is None or not pa.types.is_string(wanted):
        try:
            return pa.array(values, wanted)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass
    return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values], pa.string())


def _common(known: pa.DataType | None, found: pa.DataType) -> pa.DataType:
    """The type of a column that has values of both; text where they are of several kinds."""
    # What a text means is not for the reader to say.
    found = pa.string() if pa.types.is_timestamp(found) else found
    if known is None or pa.types.is_null(known) or known == found:
        return found
    if pa.types.is_null(found):
        return known
    try:
        return pa.unify_schemas([pa.schema([("x", known)]), pa.schema([("x", found)])], promote_options="permissive").field("x").type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()


def _blocks(text: Text, label: str) -> Iterator[bytes]:
    """The rows, one a line, some megabytes at a time."""
    with text.open() as stream:
        if not text.start(512).lstrip().startswith(b"["):
            while block := stream.read(_BLOCK):
                yield block + stream.readline()
            return
        objects, size = [], 0
        for one in _elements(io.TextIOWrapper(stream, encoding="utf-8", errors="replace"), label):
            objects.append(one)
            size += len(one)
            if size > _BLOCK:
                yield "\n".join([*objects, ""]).encode()
                objects, size = [], 0
        if objects:
            yield "\n".join([*objects, ""]).encode()


def _elements(stream: io.TextIOWrapper, label: str) -> Iterator[str]:
    """The texts of the elements of a JSON list, each without line ends."""
    decoder, ended = json.JSONDecoder(), False
    rest, lines = stream.read(_BLOCK).lstrip().removeprefix("["), 1
    while True:
        rest = rest[_BLANK.match(rest).end() :]  # type: ignore[union-attr]
        place = 0
        try:
            while rest[place : place + 1] not in ("", "]"):
                _, end = decoder.raw_decode(rest, place)
                yield rest[place:end].replace("\n", " ").replace("\r", " ")
                place = _BLANK.match(rest, end).end()  # type: ignore[union-attr]
            if rest[place : place + 1] == "]":
                return
            fault = "the list is not closed"
        except json.JSONDecodeError as error:
            fault, lines_on = error.msg, error.lineno - 1
            if ended or len(rest) - place > _OBJECT:
                raise InputError(f"{label}, line {lines + lines_on}: it is no JSON ({fault}); was it cut off?") from None
        if ended:
            raise InputError(f"{label} is no JSON ({fault}); was it cut off?")
        lines += rest.count("\n", 0, place)
        more = stream.read(_BLOCK)
        rest, ended = rest[place:] + more, not more
