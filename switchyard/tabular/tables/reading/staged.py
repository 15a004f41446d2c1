"""Tables that a retraining put together from a source and the prediction log: `log:PATH`, a Parquet file that says so itself.

Its rows are in canonical types already, so `data.columns` names their kinds; the file's own metadata names the source
beneath and how many labelled predictions were added, which is what the model card and MLflow show.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import STAGED
from switchyard.tabular.tables.reading.files import located
from switchyard.tabular.tables.reading.opening import require_file
from switchyard.tabular.tables.reading.packing import Limit
from switchyard.tabular.tables.reading.source import RawTable, Source
from switchyard.tabular.tables.table import digest_frame

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data

_LABEL = b"switchyard_source"


def to_staged(frame: pd.DataFrame, label: str) -> bytes:
    """`frame`, in canonical types, as the content of a file for `log:PATH`; equal bytes for equal content.

    Parameters
    ----------
    frame : DataFrame
    label : str
        What people read as the table's source.
    """
    table = pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False)
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), _LABEL: label.encode()}), sink, compression="zstd")
    return sink.getvalue()


def read_staged(source: str, limit: Limit) -> tuple[pd.DataFrame, str, str]:
    """Frame, label and revision of `log:PATH`.

    Raises
    ------
    InputError
        The file is gone, or no retraining wrote it.
    """
    with located(source.removeprefix(STAGED), None, limit) as (path, name):
        require_file(path, name)
        try:
            table = pq.read_table(path)
            label = table.schema.metadata[_LABEL].decode()
        except (pa.ArrowException, OSError, KeyError, TypeError):
            raise InputError(
                f"{name} was not put together from the prediction log; name it without {STAGED!r} to read it as a file"
            ) from None
    frame = table.to_pandas()
    return frame, label, f"sha256:{digest_frame(frame)}"


class Staged(Source):
    """`log:PATH`."""

    name = STAGED.removesuffix(":")
    in_memory = False

    def read(self, data: Data, base: Path | None) -> RawTable:
        return RawTable(*read_staged(data.source.strip(), Limit(data.max_unpacked_mb)))


PARTS = (Staged(),)
