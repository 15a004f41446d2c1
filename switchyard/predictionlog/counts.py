"""Exact counts of a window, made by the database: predictions by version, and what labels came for them and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, and_, case, func, or_, select, union_all

from switchyard.predictionlog.database import as_utc, blocks, labels, predictions
from switchyard.predictionlog.records import VERIFICATION

_TICK = timedelta(microseconds=1)
"""The smallest step of time in the tables."""
_TABLES = 100
"""Asked for in one condition; SQLite takes no expression that is a thousand deep."""


@dataclass(frozen=True)
class Arrivals:
    """The labels of a window's predictions. `received` is the sum of `labelled`, `repeated` and `corrected`."""

    labelled: int = 0
    """Predictions with a label; the last one received holds."""
    received: int = 0
    """Labels."""
    repeated: int = 0
    """Labels that said again what the one before said."""
    corrected: int = 0
    """Labels that contradicted the one before."""
    late: int = 0
    """Predictions whose first label came after the window's end."""


def window_conditions(
    since: datetime,
    until: datetime,
    model: str | None,
    role: str | tuple[str, ...] | None,
    digest: str | None = None,
    table: Table = predictions,
) -> list[Any]:
    """What makes a prediction, or a block of them, one of the window: SQL conditions on the `table`."""
    columns = table.c
    return [columns.time >= as_utc(since), columns.time < as_utc(until), *_asked(model, role, digest, table)]


def _asked(model: str | None, role: str | tuple[str, ...] | None, digest: str | None, table: Table = predictions) -> list[Any]:
    """Predictions that somebody asked for: those by which a deployment proves a version are nobody's."""
    columns = table.c
    conditions = [columns.request_id.not_like(f"{VERIFICATION}%")]
    if role is not None:
        conditions.append(columns.role.in_((role,) if isinstance(role, str) else role))
    wanted = ((columns.model, model), (columns.digest, digest))
    return [*conditions, *(column == value for column, value in wanted if value is not None)]


def newest_prediction(engine: Engine, model: str, digest: str | None = None, role: str = "live") -> datetime | None:
    """When the last prediction was made, UTC without a zone; None where there is none."""
    with engine.connect() as connection:
        newest = [
            connection.scalar(
                select(table.c.time).where(*_asked(model, role, digest, table)).order_by(table.c.time.desc(), table.c.id.desc()).limit(1)
            )
            for table in (predictions, blocks)
        ]
    return max((moment for moment in newest if moment is not None), default=None)


def span_of_last(engine: Engine, rows: int, model: str, digest: str | None = None, role: str = "live") -> tuple[datetime, datetime] | None:
    """The shortest window that ends with the newest prediction and holds the last `rows` of them.

    Predictions of one request share their moment, so the window may hold a few more. None where there is no prediction.
    """
    newest = newest_prediction(engine, model, digest, role)
    if newest is None:
        return None
    columns, wanted, first = predictions.c, rows, newest
    times = select(columns.time).where(*_asked(model, role, digest)).order_by(columns.time.desc(), columns.id.desc())
    asked = select(blocks.c.time, func.sum(blocks.c.rows)).where(*_asked(model, role, digest, blocks))
    with engine.connect() as connection:
        stored = connection.execute(asked.group_by(blocks.c.time).order_by(blocks.c.time.desc())).all()
        for moment, held in [*stored, (None, 0)]:
            # Of what is no older than these blocks, the last predictions that are rows by themselves.
            younger = times if moment is None else times.where(columns.time >= moment)
            last = younger.limit(wanted).subquery()
            oldest, count = connection.execute(select(func.min(last.c.time), func.count())).one()
            first = min(first, oldest or first)
            if count >= wanted:
                break
            first = min(first, moment or first)
            if count + held >= wanted:
                break
            wanted -= int(held)  # A sum is a Decimal in MariaDB, which LIMIT does not take.
    return first, newest + _TICK


def count_versions(engine: Engine, since: datetime, until: datetime, model: str, role: str = "live") -> dict[tuple[str, str], int]:
    """(version, digest) -> predictions of the window."""
    found: dict[tuple[str, str], int] = {}
    with engine.connect() as connection:
        for table, count in ((predictions, func.count()), (blocks, func.sum(blocks.c.rows))):
            columns = table.c
            query = select(columns.version, columns.digest, count).where(*window_conditions(since, until, model, role, table=table))
            for version, digest, rows in connection.execute(query.group_by(columns.version, columns.digest)):
                found[version, digest] = found.get((version, digest), 0) + int(rows)
    return found


def of_table(request_id: str) -> Any:
    """What makes a label one of a prediction of this table: an SQL condition on `labels`. Nobody looks whether it has such a row."""
    name = labels.c.prediction_id
    return or_(name == request_id, name.startswith(f"{request_id}/", autoescape=True))


def count_labels(engine: Engine, since: datetime, until: datetime, model: str, digest: str | None = None, role: str = "live") -> Arrivals:
    """What labels came for the predictions of the window, in the order in which they were received."""
    of_window = and_(labels.c.prediction_id == predictions.c.prediction_id, *window_conditions(since, until, model, role, digest))
    before = func.lag(labels.c.value).over(partition_by=labels.c.prediction_id, order_by=(labels.c.received, labels.c.id))
    asked = select(labels.c.value, labels.c.received, before.label("before"))
    parts = [asked.select_from(predictions.join(labels, of_window))]
    with engine.connect() as connection:
        conditions = window_conditions(since, until, model, role, digest, blocks)
        tables = connection.scalars(select(blocks.c.request_id).where(*conditions).distinct()).all()
    for start in range(0, len(tables), _TABLES):
        parts.append(asked.where(or_(*map(of_table, tables[start : start + _TABLES]))))
    each = union_all(*parts).subquery()

    def number_of(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    value, prior = each.c.value, each.c.before
    query = select(
        number_of(prior.is_(None)),
        func.count(),
        number_of(value == prior),
        number_of(value != prior),
        number_of(and_(prior.is_(None), each.c.received >= as_utc(until))),
    )
    with engine.connect() as connection:
        return Arrivals(*map(int, connection.execute(query).one()))
