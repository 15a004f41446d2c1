"""`read_parquet`: a Parquet file into a frame, columns only (pandas' stored row index is left out)."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.headers import UNNAMED, named
from switchyard.tabular.tables.reading.packing import Limit

MAGIC = b"PAR1"
_INDEX = re.compile(r"__index_level_\d+__")
_BATCH_ROWS = 1 << 16


def read_parquet(content: bytes, label: str, limit: Limit) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table in the Parquet file `content`.

    Returns
    -------
    frame : DataFrame
        Columns in the Arrow types of the file.
    notes : tuple of str

    Raises
    ------
    InputError
        When it is no Parquet file, damaged, without rows, or larger than `limit` when decoded.
    """
    if not (content.startswith(MAGIC) and content.endswith(MAGIC)):
        raise InputError(f"{label} is not a Parquet file or was cut off; write it again, or name a CSV file .csv")
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        names = [UNNAMED if _INDEX.fullmatch(name) else name for name in file.schema_arrow.names]
        if not names:
            raise InputError(f"{label} has no columns")
        if file.metadata.num_rows == 0:
            raise InputError(f"{label} has columns but no rows")
        # Run-length encoding makes a billion equal values a few bytes: the rows tell, not the file's size.
        limit.check(file.metadata.num_rows * len(names), label)
        batches, size = [], 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            size += batch.nbytes
            limit.check(size, label)
            batches.append(batch)
        table = pa.Table.from_batches(batches)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{label} is a damaged Parquet file ({first_line(error)}); write it again") from None
    trimmed, notes = named(names, label, "schema")
    frame = pd.DataFrame({place: pd.Series(pd.arrays.ArrowExtensionArray(column)) for place, column in enumerate(table.columns)})
    frame.columns = list(trimmed)
    return frame, notes
