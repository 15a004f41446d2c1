"""The `Ledger`: decisions and alerts, once for each window, in the database of the prediction log.

It lies where every stack's log lies, so that the next run, on whatever machine, knows what was decided and who was told.
Artifacts would not do: they are one for each run, not for each window, and nothing in a store says "only if nobody did yet".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, Engine, Float, Integer, MetaData, String, Table, Text, select, update
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError, IntegrityError

from monitoring.decision import Decision
from predictionlog.database import as_utc, now

_metadata = MetaData()


def _text(length: int) -> String:
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def _time() -> DateTime:
    return DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


_decisions = Table(
    "monitoring_decisions",
    _metadata,
    Column("window", _text(64), primary_key=True),
    Column("model", _text(255), nullable=False, index=True),
    Column("version", _text(255), nullable=False),
    Column("since", _time(), nullable=False),
    Column("until", _time(), nullable=False),
    Column("action", _text(16), nullable=False),
    Column("drift", Float(53)),
    Column("decision", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("decided", _time(), nullable=False),
    mysql_charset="utf8mb4",
)
"""One row for each window of each version; a second look at the window takes the place of the first."""

_alerts = Table(
    "monitoring_alerts",
    _metadata,
    Column("key", _text(255), primary_key=True),
    Column("channel", _text(64), primary_key=True),
    Column("state", _text(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("detail", _text(500), nullable=False, default=""),
    Column("changed", _time(), nullable=False),
    mysql_charset="utf8mb4",
)
"""One row for each alert and channel, written before anything is sent: sending, then sent or failed."""


@dataclass(frozen=True)
class Past:
    """An earlier window of the same version, for the rule `repeated_drift`."""

    window: str
    """Its key."""
    drifted: bool
    """Whether its drift share was above the threshold."""


class Ledger:
    """Decisions and alerts kept in the database of `engine`; its tables are made where they are missing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        try:
            _metadata.create_all(engine)
        except DBAPIError:
            # Another process may have made a table between our look and our own attempt.
            _metadata.create_all(engine)

    def record(self, window: str, decision: Decision, drift: float | None) -> None:
        """Keep `decision` as the one about `window`.

        Parameters
        ----------
        window : str
            Its key (`monitoring.decide.window_key`).
        decision : Decision
        drift : float or None
            The share that the rule drift_share went by.
        """
        row = {
            "model": decision.model,
            "version": decision.version,
            "since": as_utc(decision.since),
            "until": as_utc(decision.until),
            "action": decision.action,
            "drift": drift,
            "decision": decision.model_dump_json(),
            "decided": now(),
        }
        change = update(_decisions).where(_decisions.c.window == window).values(**row)
        with self._engine.begin() as connection:
            if connection.execute(change).rowcount:
                return
        try:
            with self._engine.begin() as connection:
                connection.execute(_decisions.insert().values(window=window, **row))
        except IntegrityError:
            # Another run looked at the same window in the same moment, and was faster.
            with self._engine.begin() as connection:
                connection.execute(change)

    def decision(self, window: str) -> Decision | None:
        """What was decided about `window` last."""
        with self._engine.connect() as connection:
            found = connection.scalar(select(_decisions.c.decision).where(_decisions.c.window == window))
        return None if found is None else Decision.model_validate_json(found)

    def decisions(self, model: str) -> list[Decision]:
        """All of `model`, oldest window first."""
        query = select(_decisions.c.decision).where(_decisions.c.model == model).order_by(_decisions.c.until, _decisions.c.decided)
        with self._engine.connect() as connection:
            return [Decision.model_validate_json(text) for text in connection.scalars(query)]

    def past(self, model: str, version: str, until: datetime, limit: float, most: int) -> list[Past]:
        """Windows of `version` that ended no later than `until`, newest first; drifted is above `limit`."""
        columns = _decisions.c
        query = select(columns.window, columns.drift).where(
            columns.model == model, columns.version == version, columns.until <= as_utc(until), columns.drift.is_not(None)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(columns.until.desc(), columns.decided.desc()).limit(most)).all()
        return [Past(window, drift > limit) for window, drift in rows]

    def claim(self, key: str, channel: str) -> bool:
        """Say that the alert `key` is about to be sent by `channel`; False where that was said before, by whoever."""
        row = {"key": key, "channel": channel, "state": "sending", "attempts": 0, "detail": "", "changed": now()}
        try:
            with self._engine.begin() as connection:
                connection.execute(_alerts.insert().values(**row))
        except IntegrityError:
            return False
        return True

    def claim_again(self, key: str, channel: str) -> bool:
        """Take up an alert that failed; False where another run did already."""
        where = (_alerts.c.key == key, _alerts.c.channel == channel, _alerts.c.state == "failed")
        with self._engine.begin() as connection:
            return bool(connection.execute(update(_alerts).where(*where).values(state="sending", changed=now())).rowcount)

    def settle(self, key: str, channel: str, state: str, attempts: int, detail: str = "") -> None:
        """Say how the sending of a claimed alert ended."""
        where = (_alerts.c.key == key, _alerts.c.channel == channel)
        with self._engine.begin() as connection:
            values = {"state": state, "attempts": attempts, "detail": detail[:500], "changed": now()}
            connection.execute(update(_alerts).where(*where).values(**values))

    def sent(self, key: str) -> dict[str, tuple[str, int, str, datetime]]:
        """Channel -> state, attempts, detail and time of its last change, of the alert `key`."""
        columns = _alerts.c
        query = select(columns.channel, columns.state, columns.attempts, columns.detail, columns.changed).where(columns.key == key)
        with self._engine.connect() as connection:
            rows: Sequence = connection.execute(query).all()
        return {channel: (state, attempts, detail, changed.replace(tzinfo=UTC)) for channel, state, attempts, detail, changed in rows}
