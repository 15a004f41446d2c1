"""The `Table`: a frame in canonical types together with its schema.

Canonical types, the same from a CSV, Parquet or SQL source:

=============  =====================================================
kind           column of the frame
=============  =====================================================
numeric        float64, NaN where missing
boolean        float64 of 0 and 1, NaN where missing
categorical    object of str, None where missing
text           object of str, None where missing
datetime       datetime64[ns] without zone (UTC), NaT where missing
=============  =====================================================

The target of a classification is categorical whatever its kind was; of a regression, numeric.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from switchyard.bundle.texts import words_of
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.schema import MISSING, Column, Schema


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` as Parquet whose bytes depend on the content alone."""
    frame.reset_index(drop=True).to_parquet(path, engine="pyarrow", compression="zstd", index=False)


def read_frame(path: Path) -> pd.DataFrame:
    """The frame that `write_frame` wrote, in the same types."""
    return pd.read_parquet(path, engine="pyarrow")


def digest_rows(frame: pd.DataFrame) -> np.ndarray:
    """A 64-bit hash of each row's content, shape (n_rows,), the same in every process and on every machine."""
    return pd.util.hash_pandas_object(frame, index=False, categorize=True).to_numpy()


def digest_frame(frame: pd.DataFrame) -> str:
    """sha256 over column names and rows, in order, as hex."""
    digest = hashlib.sha256("\x1f".join(map(str, frame.columns)).encode())
    digest.update(digest_rows(frame).tobytes())
    return digest.hexdigest()


def model_frame(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """What the model sees of `columns`: float64 for numbers, booleans and datetimes (epoch seconds, NaN where
    missing), str for categories and the words of texts (`MISSING` where missing)."""
    return pd.DataFrame({column.name: model_values(frame[column.name], column) for column in columns}, index=frame.index)


def model_values(values: pd.Series, column: Column) -> np.ndarray:
    """One column as `model_frame` has it."""
    if column.kind == "datetime":
        seconds = values.to_numpy("datetime64[ns]").astype("int64") / 1e9
        return np.where(values.isna(), np.nan, seconds)
    if column.kind in ("numeric", "boolean"):
        return values.to_numpy("float64")
    names = values.fillna(MISSING).to_numpy(object)
    return np.array([words_of(text) for text in names], dtype=object) if column.kind == "text" else names


@dataclass(frozen=True)
class Table(Storable):
    """A table in canonical types."""

    frame: pd.DataFrame
    schema: Schema
    source: str
    """As given by the user, without credentials."""
    revision: str
    """`dvc:<md5>` when the file is under DVC, else `sha256:<hex>` of the content read."""

    def write(self, folder: Path) -> None:
        write_frame(self.frame, folder / "frame.parquet")
        (folder / "schema.json").write_text(self.schema.model_dump_json(indent=1), encoding="utf-8")
        (folder / "source.txt").write_text(f"{self.source}\n{self.revision}\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        source, revision = (folder / "source.txt").read_text(encoding="utf-8").splitlines()
        schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
        return cls(read_frame(folder / "frame.parquet"), schema, source, revision)

    def metadata(self) -> dict[str, Fact]:
        return {"rows": len(self.frame), "columns": len(self.schema.columns), "revision": self.revision}
