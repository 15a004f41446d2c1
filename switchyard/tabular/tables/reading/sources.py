"""`read_source`: one table from wherever `data.source` says, as it is there.

==================================  ==============================================================
source                              read by
==================================  ==============================================================
path or fsspec URL                  CSV, TSV or Parquet, plain or in gz, bz2, xz, zst or zip
SQLAlchemy URL with `data.query`    the database
`builtin:NAME`                      `switchyard.tabular.tables.reading.builtin`
`openml:NAME`                       OpenML
`log:PATH`                          `switchyard.tabular.tables.reading.staged`: a table with rows of the prediction log
==================================  ==============================================================

What a file is, its first bytes say, not its name. Text stays text here: `switchyard.tabular.tables.resolve` decides what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from switchyard.tabular.config import problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.builtin import read_builtin
from switchyard.tabular.tables.reading.credentials import STAGED, without_credentials
from switchyard.tabular.tables.reading.delimited import read_delimited
from switchyard.tabular.tables.reading.files import fetch
from switchyard.tabular.tables.reading.headers import drop_nameless, named
from switchyard.tabular.tables.reading.openml import read_openml
from switchyard.tabular.tables.reading.packing import Limit
from switchyard.tabular.tables.reading.parquet import MAGIC, read_parquet
from switchyard.tabular.tables.reading.sql import is_database, read_sql
from switchyard.tabular.tables.reading.staged import read_staged
from switchyard.tabular.tables.table import digest_frame


@dataclass(frozen=True)
class RawTable:
    """A table as read: rows in the source's order, columns named, types still the source's."""

    frame: pd.DataFrame
    source: str
    """What the user wrote, without credentials."""
    revision: str
    """`dvc:<md5>` or `sha256:<hex>`."""
    notes: tuple[str, ...] = ()
    """What was done on the way that the user should know, one sentence each."""


def is_in_memory(data: problem.Data) -> bool:
    """Whether the source is no file: built-in, OpenML's, or the result of a query."""
    source = data.source.strip()
    return source.startswith(("builtin:", "openml:")) or is_database(source) or bool(data.query)


def is_at_hand(data: problem.Data) -> bool:
    """Whether the source is of this machine, read without a network and without a secret: a built-in table, or a path."""
    source = data.source.strip()
    return not source.startswith(("openml:", STAGED)) and "://" not in source and "{{" not in source


def read_source(data: problem.Data, base: Path | None = None) -> RawTable:
    """Read the table that `data` names.

    Parameters
    ----------
    data : Data
        `source`, and what helps to read it: `query`, `delimiter`, `encoding`, `max_unpacked_mb`, `target`.
    base : Path or None
        Folder that relative paths start from; the working directory when absent.

    Raises
    ------
    InputError
        With one line that names the file, the place in it and the way out.
    """
    source = data.source.strip()
    if not source:
        raise InputError("data.source is empty; give a path, a URL, builtin:NAME or openml:NAME")
    if source.startswith(("builtin:", "openml:")):
        frame = read_builtin(source) if source.startswith("builtin:") else read_openml(source)
        names, notes = named([str(name) for name in frame.columns], source, "header")
        return _content_addressed(frame.set_axis(list(names), axis=1), source, notes)
    if source.startswith(STAGED):
        return RawTable(*read_staged(source, Limit(data.max_unpacked_mb)))
    label = without_credentials(source)
    if is_database(source) or (data.query and "://" in source):
        frame, notes = read_sql(source, data.query, label)
        return _content_addressed(frame, label, notes)
    if data.query:
        raise InputError(f"data.query needs a database, but {label} is none; remove data.query, or give a SQLAlchemy URL")
    limit = Limit(data.max_unpacked_mb)
    content = fetch(source, base, limit)
    if content.data.startswith(MAGIC) or content.name.lower().endswith((".parquet", ".pq")):
        frame, notes = read_parquet(content.data, content.label, limit)
    else:
        frame, notes = read_delimited(content.data, content.label, data.target, data.delimiter, data.encoding)
    frame, nameless = drop_nameless(frame, content.label)
    return RawTable(frame, content.label, content.revision, (*content.notes, *notes, *nameless))


def _content_addressed(frame: pd.DataFrame, label: str, notes: tuple[str, ...]) -> RawTable:
    frame, nameless = drop_nameless(frame, label)
    return RawTable(frame, label, f"sha256:{digest_frame(frame)}", (*notes, *nameless))
