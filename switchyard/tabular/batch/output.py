"""`TableWriter`: rows into a file of the format that its name says, chunk by chunk.

A spreadsheet runs a cell of a CSV that begins with = + - @ as a formula. Text that does, and is no number, is written with an
apostrophe before it, as spreadsheets themselves mark text; Parquet holds what it is.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from switchyard.tabular.errors import InputError

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?$"
_PARQUET = (".parquet", ".pq")
FORMATS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", *_PARQUET)


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
        if self._suffix not in _PARQUET:
            arrays = {_as_text(pa.array([name]))[0].as_py(): _as_text(values) for name, values in arrays.items()}
        batch = pa.RecordBatch.from_pydict(arrays)
        if self._writer is None:
            self._writer = self._open(batch.schema)
        self._writer.write_batch(batch.cast(self._writer_schema))

    def _open(self, schema: pa.Schema) -> Any:
        # A column whose first chunk is empty has a type all the same.
        self._writer_schema = pa.schema([field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in schema])
        if self._suffix in _PARQUET:
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


def _as_text(values: pa.Array) -> pa.Array:
    """`values`, where they are texts that a spreadsheet would run, with an apostrophe before them."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    runs = pc.and_(pc.match_substring_regex(values, _FORMULA), pc.invert(pc.match_substring_regex(values, _NUMBER)))
    if not pc.any(runs).as_py():
        return values
    return pc.if_else(runs, pc.binary_join_element_wise(pa.scalar("'", values.type), values, pa.scalar("", values.type)), values)
