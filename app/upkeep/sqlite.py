"""SQLite files: copied while others write to them, and told of a new place of what they name."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MAGIC = b"SQLite format 3\0"
ASIDE = ("-wal", "-shm", "-journal")
"""Endings of what lies beside one that is in use; a copy has it inside."""
_WITHOUT_PATHS = ("predictions", "labels")
"""Tables of the prediction log: millions of rows of what clients sent."""


def is_database(path: Path) -> bool:
    """Whether a file is one."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def copy(path: Path, target: Path) -> None:
    """Copy the database at `path` as it is at one moment, while others read and write it."""
    with (
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as source,
        contextlib.closing(sqlite3.connect(target)) as sink,
    ):
        source.backup(sink)


def replace_text(path: Path, changes: dict[str, str]) -> None:
    """Put each key's value in its place, in every text of the database but those of clients."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table, column in _texts(connection):
            for old, new in changes.items():
                connection.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE instr("{column}", ?)', (old, new, old)
                )


def empty_table(path: Path, table: str) -> int:
    """Delete the rows of a table, and what is left of them in the file's free pages; how many there were."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            return 0
        count: int = connection.execute(f'DELETE FROM "{table}"').rowcount
        connection.execute("VACUUM")
        return count


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def _texts(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
    for table in tables:
        if table not in _WITHOUT_PATHS:
            for _number, column, kind, *_rest in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                if "CHAR" in kind.upper() or "TEXT" in kind.upper() or kind.upper() == "JSON":
                    yield table, column
