"""`Rows`: a table of any size as batches of Arrow columns, to be gone through as often as needed; a frame is made of the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.headers import UNNAMED, refuse_nameless

CHUNK = 16_384
"""Rows of a chunk at most."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows."""

    first: int
    """Rows before it."""
    columns: dict[str, pa.Array]
    size: int


@dataclass(frozen=True)
class Rows:
    """A table that is read in batches: text as it is written, typed files in their Arrow types."""

    names: tuple[str, ...]
    """Of the columns; `UNNAMED` where one that holds data has no name."""
    label: str
    """Of the source, for messages."""
    read: Callable[[], Iterator[pa.RecordBatch]]
    """Batches whose columns are those of `names`, in order; every call begins anew."""
    size: int | None = None
    """Rows, where that is known before reading."""
    notes: tuple[str, ...] = ()
    """What was understood or left out, one sentence each."""
    files: tuple[Path, ...] = ()
    """Where the rows are."""
    parts: tuple[Rows, ...] = ()
    """Of a table in several files, each of them by itself, with the columns and types of all."""

    def chunks(self) -> Iterator[Chunk]:
        """The rows from the first on, without the columns that have no name. Every call begins anew."""
        first = 0
        for batch in self.read():
            for start in range(0, batch.num_rows, CHUNK):
                part = batch.slice(start, CHUNK)
                columns = {name: array for name, array in zip(self.names, part.columns, strict=True) if name != UNNAMED}
                yield Chunk(first, columns, part.num_rows)
                first += part.num_rows

    def frame(self) -> pd.DataFrame:
        """The whole table in memory, each column in its Arrow type.

        Raises
        ------
        InputError
            There are no rows, or a column that holds data has no name.
        """
        batches = [batch for batch in self.read() if batch.num_rows]
        if not batches:
            raise InputError(f"{self.label} has a header but no rows")
        return frame_of(self, batches)


def frame_of(rows: Rows, batches: Sequence[pa.RecordBatch]) -> pd.DataFrame:
    """Some batches of `rows`, at least one, as one frame; raises where a column that holds data has no name."""
    refuse_nameless(rows.names, batches[0].columns, rows.label)
    table = pa.Table.from_batches(batches)
    frame = pd.DataFrame({place: pd.Series(pd.arrays.ArrowExtensionArray(column)) for place, column in enumerate(table.columns)})
    return frame.set_axis(list(rows.names), axis=1)


def rows_of_frame(frame: Any, label: str) -> Rows:
    """Rows of a data frame that is in memory anyway."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return Rows(tuple(map(str, frame.columns)), label, lambda: iter(table.to_batches(CHUNK)), table.num_rows)
