"""Source `file`: a path, a pattern of paths, or any fsspec URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import without_credentials
from switchyard.tabular.tables.reading.files import located
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.reading.packing import Limit
from switchyard.tabular.tables.reading.revision import revision_of
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
        with located(source, base, limit) as (path, label):
            rows = open_rows(path, label, (data.target, *data.columns), data.delimiter, data.encoding, limit, data.sheet)
            revision, notes = revision_of(rows.files, local="://" not in source)
            return RawTable(rows.frame(), label, revision, (*notes, *rows.notes))


PARTS = (Files(),)
