"""`TableWriter`: rows into a file of the format that its name says, chunk by chunk."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from switchyard.tabular.errors import InputError

FORMATS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")


def format_of(name: str) -> str:
    """The suffix that says the format.

    Raises
    ------
    InputError
        It is none that can be written.
    """
    found = [suffix for suffix in FORMATS if name.lower().endswith(suffix)]
    if not found:
        raise InputError(f"--output {name}: end the name in one of {', '.join(FORMATS)}")
    return max(found, key=len)


class TableWriter:
    """Writes chunks of equal columns to `path`.

    Parameters
    ----------
    path : Path
    suffix : str
        Of `format_of`.
    """

    def __init__(self, path: Path, suffix: str) -> None:
        self._path, self._suffix = path, suffix
        self._writer: Any = None
        self._sink: Any = None

    def write(self, columns: Mapping[str, pa.Array | Sequence[Any]]) -> None:
        """Append rows. The first call settles names and types."""
        arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
        batch = pa.RecordBatch.from_pydict(arrays)
        if self._writer is None:
            self._writer = self._open(batch.schema)
        self._writer.write_batch(batch.cast(self._writer_schema))

    def _open(self, schema: pa.Schema) -> Any:
        # A column whose first chunk is empty has a type all the same.
        self._writer_schema = pa.schema([field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in schema])
        if self._suffix in (".parquet", ".pq"):
            return pq.ParquetWriter(self._path, self._writer_schema, compression="zstd")
        # Closed by `close`, as the writer is.
        self._sink = gzip.GzipFile(self._path, "wb", 6) if self._suffix.endswith(".gz") else self._path.open("wb")
        delimiter = "\t" if ".tsv" in self._suffix else ","
        return arrow_csv.CSVWriter(
            self._sink, self._writer_schema, write_options=arrow_csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
        )

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
        if self._sink is not None:
            self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
