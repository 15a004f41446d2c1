"""`log_batch`: predictions of a whole table, straight into the database; there is no client that waits for an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from switchyard.predictionlog.database import insert_new, predictions
from switchyard.predictionlog.labels import match_pending
from switchyard.predictionlog.records import BATCH, prediction_rows

_CHUNK = 2_000


def log_batch(
    engine: Engine,
    *,
    request_id: str,
    first: int,
    moment: float,
    origin: Mapping[str, str],
    inputs: Mapping[str, Sequence[Any]],
    answers: Mapping[str, Sequence[Any] | None],
    entity_ids: Sequence[str | None] | None = None,
    event_times: Sequence[float | None] | None = None,
) -> int:
    """Add consecutive rows of one table; those that are there already stay as they are. Returns how many were given.

    Parameters
    ----------
    request_id : str
        Of the whole table: row n has the prediction id `<request_id>/<n>`, row 0 the request id alone.
    first : int
        Number of the first row given.
    moment : float
        When they were scored, in epoch seconds.
    origin : mapping
        `model`, `version` and `digest`.
    inputs, answers, entity_ids, event_times
        As of `prediction_record`; without NaN, which is no JSON.
    """
    record = {
        "request": request_id,
        "origin": {**origin, "role": BATCH},
        "time": moment,
        "entities": entity_ids,
        "events": event_times,
        "inputs": inputs,
        "answers": answers,
    }
    rows = prediction_rows(record, first)
    statement = insert_new(engine, predictions, ("prediction_id", "role"))
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        with engine.begin() as connection:
            connection.execute(statement, part)
            match_pending(connection, part)
    return len(rows)
