"""The `Ledger`: which decisions led to a retraining, how far each is, and why the others did not.

A retraining is claimed here before anything is done, and every stage is noted once it is reached. Whatever dies when,
the next run finds the claim and goes on from its stage; there is never a second one beside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from switchyard.monitoring.decision import Decision
from switchyard.monitoring.retraining.claim import ENDED, Claim, RetrainingRefused, Stage, cause_of
from switchyard.predictionlog.columns import long_text_type, text_type, time_type
from switchyard.predictionlog.database import as_utc, make_tables, now
from switchyard.processes import at_work, me, shown

LEASE = timedelta(minutes=10)
"""How long a process that says nothing is believed to be at work, where it runs on another machine."""

_BEAT_S = 60.0

_metadata = MetaData()
_retrainings = Table(
    "retrainings",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", text_type(160), nullable=False, index=True),
    # The model's own name while the retraining is under way, else null: unique, so that there is one at a time.
    Column("open", text_type(160), unique=True),
    Column("decision", text_type(255), nullable=False),
    Column("cause", text_type(512), nullable=False),
    Column("cause_and_data", text_type(80), nullable=False, index=True),
    Column("champion", text_type(80), nullable=False),
    Column("since", time_type(), nullable=False),
    Column("data", text_type(80), nullable=False),
    Column("config", long_text_type(), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("stage", text_type(16), nullable=False),
    Column("reason", long_text_type(), nullable=False),
    Column("version", text_type(64)),
    Column("digest", text_type(80)),
    Column("owner", text_type(200)),
    Column("claimed", time_type(), nullable=False),
    Column("updated", time_type(), nullable=False),
    mysql_charset="utf8mb4",
)
"""One row for each decision that asked for a retraining."""


class Ledger:
    """The retrainings of one model in one environment.

    Parameters
    ----------
    engine : Engine
        Of the database that holds the prediction log: every stack has one.
    model : str
        With its environment, as ZenML names it.
    """

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine, self._model = engine, model
        make_tables(engine, _metadata)

    def open(self) -> Claim | None:
        """The retraining that is under way."""
        return self._one(_retrainings.c.open == self._model)

    def history(self) -> list[Claim]:
        """All of them, and all refusals, the newest first."""
        query = select(_retrainings).where(_retrainings.c.model == self._model).order_by(_retrainings.c.id.desc())
        with self._engine.connect() as connection:
            return [_claim(row) for row in connection.execute(query)]

    def acted_on(self, decision: str) -> Claim | None:
        """The retraining that the decision with this key led to."""
        return self._one(_retrainings.c.decision == decision, _retrainings.c.stage != "refused")

    def wanted_since(self, decision: Decision) -> datetime:
        """Beginning of the first window in which a retraining of the version in production was asked for, UTC."""
        columns = _retrainings.c
        mine = (columns.model == self._model, columns.champion == decision.digest, columns.stage == "refused")
        query = select(func.min(columns.since)).where(*mine)
        with self._engine.connect() as connection:
            first = connection.scalar(query)
        since = as_utc(decision.since)
        return min(first, since) if first else since

    def check_data(self, decision: Decision, data: str) -> None:
        """Whether the rows of revision `data` were not trained on for the same cause before.

        Raises
        ------
        RetrainingRefused
            They were.
        """
        cause = cause_of(decision)
        if before := self._one(_retrainings.c.cause_and_data == _hash(self._model, cause, data), _retrainings.c.stage != "refused"):
            raise RetrainingRefused(f"the same cause ({cause}) led to a retraining on the same data before, {before.told}")

    def claim(self, decision: Decision, data: str, config: str, rows: int) -> Claim:
        """Record that a retraining begins, before it does.

        Raises
        ------
        RetrainingRefused
            The same cause led to a retraining on the same data before, or another process has just claimed one.
        """
        self.check_data(decision, data)
        moment, both = now(), _hash(self._model, cause_of(decision), data)
        values = {
            **self._values(decision, moment), "open": self._model, "cause_and_data": both, "data": data, "config": config, "rows": rows,
            "stage": "claimed", "reason": decision.reason, "owner": me(),
        }  # fmt: skip
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_retrainings).values(**values))
        except IntegrityError:
            raise RetrainingRefused("another process has just begun a retraining of this model") from None
        claimed = self.open()
        if claimed is None:
            raise RetrainingRefused("another process has just ended a retraining of this model")
        return claimed

    def refuse(self, decision: Decision, reason: str) -> None:
        """Record that a decision led to nothing, and why; the latest reason stands."""
        moment, columns = now(), _retrainings.c
        with self._engine.begin() as connection:
            same = (columns.model == self._model, columns.decision == decision.key, columns.stage == "refused")
            done = connection.execute(update(_retrainings).where(*same).values(reason=reason, updated=moment))
            if not done.rowcount:
                values = {"cause_and_data": "", "data": "", "config": "", "rows": 0, "stage": "refused", "reason": reason}
                connection.execute(insert(_retrainings).values(**self._values(decision, moment), **values))

    @contextlib.contextmanager
    def holding(self, claim: Claim) -> Iterator[None]:
        """Be the process that goes on with `claim`, and say so every minute, until the end of the block.

        Raises
        ------
        RetrainingRefused
            Another process is at it.
        """
        self._take(claim)
        over = threading.Event()
        beat = threading.Thread(target=self._beat, args=(claim, over), daemon=True)
        beat.start()
        try:
            yield
        finally:
            over.set()
            beat.join()
            with self._engine.begin() as connection:
                connection.execute(update(_retrainings).where(*_held(claim)).values(owner=None))

    def _take(self, claim: Claim) -> None:
        columns = _retrainings.c
        with self._engine.begin() as connection:
            owner, updated = connection.execute(select(columns.owner, columns.updated).where(columns.id == claim.id)).one()
            if owner and owner != me() and at_work(owner, now() - updated, LEASE):
                raise RetrainingRefused(f"the retraining is under way in another process ({shown(owner)})")
            before = columns.owner == owner if owner else columns.owner.is_(None)
            mine = update(_retrainings).where(columns.id == claim.id, before).values(owner=me(), updated=now())
            if not connection.execute(mine).rowcount:
                raise RetrainingRefused("another process has just gone on with this retraining")

    def _beat(self, claim: Claim, over: threading.Event) -> None:
        while not over.wait(_BEAT_S):
            with contextlib.suppress(SQLAlchemyError), self._engine.begin() as connection:
                connection.execute(update(_retrainings).where(*_held(claim)).values(updated=now()))

    def advance(self, claim: Claim, stage: Stage, **found: Any) -> Claim:
        """Record that `claim` has reached `stage`, with the `version`, `digest` or `reason` that came of it.

        A stage that is one of `ENDED` ends it.
        """
        values = {**found, "stage": stage, "updated": now(), **({"open": None, "owner": None} if stage in ENDED else {})}
        with self._engine.begin() as connection:
            connection.execute(update(_retrainings).where(_retrainings.c.id == claim.id).values(**values))
            return _claim(connection.execute(select(_retrainings).where(_retrainings.c.id == claim.id)).one())

    def forget(self) -> None:
        """Take all entries of the model out."""
        with self._engine.begin() as connection:
            connection.execute(delete(_retrainings).where(_retrainings.c.model == self._model))

    def _values(self, decision: Decision, moment: datetime) -> dict[str, Any]:
        return {
            "model": self._model, "decision": decision.key, "cause": cause_of(decision), "champion": decision.digest,
            "since": as_utc(decision.since), "claimed": moment, "updated": moment,
        }  # fmt: skip

    def _one(self, *conditions: Any) -> Claim | None:
        query = select(_retrainings).where(_retrainings.c.model == self._model, *conditions).order_by(_retrainings.c.id.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _claim(row) if row else None


def _claim(row: Any) -> Claim:
    return Claim(**{name: getattr(row, name) for name in Claim.__dataclass_fields__})


def _hash(*parts: str) -> str:
    return f"sha256:{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()}"


def _held(claim: Claim) -> tuple[Any, ...]:
    return _retrainings.c.id == claim.id, _retrainings.c.owner == me()
