"""Retention: what is older than allowed goes, with its labels."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, or_, select

from switchyard.predictionlog.blocks import known_in
from switchyard.predictionlog.counts import of_table
from switchyard.predictionlog.database import as_utc, blocks, labels, now, predictions
from switchyard.predictionlog.records import prediction_id

_CHUNK = 500


def prune(engine: Engine, model: str, days: float, until: datetime | None = None) -> int:
    """Delete predictions of `model` made more than `days` before `until` (now by default), and their labels; how many predictions.

    Models share a log. Labels that found no prediction name no model and go by the time they were received, whichever
    model prunes. Deletes in small transactions, so that neither serving nor monitoring waits for it.
    """
    cutoff = (now() if until is None else as_utc(until)) - timedelta(days=days)
    columns, deleted = predictions.c, 0
    oldest = select(columns.id, columns.prediction_id).where(columns.model == model, columns.time < cutoff).limit(_CHUNK)
    while True:
        with engine.begin() as connection:
            rows = connection.execute(oldest).all()
            if not rows:
                break
            connection.execute(delete(labels).where(labels.c.prediction_id.in_([row.prediction_id for row in rows])))
            connection.execute(delete(predictions).where(columns.id.in_([row.id for row in rows])))
            deleted += len(rows)
    deleted += _prune_blocks(engine, model, cutoff)
    _prune_labels(engine, cutoff)
    return deleted


def _prune_labels(engine: Engine, cutoff: datetime) -> None:
    """Delete the labels from before `cutoff` that are no prediction's."""
    columns, last = labels.c, 0
    orphaned = ~select(predictions.c.id).where(predictions.c.prediction_id == columns.prediction_id).exists()
    old = select(columns.id, columns.prediction_id).where(columns.received < cutoff, or_(columns.prediction_id.is_(None), orphaned))
    while True:
        with engine.begin() as connection:
            found = connection.execute(old.where(columns.id > last).order_by(columns.id).limit(_CHUNK)).all()
            if not found:
                return
            last = found[-1].id
            of_blocks = known_in(connection, {row.prediction_id for row in found} - {None})
            nobodys = [row.id for row in found if row.prediction_id not in of_blocks]
            connection.execute(delete(labels).where(columns.id.in_(nobodys)))


def _prune_blocks(engine: Engine, model: str, cutoff: datetime) -> int:
    """Delete the blocks of `model` from before `cutoff`, each with its labels in a transaction of its own; how many predictions."""
    columns, deleted = blocks.c, 0
    query = select(columns.id, columns.request_id, columns.first, columns.rows).limit(1)
    query = query.where(columns.model == model, columns.time < cutoff)
    while True:
        with engine.begin() as connection:
            block = connection.execute(query).one_or_none()
            if block is None:
                return deleted
            _delete_labels(connection, block.request_id, range(block.first, block.first + block.rows))
            connection.execute(delete(blocks).where(columns.id == block.id))
            deleted += block.rows


def _delete_labels(connection: Connection, request_id: str, numbers: range) -> None:
    if connection.scalar(select(labels.c.id).where(of_table(request_id)).limit(1)) is None:
        return
    for start in range(0, len(numbers), _CHUNK):
        ids = [prediction_id(request_id, number) for number in numbers[start : start + _CHUNK]]
        connection.execute(delete(labels).where(labels.c.prediction_id.in_(ids)))
