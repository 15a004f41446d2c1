"""A step that a database ended says which database, why, and the way out; not the address of SQLAlchemy's manual."""

from __future__ import annotations

import sqlite3
import traceback

import pytest
from sqlalchemy import create_engine, text

from app.causes import cause_of
from steps.databases import name_databases


def failed(act) -> str:
    """The cause as run.py tells it of whatever `act` raises."""
    name_databases()
    with pytest.raises(Exception) as caught:
        act()
    return cause_of(str(caught.value), "".join(traceback.format_exception(caught.value)))


def ask(url: str, *statements: str) -> None:
    engine = create_engine(url, connect_args={"timeout": 0.1} if url.startswith("sqlite") else {"connect_timeout": 1})
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_full_database_is_named_with_the_way_out(tmp_path):
    path = tmp_path / "log.db"
    cause = failed(
        lambda: ask(f"sqlite:///{path}", "PRAGMA max_page_count = 2", "CREATE TABLE t (x TEXT)", "INSERT INTO t VALUES (zeroblob(99999))")
    )

    assert cause.startswith(f"(sqlite3.OperationalError) database or disk is full [in {path}]; make room there")
    assert "Background" not in cause and "INSERT" not in cause and "\n" not in cause


def test_a_locked_database_is_named(tmp_path):
    path = tmp_path / "log.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN EXCLUSIVE")
    cause = failed(lambda: ask(f"sqlite:///{path}", "INSERT INTO t VALUES (1)"))

    assert f"database is locked [in {path}]; something else holds it" in cause


def test_a_damaged_database_is_named(tmp_path):
    path = tmp_path / "log.db"
    path.write_bytes(b"no database " * 1000)
    cause = failed(lambda: ask(f"sqlite:///{path}", "SELECT * FROM t"))

    assert f"file is not a database [in {path}]; the file is damaged" in cause


def test_a_server_that_is_away_is_named_without_its_password():
    cause = failed(lambda: ask("postgresql+psycopg://ann:secret@127.0.0.1:9/loans", "SELECT 1"))

    assert "[in postgresql+psycopg://127.0.0.1:9/loans]; start it" in cause
    assert "secret" not in cause and "ann" not in cause and "\n" not in cause


def test_another_error_is_told_by_its_last_line():
    def act():
        raise ZeroDivisionError("a report of\nseveral lines")

    assert failed(act) == "several lines"
