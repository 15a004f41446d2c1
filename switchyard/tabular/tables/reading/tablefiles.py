"""Source `file`: a path or any fsspec URL; CSV, TSV or Parquet, plain or packed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import without_credentials
from switchyard.tabular.tables.reading.delimited import read_delimited
from switchyard.tabular.tables.reading.files import fetch
from switchyard.tabular.tables.reading.headers import drop_nameless
from switchyard.tabular.tables.reading.packing import Limit
from switchyard.tabular.tables.reading.parquet import MAGIC, read_parquet
from switchyard.tabular.tables.reading.source import RawTable, Source

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data


class Files(Source):
    """Files; what one is, its first bytes say, not its name."""

    name = "file"
    in_memory = False
    general = True

    def takes(self, data: Data) -> bool:
        return True

    def read(self, data: Data, base: Path | None) -> RawTable:
        source = data.source.strip()
        if data.query:
            label = without_credentials(source)
            raise InputError(f"data.query needs a database, but {label} is none; remove data.query, or give a SQLAlchemy URL")
        limit = Limit(data.max_unpacked_mb)
        content = fetch(source, base, limit)
        if content.data.startswith(MAGIC) or content.name.lower().endswith((".parquet", ".pq")):
            frame, notes = read_parquet(content.data, content.label, limit)
        else:
            frame, notes = read_delimited(content.data, content.label, data.target, data.delimiter, data.encoding)
        frame, nameless = drop_nameless(frame, content.label)
        return RawTable(frame, content.label, content.revision, (*content.notes, *notes, *nameless))


PARTS = (Files(),)
