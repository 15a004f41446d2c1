"""The log's tables move with the rows in them, at most once; newer ones are refused."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import sqlalchemy as sa

from switchyard.predictionlog import Drain, Journal, SchemaError, connect, create_tables, read_window, schema
from switchyard.predictionlog.database import make_tables, metadata
from switchyard.predictionlog.schema import REVISIONS, Revision, revision_of
from tests.switchyard.predictionlog.cases import record

LATER = (*REVISIONS, Revision("0002", lambda operations: operations.add_column("predictions", sa.Column("region", sa.String(16)))))


@pytest.fixture
def engine(database):
    made = connect(database)
    yield made
    made.dispose()


def drained(engine, folder):
    journal = Journal(folder)
    journal.append(record("a", rows=2))
    journal.close()
    Drain(engine, folder).run_once()


def logged(engine):
    frames = list(read_window(engine, datetime(2020, 1, 1), datetime(2030, 1, 1), "loans"))
    return frames[0] if frames else None


def columns(engine):
    return {column["name"] for column in sa.inspect(engine).get_columns("predictions")}


def test_tables_of_before_revisions_were_counted_are_the_first(engine):
    make_tables(engine, metadata)
    create_tables(engine)
    create_tables(engine)
    assert revision_of(engine) == "0001"


def test_rows_stay_when_the_tables_move(engine, tmp_path, monkeypatch):
    drained(engine, tmp_path)
    before = logged(engine)
    monkeypatch.setattr(schema, "REVISIONS", LATER)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create_tables, [engine] * 4))

    assert revision_of(engine) == "0002" and "region" in columns(engine)
    assert logged(engine).equals(before) and len(before) == 2


def test_a_move_that_fails_is_begun_again(engine, tmp_path, monkeypatch):
    drained(engine, tmp_path)
    monkeypatch.setattr(schema, "REVISIONS", (*REVISIONS, Revision("0002", lambda operations: operations.execute("no statement"))))
    with pytest.raises(sa.exc.SQLAlchemyError):
        create_tables(engine)
    assert revision_of(engine) == "0001" and len(logged(engine)) == 2
    monkeypatch.setattr(schema, "REVISIONS", LATER)
    create_tables(engine)
    assert revision_of(engine) == "0002" and len(logged(engine)) == 2


def test_newer_tables_are_refused_and_left_alone(engine, tmp_path, monkeypatch):
    drained(engine, tmp_path)
    with monkeypatch.context() as later:
        later.setattr(schema, "REVISIONS", LATER)
        create_tables(engine)

    with pytest.raises(SchemaError, match="its tables are of revision 0002, of a newer release than this one, which knows 0001"):
        create_tables(engine)
    assert revision_of(engine) == "0002" and len(logged(engine)) == 2


def test_a_service_without_alembic_waits_for_the_project(engine, tmp_path, monkeypatch):
    drained(engine, tmp_path)
    monkeypatch.setattr(schema, "REVISIONS", LATER)
    monkeypatch.setitem(sys.modules, "alembic.migration", None)

    with pytest.raises(SchemaError, match="of revision 0001, and 0002 is wanted: any command of run.py about the model moves them"):
        create_tables(engine)
    assert revision_of(engine) == "0001"


def test_a_new_log_has_the_newest_tables_and_needs_no_alembic(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "alembic.migration", None)
    monkeypatch.setattr(schema, "REVISIONS", LATER)
    create_tables(engine)
    assert revision_of(engine) == "0002"
