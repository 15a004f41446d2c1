"""Exact counts of a window, made by the database: predictions by version, and what labels came for them and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, and_, case, func, select

from switchyard.predictionlog.database import as_utc, labels, predictions
from switchyard.predictionlog.records import VERIFICATION

_TICK = timedelta(microseconds=1)
"""The smallest step of time in the tables."""


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
    since: datetime, until: datetime, model: str | None, role: str | tuple[str, ...] | None, digest: str | None = None
) -> list[Any]:
    """What makes a prediction one of the window: SQL conditions on the table `predictions`."""
    columns = predictions.c
    return [columns.time >= as_utc(since), columns.time < as_utc(until), *_asked(model, role, digest)]


def _asked(model: str | None, role: str | tuple[str, ...] | None, digest: str | None) -> list[Any]:
    """Predictions that somebody asked for: those by which a deployment proves a version are nobody's."""
    columns = predictions.c
    conditions = [columns.request_id.not_like(f"{VERIFICATION}%")]
    if role is not None:
        conditions.append(columns.role.in_((role,) if isinstance(role, str) else role))
    wanted = ((columns.model, model), (columns.digest, digest))
    return [*conditions, *(column == value for column, value in wanted if value is not None)]


def newest_prediction(engine: Engine, model: str, digest: str | None = None, role: str = "live") -> datetime | None:
    """When the last prediction was made, UTC without a zone; None where there is none."""
    columns = predictions.c
    query = select(columns.time).where(*_asked(model, role, digest))
    with engine.connect() as connection:
        return connection.scalar(query.order_by(columns.time.desc(), columns.id.desc()).limit(1))


def span_of_last(engine: Engine, rows: int, model: str, digest: str | None = None, role: str = "live") -> tuple[datetime, datetime] | None:
    """The shortest window that ends with the newest prediction and holds the last `rows` of them.

    Predictions of one request share their moment, so the window may hold a few more. None where there is no prediction.
    """
    columns = predictions.c
    query = select(columns.time).where(*_asked(model, role, digest))
    last = query.order_by(columns.time.desc(), columns.id.desc()).limit(rows).subquery()
    with engine.connect() as connection:
        first, newest = connection.execute(select(func.min(last.c.time), func.max(last.c.time))).one()
    return None if newest is None else (first, newest + _TICK)


def count_versions(engine: Engine, since: datetime, until: datetime, model: str, role: str = "live") -> dict[tuple[str, str], int]:
    """(version, digest) -> predictions of the window."""
    columns = predictions.c
    query = select(columns.version, columns.digest, func.count()).where(*window_conditions(since, until, model, role))
    with engine.connect() as connection:
        return {(version, digest): rows for version, digest, rows in connection.execute(query.group_by(columns.version, columns.digest))}


def count_labels(engine: Engine, since: datetime, until: datetime, model: str, digest: str | None = None, role: str = "live") -> Arrivals:
    """What labels came for the predictions of the window, in the order in which they were received."""
    of_window = and_(labels.c.prediction_id == predictions.c.prediction_id, *window_conditions(since, until, model, role, digest))
    before = func.lag(labels.c.value).over(partition_by=labels.c.prediction_id, order_by=(labels.c.received, labels.c.id))
    each = select(labels.c.value, labels.c.received, before.label("before")).select_from(predictions.join(labels, of_window)).subquery()

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
