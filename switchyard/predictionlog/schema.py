"""`create_tables`: the prediction log's tables as this code knows them, whatever release made them.

The database says of which revision its tables are. A newer one is refused; an older one is moved by Alembic with the rows in it,
which is not in the serving environment: a service that finds an older one waits, with its journal, for the project to move it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from switchyard.predictionlog.database import make_tables, metadata, predictions


@dataclass(frozen=True)
class Revision:
    """One change of the tables.

    Parameters
    ----------
    name : str
        As the database keeps it.
    upgrade : callable
        Makes the change, given Alembic's operations: one statement, since MariaDB takes back no more, and one that adds, so that
        services of the release before go on writing.
    """

    name: str
    upgrade: Callable[[Any], None] = lambda operations: None


REVISIONS = (Revision("0001"),)
"""In their order; the first is of before they were counted."""

_kept = MetaData()
_revision = Table(
    "predictionlog_revision",
    _kept,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), nullable=False),
)
_ROW = 1


class SchemaError(SQLAlchemyError):
    """The tables are of a revision that this code can't work with."""


def create_tables(engine: Engine) -> None:
    """Make the tables that are missing, and move those of before to the newest revision. Several processes may do so at once.

    Raises
    ------
    SchemaError
        The tables are newer than this code, or older and Alembic is not here; nothing was changed.
    """
    # In this order: whoever makes the tables says first of which revision they will be.
    made_before = inspect(engine).has_table(predictions.name)
    found = revision_of(engine)
    known, newest = [revision.name for revision in REVISIONS], REVISIONS[-1].name
    if found is None:
        make_tables(engine, _kept)
        _note(engine, known[0] if made_before else newest)
        found = revision_of(engine)
    if found not in known:
        raise SchemaError(f"its tables are of revision {found}, of a newer release than this one, which knows {newest}: upgrade this one")
    if found != newest:
        _move(engine, known.index(found) + 1)
    make_tables(engine, metadata)


def revision_of(engine: Engine) -> str | None:
    """The revision that the database says its tables are of; None where it says nothing."""
    if not inspect(engine).has_table(_revision.name):
        return None
    with engine.connect() as connection:
        return connection.execute(select(_revision.c.name).where(_revision.c.id == _ROW)).scalar_one_or_none()


def _note(engine: Engine, name: str) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(insert(_revision).values(id=_ROW, name=name))
    except IntegrityError:
        # Another process was first, and is right.
        return


def _move(engine: Engine, first: int) -> None:
    try:
        from alembic.migration import MigrationContext
        from alembic.operations import Operations
    except ImportError:
        raise SchemaError(
            f"its tables are of revision {REVISIONS[first - 1].name}, and {REVISIONS[-1].name} is wanted: any command of run.py "
            "about the model moves them (python run.py status)"
        ) from None
    for before, revision in zip(REVISIONS[first - 1 :], REVISIONS[first:]):
        with engine.begin() as connection:
            # Whoever comes second waits here, and finds it done.
            step = update(_revision).where(_revision.c.id == _ROW, _revision.c.name == before.name).values(name=revision.name)
            if connection.execute(step).rowcount:
                revision.upgrade(Operations(MigrationContext.configure(connection)))
