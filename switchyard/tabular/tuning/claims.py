"""Who does which trial: `Claims`, for workers that share one study in a database.

A claim is a row that only one worker can insert. Its owner counts up in it while at work; a count that stands still for
`GRACE_S` seconds by the watch of another worker, not by any clock of the owner's, means that the owner is gone, and its
trial is taken up.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

logger = logging.getLogger(__name__)
Made = TypeVar("Made")

BEAT_S = 3.0
GRACE_S = 20.0
_OPENING = -1
"""The number that is claimed to be alone with a search."""
_ATTEMPTS = 6
_WAIT_S = 0.5


class Claims:
    """The claims on the trials of one study.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of the database that holds the study.
    study : str
        Name of the study, at most 190 characters.
    grace : float, optional
        Seconds without a sign of life after which a claim is free again; `GRACE_S` when absent.
    """

    def __init__(self, url: str, study: str, grace: float | None = None) -> None:
        import sqlalchemy as sql

        self.owner = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._study, self._grace = study, GRACE_S if grace is None else grace
        self._engine = sql.create_engine(url, pool_pre_ping=True)
        self._table = sql.Table(
            "switchyard_claims",
            sql.MetaData(),
            sql.Column("study", sql.String(190), primary_key=True),
            sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
            sql.Column("owner", sql.String(80), nullable=False),
            sql.Column("beat", sql.Integer, nullable=False),
        )
        persistently(lambda: self._table.create(self._engine, checkfirst=True))
        self._seen: dict[int, tuple[str, int, float]] = {}
        self._held: set[int] = set()
        self._over = threading.Event()
        self._beating: threading.Thread | None = None

    def take(self, numbers: Iterable[int]) -> int | None:
        """The first of `numbers` that nobody is at; it belongs to this worker now. None when others have them all."""
        import sqlalchemy as sql
        from sqlalchemy.exc import IntegrityError, OperationalError

        with self._engine.connect() as connection:
            columns = (self._table.c.number, self._table.c.owner, self._table.c.beat)
            rows = connection.execute(sql.select(*columns).where(self._table.c.study == self._study))
            known = {number: (owner, beat) for number, owner, beat in rows}
        for number in numbers:
            try:
                if number not in known:
                    with self._engine.begin() as connection:
                        connection.execute(self._table.insert().values(study=self._study, number=number, owner=self.owner, beat=0))
                elif not self._takes_up(number, *known[number]):
                    continue
            except (IntegrityError, OperationalError):  # Another worker was a moment faster; a deadlock is lost to one.
                continue
            self._held.add(number)
            self._keep_beating()
            return number
        return None

    def owns(self, number: int) -> bool:
        """Whether `number` still belongs to this worker; not so where it was thought dead."""
        import sqlalchemy as sql

        with self._engine.connect() as connection:
            owner = connection.execute(sql.select(self._table.c.owner).where(self._this(number))).scalar()
        return owner == self.owner

    def release(self, number: int) -> None:
        """Stop beating for `number`, which is finished."""
        self._held.discard(number)

    def clear(self, study: str | None = None) -> None:
        """Forget all claims of a study that begins again."""
        with self._engine.begin() as connection:
            connection.execute(self._table.delete().where(self._table.c.study == (study or self._study)))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the whole search for this worker; waits while another has it."""
        while self.take([_OPENING]) is None:
            time.sleep(_WAIT_S)
        try:
            yield
        finally:
            self.release(_OPENING)
            with self._engine.begin() as connection:
                connection.execute(self._table.delete().where(self._this(_OPENING), self._table.c.owner == self.owner))

    def close(self) -> None:
        """End the beat and the connections."""
        self._over.set()
        if self._beating:
            self._beating.join()
        self._engine.dispose()

    def _this(self, number: int) -> Any:
        return (self._table.c.study == self._study) & (self._table.c.number == number)

    def _takes_up(self, number: int, owner: str, beat: int) -> bool:
        """Take `number` from an owner that gives no sign of life."""
        if owner == self.owner:
            return number not in self._held
        now = time.monotonic()
        if self._seen.get(number, ("", -1))[:2] != (owner, beat):
            self._seen[number] = (owner, beat, now)
        if now - self._seen[number][2] < self._grace:
            return False
        with self._engine.begin() as connection:
            mine = self._table.update().where(self._this(number), self._table.c.owner == owner, self._table.c.beat == beat)
            taken = connection.execute(mine.values(owner=self.owner, beat=beat + 1)).rowcount == 1
        if taken and number != _OPENING:
            logger.warning("%s: trial %d is taken up from a worker that is gone", self._study.rpartition("/")[2], number)
        return taken

    def _keep_beating(self) -> None:
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat, name="claims", daemon=True)
            self._beating.start()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            for number in tuple(self._held):
                try:
                    with self._engine.begin() as connection:
                        own = self._table.update().where(self._this(number), self._table.c.owner == self.owner)
                        connection.execute(own.values(beat=self._table.c.beat + 1))
                except Exception:  # A database that restarts; if it lasts, the claim is lost and `owns` says so.
                    logger.warning("no sign of life could be given for trial %d", number, exc_info=True)


def persistently(make: Callable[[], Made]) -> Made:
    """Call `make`, which creates tables where there are none; processes that do it at once trip over each other."""
    from sqlalchemy.exc import SQLAlchemyError

    for attempt in range(_ATTEMPTS):
        try:
            return make()
        except SQLAlchemyError:
            time.sleep(0.2 * 2**attempt * (0.5 + random.random()))
    return make()
