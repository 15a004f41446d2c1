"""Retention: what is older than allowed goes, with its labels."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, or_, select

from switchyard.predictionlog.database import as_utc, labels, now, predictions

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
    with engine.begin() as connection:
        orphaned = ~select(columns.id).where(columns.prediction_id == labels.c.prediction_id).exists()
        connection.execute(delete(labels).where(labels.c.received < cutoff, or_(labels.c.prediction_id.is_(None), orphaned)))
    return deleted
