"""The `AlertLedger`: what was sent by which channel, in the database of the prediction log, so that every run knows it.

An entry is made before anything is sent. `claimed`: a run has taken it up, and nothing has left yet. `sending`: what leaves
now may arrive, whatever becomes of the run. Then `sent`, or `failed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Column, Engine, Integer, MetaData, Table, select, update
from sqlalchemy.exc import IntegrityError

from switchyard.predictionlog.columns import text_type, time_type
from switchyard.predictionlog.database import make_tables, now
from switchyard.processes import me

State = Literal["claimed", "sending", "sent", "failed"]

_DETAIL = 500
_metadata = MetaData()
_alerts = Table(
    "monitoring_alerts",
    _metadata,
    Column("key", text_type(255), primary_key=True),
    Column("channel", text_type(64), primary_key=True),
    Column("state", text_type(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    # The process at work while there is one, then why the sending failed.
    Column("detail", text_type(_DETAIL), nullable=False, default=""),
    Column("changed", time_type(), nullable=False),
    mysql_charset="utf8mb4",
)
"""One row for each alert and channel."""


@dataclass(frozen=True)
class Entry:
    """How far the sending of one alert by one channel is."""

    state: State
    attempts: int
    detail: str
    changed: datetime


class AlertLedger:
    """Sendings kept in the database of `engine`; the table is made where it is missing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        make_tables(engine, _metadata)

    def claim(self, key: str, channel: str) -> bool:
        """Take up the alert `key` for `channel`; False where that was done before, by whoever."""
        row = {"key": key, "channel": channel, "state": "claimed", "attempts": 0, "detail": me(), "changed": now()}
        try:
            with self._engine.begin() as connection:
                connection.execute(_alerts.insert().values(**row))
        except IntegrityError:
            return False
        return True

    def claim_again(self, key: str, channel: str, found: Entry) -> bool:
        """Take up what another run left as `found`; False where it is not so any more."""
        columns = _alerts.c
        where = (columns.key == key, columns.channel == channel, columns.state == found.state, columns.detail == found.detail)
        with self._engine.begin() as connection:
            change = update(_alerts).where(*where).values(state="claimed", detail=me(), changed=now())
            return bool(connection.execute(change).rowcount)

    def note(self, key: str, channel: str, state: State, attempts: int, detail: str | None = None) -> None:
        """Say how far a claimed alert is; without `detail`, that this process is at work on it."""
        where = (_alerts.c.key == key, _alerts.c.channel == channel)
        with self._engine.begin() as connection:
            values = {"state": state, "attempts": attempts, "detail": (me() if detail is None else detail)[:_DETAIL], "changed": now()}
            connection.execute(update(_alerts).where(*where).values(**values))

    def entries(self, key: str) -> dict[str, Entry]:
        """Channel -> how far it is, of the alert `key`."""
        columns = _alerts.c
        query = select(columns.channel, columns.state, columns.attempts, columns.detail, columns.changed).where(columns.key == key)
        with self._engine.connect() as connection:
            rows: Sequence = connection.execute(query).all()
        return {channel: Entry(state, attempts, detail, changed.replace(tzinfo=UTC)) for channel, state, attempts, detail, changed in rows}
