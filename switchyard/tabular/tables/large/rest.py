"""`Rest`: the rows of a large table that its sample has not, in canonical types, as Parquet parts that are read batch by batch."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from switchyard.tabular.storable import Fact, Storable

BATCH = 65_536
"""Rows that stand in memory at once."""
PART_ROWS = 16 * BATCH
_HEAD = "rest.json"


class Share(NamedTuple):
    """Which of the row groups one of several readers takes: each `of`th, from `number` on."""

    number: int
    of: int


ALL = Share(0, 1)


@dataclass(frozen=True, eq=False)
class Rest(Storable):
    """Rows on disk; none where the table in memory has all of them.

    Attributes
    ----------
    rows : int
        All of them have a label, of a class that the sample has, and a weight above zero, where there are such.
    parts : tuple of Path
        In order.
    """

    rows: int = 0
    parts: tuple[Path, ...] = ()
    _kept: TemporaryDirectory[str] | None = field(default=None, repr=False)
    """Holds the files as long as this object lives."""

    def batches(self, columns: Sequence[str], share: Share = ALL) -> Iterator[pd.DataFrame]:
        """The rows of a share in order, `BATCH` at most at a time, in canonical types."""
        before = 0
        for part in self.parts:
            with pq.ParquetFile(part) as file:
                groups = [group for group in range(file.num_row_groups) if (before + group) % share.of == share.number]
                before += file.num_row_groups
                for batch in file.iter_batches(BATCH, row_groups=groups, columns=list(columns)):
                    yield batch.to_pandas()

    def rows_of(self, share: Share) -> int:
        """How many rows a share has."""
        sizes: list[int] = []
        for part in self.parts:
            head = pq.read_metadata(part)
            sizes += [head.row_group(group).num_rows for group in range(head.num_row_groups)]
        return sum(sizes[share.number :: share.of])

    def at(self, folder: Path) -> Rest:
        """The same rows in `folder`, where `write` has put them."""
        return Rest(self.rows, tuple(folder / part.name for part in self.parts))

    def write(self, folder: Path) -> None:
        (folder / _HEAD).write_text(json.dumps({"rows": self.rows, "parts": [part.name for part in self.parts]}), encoding="utf-8")
        for part in self.parts:
            try:
                os.link(part, folder / part.name)
            except OSError:
                # Another disk.
                shutil.copyfile(part, folder / part.name)

    @classmethod
    def read(cls, folder: Path) -> Self:
        head = json.loads((folder / _HEAD).read_text(encoding="utf-8"))
        if not head["parts"]:
            return cls()
        # Whoever gave the folder may take it away.
        kept = TemporaryDirectory(dir=folder.parent)
        return cls(head["rows"], tuple(Path(shutil.move(folder / name, Path(kept.name) / name)) for name in head["parts"]), kept)

    def metadata(self) -> dict[str, Fact]:
        return {"rows": self.rows, "bytes": sum(part.stat().st_size for part in self.parts)}


NO_REST = Rest()


class RestWriter:
    """Writes frames in canonical types as the parts of a `Rest`."""

    def __init__(self) -> None:
        self._kept = TemporaryDirectory()
        self._stack = ExitStack()
        self._writer: pq.ParquetWriter | None = None
        self._parts: list[Path] = []
        self._in_part = self.rows = 0

    def write(self, frame: pd.DataFrame, schema: pa.Schema) -> None:
        """Append rows."""
        if self._writer is None or self._in_part >= PART_ROWS:
            self._stack.close()
            self._parts.append(Path(self._kept.name) / f"part-{len(self._parts):05d}.parquet")
            self._writer = self._stack.enter_context(pq.ParquetWriter(self._parts[-1], schema, compression="zstd"))
            self._in_part = 0
        self._writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
        self._in_part += len(frame)
        self.rows += len(frame)

    def close(self) -> Rest:
        """What was written."""
        self._stack.close()
        return Rest(self.rows, tuple(self._parts), self._kept)
