"""`open_arrow`: the rows of an Arrow file (Feather version 2) or an Arrow stream, in their types."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.headers import named
from switchyard.tabular.tables.reading.packing import Limit, limited, seekable
from switchyard.tabular.tables.reading.rows import Rows

FILE, STREAM = b"ARROW1", b"\xff\xff\xff\xff"


def open_arrow(path: Path, label: str, limit: Limit | None) -> Rows:
    """The table in an Arrow file or stream, packed or not.

    Raises
    ------
    InputError
        When it is damaged, cut off, or has no columns.
    """
    schema = next(_read(path, label, limit)).schema
    if not schema.names:
        raise InputError(f"{label} has no columns")
    names, notes = named(list(schema.names), label, "schema")
    return Rows(names, label, partial(_batches, path, label, limit), None, notes, (path,))


def _batches(path: Path, label: str, limit: Limit | None) -> Iterator[pa.RecordBatch]:
    found = _read(path, label, limit)
    next(found)
    yield from limited(found, limit, label)


def _read(path: Path, label: str, limit: Limit | None) -> Iterator[pa.RecordBatch]:
    """A batch without rows, which has the schema; then the file's."""
    with seekable(path, label, limit) as stream:
        is_file = stream.read(len(FILE)) == FILE
        stream.seek(0)
        try:
            reader = pa.ipc.open_file(stream) if is_file else pa.ipc.open_stream(stream)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from (reader.get_batch(place) for place in range(reader.num_record_batches)) if is_file else reader
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{label} is a damaged or incomplete Arrow file ({first_line(error)}); write it again") from None
