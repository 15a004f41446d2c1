"""`open_parquet`: the rows of a Parquet file, in the types that it gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.headers import named
from switchyard.tabular.tables.reading.packing import Limit, limited, seekable
from switchyard.tabular.tables.reading.rows import CHUNK, Rows

MAGIC = b"PAR1"


def open_parquet(path: Path, label: str, limit: Limit | None) -> Rows:
    """The table in a Parquet file, packed or not.

    Parameters
    ----------
    path : Path
    label : str
        The source, for messages.
    limit : Limit or None
        Of the rows when decoded.

    Raises
    ------
    InputError
        When it is no Parquet file, damaged, without rows, or larger than `limit`.
    """
    with _opened(path, label, limit) as file:
        written, size = list(file.schema_arrow.names), file.metadata.num_rows
    if not written:
        raise InputError(f"{label} has no columns")
    if size == 0:
        raise InputError(f"{label} has columns but no rows")
    if limit is not None:
        # Run-length encoding makes a billion equal values a few bytes: the rows tell, not the file's size.
        limit.check(size * len(written), label)
    names, notes = named(written, label, "schema")
    return Rows(names, label, partial(_batches, path, label, limit), size, notes, (path,))


def _batches(path: Path, label: str, limit: Limit | None) -> Iterator[pa.RecordBatch]:
    with _opened(path, label, limit) as file:
        yield from limited(file.iter_batches(batch_size=CHUNK), limit, label)


@contextmanager
def _opened(path: Path, label: str, limit: Limit | None) -> Iterator[pq.ParquetFile]:
    with seekable(path, label, limit) as stream:
        whole = stream.read(len(MAGIC)) == MAGIC
        stream.seek(-len(MAGIC), 2) if whole else None
        if not whole or stream.read() != MAGIC:
            raise InputError(f"{label} is not a Parquet file or was cut off; write it again, or name a CSV file .csv")
        stream.seek(0)
        try:
            yield pq.ParquetFile(stream)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{label} is a damaged Parquet file ({first_line(error)}); write it again") from None
