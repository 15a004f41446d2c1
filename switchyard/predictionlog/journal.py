"""The `Journal`: an append-only file beside the server, one for each process that writes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import threading
import time
from pathlib import Path

from switchyard.predictionlog.frames import frame

SUFFIX = ".journal"
ROTATE_BYTES = 64 * 1024 * 1024
_ROOM = 1024 * 1024
_PARTS = 16


class Journal:
    """Appends records to files of its own in `folder`, each by one write.

    A record survives the death of the process from the moment `append` returns (not that of the machine: nothing is
    synced to disk). The process holds a lock on its file as long as it lives, by which a `Drain` tells that a file is
    finished. After a fork the child begins a file of its own.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing. May be shared by any number of processes of one machine.
    rotate_bytes : int
        A file that has reached this size is finished and another begun.
    most_bytes : int, optional
        Of all files in `folder`: beyond it no file is begun, as on a full disk, until a drain has taken some away. Files are
        a sixteenth of it at most, by which each process may exceed it. 0: as much as the disk takes.
    """

    def __init__(self, folder: str | Path, rotate_bytes: int = ROTATE_BYTES, most_bytes: int = 0) -> None:
        self._folder, self._most = Path(folder), most_bytes
        self._rotate_bytes = min(rotate_bytes, most_bytes // _PARTS) if most_bytes else rotate_bytes
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._descriptor, self._owner, self._size = -1, 0, 0

    def append(self, payload: bytes) -> None:
        """Append one record.

        Raises
        ------
        OSError
            The record could not be written whole (a full disk, `most_bytes`); nothing of it is left in the file.
        """
        data = frame(payload)
        with self._lock:
            if self._owner != os.getpid() or self._size >= self._rotate_bytes:
                self._begin()
            written = os.write(self._descriptor, data)
            if written != len(data):
                os.ftruncate(self._descriptor, self._size)
                raise OSError(f"only {written} of {len(data)} bytes could be written to the journal in {self._folder}")
            self._size += written

    def close(self) -> None:
        """Finish the file. A later `append` begins another."""
        with self._lock:
            self._end()

    def is_writable(self) -> bool:
        """Whether the folder takes files and has room for a few records more."""
        try:
            room = os.statvfs(self._folder)
        except OSError:
            return False
        has_room = room.f_bavail * room.f_frsize > _ROOM and not self._is_full()
        return self._folder.is_dir() and os.access(self._folder, os.W_OK | os.X_OK) and has_room

    def _is_full(self) -> bool:
        return bool(self._most) and waiting_bytes(self._folder) >= self._most

    def _begin(self) -> None:
        if self._is_full():
            raise OSError(errno.ENOSPC, f"the journal in {self._folder} has all of its {self._most} bytes; its database is away for long")
        self._end()
        path = self._folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        # Under its own name only once locked: before that a drain could take it for a dead process's and remove it.
        hidden = path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(hidden, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(hidden, path)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor, self._owner, self._size = descriptor, os.getpid(), 0

    def _end(self) -> None:
        if self._descriptor >= 0:
            # In a forked child this closes the copy alone; the parent keeps file and lock.
            os.close(self._descriptor)
        self._descriptor, self._owner, self._size = -1, 0, 0


def journals(folder: str | Path) -> list[Path]:
    """The journal files in `folder`, oldest first."""
    return sorted(Path(folder).glob(f"*{SUFFIX}"))


def waiting_bytes(folder: str | Path) -> int:
    """Size of the journal files in `folder`; one that a drain takes away meanwhile counts for nothing."""
    total = 0
    for path in journals(folder):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def is_finished(path: Path) -> bool:
    """Whether no living process writes to `path` any more."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
