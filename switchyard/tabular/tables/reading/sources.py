"""`read_source`: one table from wherever `data.source` says, as it is there.

==================================  ==============================================================
source                              read by
==================================  ==============================================================
path or fsspec URL                  `tablefiles`: one file or several, of the formats of `opening`
SQLAlchemy URL with `data.query`    `sql`: the database
`builtin:NAME`                      `builtin`: what needs no file
`openml:NAME`                       `openml`: OpenML
`log:PATH`                          `staged`: a table with rows of the prediction log
==================================  ==============================================================

One of them is one module, named in `SOURCES`; docs/extend.md tells how. Text stays text here: `switchyard.tabular.tables.resolve`
decides what it means.
"""

from __future__ import annotations

from pathlib import Path

from switchyard.parts import Parts
from switchyard.tabular.config import problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import STAGED
from switchyard.tabular.tables.reading.source import RawTable, Source

SOURCES = Parts(
    Source,
    (
        "switchyard.tabular.tables.reading.builtin",
        "switchyard.tabular.tables.reading.openml",
        "switchyard.tabular.tables.reading.staged",
        "switchyard.tabular.tables.reading.sql",
        "switchyard.tabular.tables.reading.tablefiles",
    ),
)

__all__ = ["SOURCES", "RawTable", "Source", "is_in_memory", "read_source"]


def is_in_memory(data: problem.Data) -> bool:
    """Whether the source is no file: built-in, OpenML's, or the result of a query."""
    return _source_of(data).in_memory or bool(data.query)


def is_file(data: problem.Data) -> bool:
    """Whether the source is a file, a pattern or a URL, which can be read in batches."""
    return _source_of(data).general


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
    if not data.source.strip():
        raise InputError("data.source is empty; give a path, a URL, builtin:NAME or openml:NAME")
    return _source_of(data).read(data, base)


def _source_of(data: problem.Data) -> Source:
    return next(source for source in sorted(SOURCES.values(), key=lambda source: source.general) if source.takes(data))
