"""`TableLog`: predictions of a whole table, straight into the database; there is no client that waits for an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, select

from switchyard.predictionlog.blocks import Block, event_moments, insert_block, rows_logged
from switchyard.predictionlog.database import insert_new, predictions
from switchyard.predictionlog.labels import match_pending
from switchyard.predictionlog.records import BATCH, prediction_id, prediction_rows

BLOCKS_FROM = 20_000
"""Rows of a table from which they are kept in blocks."""
_CHUNK = 2_000


class TableLog:
    """Takes the predictions of one table, in the order of its rows; those that are there already stay as they are.

    Parameters
    ----------
    engine : Engine
    request_id : str
        Of the whole table: row n has the prediction id `<request_id>/<n>`, row 0 the request id alone.
    moment : float
        When they were scored, in epoch seconds.
    origin : mapping
        `model`, `version` and `digest`.
    rows : int
        Of the table: from `BLOCKS_FROM` on they are kept in blocks, unless its first is there by itself, of a release before.
    """

    def __init__(self, engine: Engine, request_id: str, moment: float, origin: Mapping[str, str], rows: int) -> None:
        self._engine, self._request, self._moment, self._origin = engine, request_id, moment, origin
        self._in_blocks = rows >= BLOCKS_FROM and not self._has_rows()

    def add(self, block: Block) -> None:
        """Add the rows that follow."""
        if not self._in_blocks:
            self.add_rows(**block.as_rows())
            return
        with self._engine.begin() as connection:
            there = rows_logged(connection, self._request) - block.first
            if there >= block.size:
                return
            fresh = block.slice(there, block.size - there) if there > 0 else block
            insert_block(connection, self._engine, fresh, self._request, self._moment, self._origin)
            if fresh.entity_ids is not None:
                each = zip(fresh.entity_ids, event_moments(fresh, self._moment), range(fresh.first, fresh.first + fresh.size))
                given = [
                    {"entity_id": entity, "event_time": event, "prediction_id": prediction_id(self._request, number)}
                    for entity, event, number in each
                ]
                match_pending(connection, given, of_block=True)

    def add_rows(self, **given: Any) -> None:
        """Add the rows that follow, each by itself; as `log_batch` takes them."""
        log_batch(self._engine, request_id=self._request, moment=self._moment, origin=self._origin, **given)

    def _has_rows(self) -> bool:
        query = select(predictions.c.id).where(predictions.c.prediction_id == self._request, predictions.c.role == BATCH)
        with self._engine.connect() as connection:
            return connection.scalar(query) is not None


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
