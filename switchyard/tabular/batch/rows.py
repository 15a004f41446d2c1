"""`open_rows`: a table of any size as chunks of Arrow columns, to be gone through as often as needed."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.delimited import MISSING_SPELLINGS, header_of, refuse_other_formats, sniff
from switchyard.tabular.tables.reading.headers import UNNAMED, named
from switchyard.tabular.tables.reading.packing import ByteStream, packing_of
from switchyard.tabular.tables.reading.parquet import MAGIC

CHUNK = 16_384
"""Rows of a chunk at most."""
_BLOCK = 4 << 20
_SAMPLE = 1 << 18


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows."""

    first: int
    """Rows before it."""
    columns: dict[str, pa.Array]
    size: int


@dataclass(frozen=True)
class Rows:
    """A table that is read in chunks."""

    names: tuple[str, ...]
    label: str
    """Of the source, for messages."""
    read: Callable[[], Iterator[pa.RecordBatch]]
    """Batches whose columns are those of `names`, in order."""
    size: int | None = None
    """Rows, where that is known before reading."""
    notes: tuple[str, ...] = ()

    def chunks(self) -> Iterator[Chunk]:
        """The rows from the first on. Every call begins anew."""
        first = 0
        for batch in self.read():
            for start in range(0, batch.num_rows, CHUNK):
                part = batch.slice(start, CHUNK)
                columns = {name: array for name, array in zip(self.names, part.columns, strict=True) if name != UNNAMED}
                yield Chunk(first, columns, part.num_rows)
                first += part.num_rows


def open_rows(path: Path, label: str, expected: str, delimiter: str | None = None, encoding: str | None = None) -> Rows:
    """The table in a local file: CSV and its kin, plain or packed, or Parquet. Its first bytes say which.

    Parameters
    ----------
    path : Path
    label : str
        What the user calls it.
    expected : str
        A column that should be there; helps to tell the right delimiter.
    delimiter, encoding : str or None
        As in the config; found out when absent.

    Raises
    ------
    InputError
        It is missing, damaged, empty, or no such table. Rows of the wrong width are found when they are read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start.startswith(MAGIC) or path.suffix.lower() in (".parquet", ".pq"):
            return _parquet(path, label)
        return _delimited(path, label, expected, delimiter, encoding)
    except FileNotFoundError:
        raise InputError(f"{label} does not exist") from None
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise InputError(f"{label} cannot be read: {first_line(error)}") from None


def rows_of_frame(frame: Any, label: str) -> Rows:
    """Rows of a data frame that is in memory anyway."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return Rows(tuple(map(str, frame.columns)), label, lambda: iter(table.to_batches(CHUNK)), table.num_rows)


def _parquet(path: Path, label: str) -> Rows:
    try:
        with pq.ParquetFile(path) as file:
            names, notes = named(list(file.schema_arrow.names), label, "schema")
            size = file.metadata.num_rows
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"{label} is a damaged Parquet file ({first_line(error)}); write it again") from None
    if not names or not size:
        raise InputError(f"{label} has no rows")

    def read() -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(path, memory_map=False) as file:
                yield from file.iter_batches(batch_size=CHUNK)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{label} is a damaged Parquet file ({first_line(error)}); write it again") from None

    return Rows(names, label, read, size, notes)


def _delimited(path: Path, label: str, expected: str, delimiter: str | None, encoding: str | None) -> Rows:
    sample, quoted, found, notes = _look(path, label, encoding)
    refuse_other_formats(sample, label)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise InputError(f"data.delimiter must be one character, not {delimiter!r}")
    separator = delimiter or sniff(sample, expected)
    header, lines, ended = header_of(sample, separator, label)
    if ended:
        raise InputError(f"{label} has a header but no rows")
    names, trimmed = named(header, label, f"line {lines}")
    blanks = _begins_with_blanks(sample, separator)

    def read() -> Iterator[pa.RecordBatch]:
        with _unpacked(path) as stream:
            for batch in _batches(stream, len(names), lines, separator, quoted, found, label):
                yield _trimmed(batch) if blanks else batch

    return Rows(names, label, read, None, (*notes, *trimmed))


def _look(path: Path, label: str, encoding: str | None) -> tuple[bytes, bool, str, tuple[str, ...]]:
    """Go through the bytes once: the beginning in UTF-8, whether any value is quoted, the encoding, and notes."""
    quoted, sample, is_utf8, held = False, b"", True, False
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _unpacked(path) as stream:
        while block := stream.read(_BLOCK):
            sample = sample if sample else block[:_SAMPLE]
            quoted = quoted or b'"' in block
            held = held or bool(block.strip())
            if is_utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
    if not held:
        raise InputError(f"{label} is empty")
    marks = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    marked = next((name for mark, name in marks.items() if sample.startswith(mark)), None)
    found = encoding or marked or "utf-8"
    notes: tuple[str, ...] = ()
    if not encoding and not marked and not is_utf8:
        found, notes = "windows-1252", (f"{label} is not UTF-8 and was read as Windows-1252; set data.encoding if letters look wrong",)
    if not encoding and not marked and b"\0" in sample:
        raise InputError(f"{label} is not text, CSV or Parquet but binary; export it as CSV or Parquet")
    try:
        # The sample may end within a character, which is no fault.
        text = codecs.getincrementaldecoder(found)().decode(sample).removeprefix("\ufeff")
    except (LookupError, UnicodeDecodeError) as error:
        raise InputError(f"{label} cannot be read as {found}: {first_line(error)}; correct or leave out data.encoding") from None
    return text.encode(), quoted, found, notes


@contextmanager
def _unpacked(path: Path) -> Iterator[ByteStream]:
    """The file's bytes as a stream, unpacked."""
    with path.open("rb") as raw:
        packing = packing_of(raw.read(8))
        raw.seek(0)
        if packing is None:
            yield raw
        elif packing == "zip":
            with zipfile.ZipFile(raw) as archive:
                members = [item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")]
                if len(members) != 1:
                    raise InputError(f"{path.name} holds {len(members)} files; a zip must hold exactly one table")
                with archive.open(members[0]) as stream:
                    yield stream
        elif packing == "zstandard":
            with pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as stream:
                yield stream
        else:
            opener = {"gzip": gzip.GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}[packing]
            with opener(filename=raw) if packing != "gzip" else gzip.GzipFile(fileobj=raw) as stream:
                yield stream


def _batches(
    stream: ByteStream, width: int, lines: int, delimiter: str, quoted: bool, encoding: str, label: str
) -> Iterator[pa.RecordBatch]:
    # Places instead of names: empty names are not distinct.
    places, ragged = [str(place) for place in range(width)], []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    try:
        yield from arrow_csv.open_csv(
            stream,
            # One thread: rows of the wrong width are then numbered.
            read_options=arrow_csv.ReadOptions(
                column_names=places, skip_rows=lines, block_size=_BLOCK, encoding=encoding, use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=quoted, invalid_row_handler=refuse),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=True, null_values=list(MISSING_SPELLINGS)
            ),
        )
    except pa.ArrowInvalid as error:
        if ragged:
            row = ragged[0]
            place = f", line {row.number}" if row.number else ""
            what = f"{row.actual_columns} fields where the header has {row.expected_columns}"
            raise InputError(f"{label}{place}: {what}: {row.text[:60]!r}; mend the row") from None
        raise InputError(f"{label} is no readable CSV: {first_line(error)}") from None


def _begins_with_blanks(sample: bytes, delimiter: str) -> bool:
    """Whether every delimiter is followed by a blank, which then belongs to it and not to the value."""
    rows = [line for line in sample.decode(errors="replace").splitlines()[1:50] if delimiter in line][:-1]
    return bool(rows) and all(part.startswith(" ") for line in rows for part in line.split(delimiter)[1:])


def _trimmed(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [pc.utf8_ltrim_whitespace(column) for column in batch.columns]
    missing = pa.array(MISSING_SPELLINGS)
    return pa.RecordBatch.from_arrays([pc.if_else(pc.is_in(column, missing), None, column) for column in columns], names=batch.schema.names)
