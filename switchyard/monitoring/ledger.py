"""The `Ledger`: decisions, one for each window, in the database of the prediction log.

It lies where every stack's log lies, so that the next run, on whatever machine, knows what was decided.
Artifacts would not do: they are one for each run, not for each window, and nothing in a store says "only if nobody did yet".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Engine, Float, MetaData, Table, delete, select, update
from sqlalchemy.exc import IntegrityError

from switchyard.monitoring.decision import Action, Decision
from switchyard.monitoring.experiment.counts import Counts
from switchyard.predictionlog.columns import long_text_type, text_type, time_type
from switchyard.predictionlog.database import as_utc, make_tables, now

TABLES = "tables-"
"""What the keys of windows of scored tables begin with: they are another population than requests, and each looks back at its own."""

_metadata = MetaData()

_decisions = Table(
    "monitoring_decisions",
    _metadata,
    Column("window", text_type(64), primary_key=True),
    Column("model", text_type(255), nullable=False, index=True),
    Column("version", text_type(255), nullable=False),
    Column("since", time_type(), nullable=False),
    Column("until", time_type(), nullable=False),
    Column("action", text_type(16), nullable=False),
    Column("drift", Float(53)),
    Column("decision", long_text_type(), nullable=False),
    Column("decided", time_type(), nullable=False),
    mysql_charset="utf8mb4",
)
"""One row for each window of each version; a second look at the window takes the place of the first."""


@dataclass(frozen=True)
class Past:
    """An earlier window of the same version, for the rule `repeated_drift`."""

    window: str
    """Key of the window."""
    drifted: bool
    """Whether its drift share was above the threshold."""


class Ledger:
    """Decisions kept in the database of `engine`; the table is made where it is missing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        make_tables(engine, _metadata)

    def record(self, window: str, decision: Decision, drift: float | None) -> None:
        """Keep `decision` as the one about `window`.

        Parameters
        ----------
        window : str
            Its key (`switchyard.monitoring.decide.window_key`).
        decision : Decision
        drift : float or None
            The share that the rule drift_share went by; None keeps this window out of those that later ones look back at.
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

    def last(self, model: str, actions: tuple[Action, ...] = ()) -> Decision | None:
        """The decision about the newest window of `model`, or about the newest that led to one of `actions`."""
        columns = _decisions.c
        query = select(columns.decision).where(columns.model == model).order_by(columns.until.desc(), columns.decided.desc()).limit(1)
        with self._engine.connect() as connection:
            found = connection.scalar(query.where(columns.action.in_(actions)) if actions else query)
        return None if found is None else Decision.model_validate_json(found)

    def counted(self, model: str, version: str, window: str) -> Counts:
        """What the front door had counted of `version` at the last look at another window of requests; nothing where there was none."""
        columns = _decisions.c
        query = select(columns.decision).where(columns.model == model, columns.version == version, columns.window != window, _of(False))
        with self._engine.connect() as connection:
            found = connection.scalar(query.order_by(columns.decided.desc()).limit(1))
        return (found and Decision.model_validate_json(found).counted) or Counts()

    def past(self, model: str, version: str, until: datetime, limit: float, most: int, tables: bool = False) -> list[Past]:
        """Windows of `version` that ended no later than `until`, newest first, of requests or of tables; drifted is above `limit`."""
        columns = _decisions.c
        query = select(columns.window, columns.drift).where(
            columns.model == model, columns.version == version, columns.until <= as_utc(until), columns.drift.is_not(None), _of(tables)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(columns.until.desc(), columns.decided.desc()).limit(most)).all()
        return [Past(window, drift > limit) for window, drift in rows]

    def suspected(self, model: str, version: str, since: datetime, tables: bool = False) -> frozenset[str]:
        """`Decision.suspected` of the newest window of `version`, of requests or of scored tables, that ended no later than `since`."""
        columns = _decisions.c
        query = select(columns.decision).where(
            columns.model == model, columns.version == version, columns.until <= as_utc(since), columns.drift.is_not(None), _of(tables)
        )
        with self._engine.connect() as connection:
            found = connection.scalar(query.order_by(columns.until.desc(), columns.decided.desc()).limit(1))
        return frozenset() if found is None else frozenset(Decision.model_validate_json(found).suspected)

    def earlier(self, decision: Decision, most: int = 500) -> list[Decision]:
        """Decisions about windows of the same version and kind that ended before that of `decision`, newest first.

        None for a single look at a table, which is no window of production.
        """
        columns = _decisions.c
        with self._engine.connect() as connection:
            if connection.scalar(select(columns.drift).where(columns.window == decision.window)) is None:
                return []
            query = select(columns.decision).where(
                columns.model == decision.model,
                columns.version == decision.version,
                columns.until < as_utc(decision.until),
                columns.drift.is_not(None),
                _of(decision.window.startswith(TABLES)),
            )
            found = connection.scalars(query.order_by(columns.until.desc(), columns.decided.desc()).limit(most)).all()
        return [Decision.model_validate_json(text) for text in found]

    def forget(self, model: str) -> None:
        """Take all windows of `model` out."""
        with self._engine.begin() as connection:
            connection.execute(delete(_decisions).where(_decisions.c.model == model))


def _of(tables: bool) -> ColumnElement[bool]:
    begins = _decisions.c.window.startswith(TABLES, autoescape=True)
    return begins if tables else ~begins
