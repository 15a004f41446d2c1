"""The `Drain`: carries the journals of one folder into the database, each record once."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from switchyard.predictionlog.database import insert_new, labels, now, positions, predictions
from switchyard.predictionlog.frames import HEADER, LARGEST, scan
from switchyard.predictionlog.journal import is_finished, journals
from switchyard.predictionlog.labels import match_pending
from switchyard.predictionlog.records import Rows, rows_of
from switchyard.predictionlog.schema import create_tables

logger = logging.getLogger(__name__)

_READ = 1024 * 1024
_SLOWEST = 5.0
_PRUNE_EVERY = 3600.0
_IDS = 1000
"""Asked for in one statement."""


@dataclass
class DrainProgress:
    """What drains have done since the `Drain` was made, and what waits."""

    records: int = 0
    """Journal entries carried over."""
    rejected: int = 0
    """Entries, or rows of them, that the database will never take; the server's own log says which."""
    torn_bytes: int = 0
    """Passed over: what a killed process had begun to write."""
    waiting_bytes: int = 0
    """In the journals and not yet in the database."""
    failures: int = 0
    """Attempts that the database refused or did not answer."""
    connected: bool = True
    """Whether the last attempt reached the database."""


class Drain:
    """Carries the journals in `folder` into the database of `engine`.

    How far each file is lies in the database, in the transaction that writes the rows: whatever process dies when,
    a record is there once. Files of processes that have died are finished and removed. One drain works on a folder at
    a time; others wait for its lock.

    Parameters
    ----------
    engine : Engine
    folder : str or Path
        As of the `Journal`.
    batch : int
        Records in one transaction.
    """

    def __init__(self, engine: Engine, folder: str | Path, batch: int = 500) -> None:
        self._engine, self._folder, self._batch = engine, Path(folder), batch
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock, self._prepared = -1, False
        self._done: dict[str, int] = {}
        self.progress = DrainProgress()

    def run(
        self,
        stop: threading.Event,
        interval: float = 0.5,
        prune: Callable[[Engine], object] | None = None,
        report: Callable[[DrainProgress], None] = lambda _progress: None,
    ) -> None:
        """Drain every `interval` seconds until `stop` is set, and then once more.

        While the database is away the journals grow; it is asked again ever more slowly, every 5 s at last. `prune` is
        called once an hour.
        """
        pause, next_prune = interval, 0.0
        while True:
            stopping = stop.is_set()
            try:
                self.run_once()
                pause = interval
                if prune is not None and time.monotonic() >= next_prune and not stopping:
                    prune(self._engine)
                    next_prune = time.monotonic() + _PRUNE_EVERY
            except (SQLAlchemyError, OSError) as error:
                self.progress.failures += 1
                self.progress.connected = self._prepared = False
                # A connection that is kept would go on speaking to a file that somebody has replaced.
                self._engine.dispose()
                pause = min(_SLOWEST, pause * 2)
                logger.warning("prediction log: not drained, next attempt in %.1f s: %s", pause, str(error).splitlines()[0])
            self.progress.waiting_bytes = self._waiting()
            report(self.progress)
            if stopping:
                return
            stop.wait(pause)

    def run_once(self) -> DrainProgress:
        """Drain what is in the journals now.

        Raises
        ------
        sqlalchemy.exc.SQLAlchemyError
            The database is away. Nothing is lost: the next run begins where the last transaction ended.
        """
        if not self._take_lock():
            return self.progress
        if not self._prepared:
            create_tables(self._engine)
            self._prepared = True
        for path in journals(self._folder):
            self._drain_file(path)
        self.progress.connected = True
        self.progress.waiting_bytes = self._waiting()
        return self.progress

    def close(self) -> None:
        """Let another drain have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take_lock(self) -> bool:
        if self._lock >= 0:
            return True
        descriptor = os.open(self._folder / "drain.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def _drain_file(self, path: Path) -> None:
        # Asked before reading: what is finished by then can't grow behind what is read.
        finished = is_finished(path)
        position, size = self._position(path.name), _READ
        if not finished and path.stat().st_size == position:
            return
        with path.open("rb") as file:
            while True:
                file.seek(position)
                data = file.read(size)
                at_end = len(data) < size
                found = scan(data, final=finished and at_end)
                for first in range(0, len(found.payloads), self._batch):
                    last = min(first + self._batch, len(found.payloads))
                    self._write(path.name, found.payloads[first:last], position + found.ends[last - 1])
                self.progress.torn_bytes += found.torn
                if found.torn:
                    logger.warning("prediction log: %d bytes of %s belong to no whole record and were passed over", found.torn, path.name)
                position += found.consumed
                if at_end:
                    break
                if not found.consumed:
                    size = min(2 * size, HEADER.size + LARGEST + 1)
        if finished:
            # The file may only go when all of it is in the database; a second reading would write nothing anew.
            with self._engine.begin() as connection:
                connection.execute(delete(positions).where(positions.c.journal == path.name))
            path.unlink(missing_ok=True)
            self._done.pop(path.name, None)

    def _position(self, journal: str) -> int:
        if journal not in self._done:
            with self._engine.connect() as connection:
                self._done[journal] = connection.scalar(select(positions.c.position).where(positions.c.journal == journal)) or 0
        return self._done[journal]

    def _write(self, journal: str, payloads: list[bytes], position: int) -> None:
        parsed = [rows for rows in map(self._parse, payloads) if rows is not None]
        try:
            with self._engine.begin() as connection:
                self._insert(connection, [row for rows, _ in parsed for row in rows], [row for _, rows in parsed for row in rows])
                self._advance(connection, journal, position)
        except (DataError, IntegrityError):
            self._write_singly(journal, parsed, position)
        self._done[journal] = position
        self.progress.records += len(parsed)

    def _write_singly(self, journal: str, parsed: list[tuple[Rows, Rows]], position: int) -> None:
        """Find the record that the database won't take, and go on without it rather than stand still for ever."""
        with self._engine.begin() as connection:
            for prediction_rows, label_rows in parsed:
                try:
                    with connection.begin_nested():
                        self._insert(connection, prediction_rows, label_rows)
                except (DataError, IntegrityError) as error:
                    self.progress.rejected += 1
                    about = [row["prediction_id"] for row in (*prediction_rows, *label_rows)]
                    logger.error("prediction log: the database refuses the record of %s: %s", about, str(error.orig))
            self._advance(connection, journal, position)

    def _parse(self, payload: bytes) -> tuple[Rows, Rows] | None:
        try:
            return rows_of(payload)
        except ValueError as error:
            self.progress.rejected += 1
            logger.error("prediction log: a record can't be read: %s", error)
            return None

    def _insert(self, connection: Connection, prediction_rows: Rows, label_rows: Rows) -> None:
        if prediction_rows:
            connection.execute(insert_new(self._engine, predictions, ("prediction_id", "role")), prediction_rows)
            match_pending(connection, prediction_rows)
        if label_rows:
            connection.execute(insert_new(self._engine, labels, ("label_id",)), label_rows)
        self._tell_lost(connection, prediction_rows)

    def _tell_lost(self, connection: Connection, rows: Rows) -> None:
        """An id is one prediction of the whole log: of what a second model answered under it there is no row, which must be said."""
        columns = predictions.c
        query, owners = select(columns.prediction_id, columns.role, columns.model), {}
        ids = sorted({row["prediction_id"] for row in rows})
        for start in range(0, len(ids), _IDS):
            for name, role, model in connection.execute(query.where(columns.prediction_id.in_(ids[start : start + _IDS]))):
                owners[name, role] = model
        for row in rows:
            name, model = row["prediction_id"], row["model"]
            if (owner := owners.get((name, row["role"]), model)) != model:
                self.progress.rejected += 1
                logger.error("prediction log: an answer of %s has no row: its id %s is one of %s's", model, name, owner)

    def _advance(self, connection: Connection, journal: str, position: int) -> None:
        values = {"position": position, "updated": now()}
        if not connection.execute(update(positions).where(positions.c.journal == journal).values(values)).rowcount:
            connection.execute(positions.insert().values(journal=journal, **values))

    def _waiting(self) -> int:
        waiting = 0
        for path in journals(self._folder):
            try:
                waiting += max(0, path.stat().st_size - self._done.get(path.name, 0))
            except FileNotFoundError:
                continue
        return waiting


def settle(engine: Engine, folder: str | Path, timeout_s: float, poll_s: float = 0.1) -> int:
    """Wait until what the journals in `folder` hold now is in the database; drains them where nobody else does.

    Returns
    -------
    int
        Bytes that are not there after `timeout_s`: 0 but for a drain that is stuck.
    """
    deadline = time.monotonic() + timeout_s
    held = {}
    for path in journals(folder):
        with contextlib.suppress(FileNotFoundError):
            held[path] = path.stat().st_size
    drain = Drain(engine, folder)
    try:
        while True:
            drain.run_once()
            held = {path: size for path, size in held.items() if _is_waiting(engine, path, size)}
            if not held or time.monotonic() > deadline:
                return sum(held.values())
            time.sleep(poll_s)
    finally:
        drain.close()


def _is_waiting(engine: Engine, path: Path, size: int) -> bool:
    # A file that is gone is in the database whole; only then is it removed.
    with engine.connect() as connection:
        done = connection.scalar(select(positions.c.position).where(positions.c.journal == path.name)) or 0
    return size > done and path.is_file()
