"""`Turns`: one at a time over all threads and processes of a server, and nobody waits."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from switchyard.serving.errors import Refusal


class Turns:
    """What is done one at a time, so that the other workers stay free. Make it before the fork."""

    def __init__(self) -> None:
        # Locks on it are a process's and go when it dies, whatever it dies of.
        self._gate = os.memfd_create("turns")
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[None]:
        """A turn; where somebody has it, a `Refusal` at once: who waits would hold a thread that predictions need."""
        if not self._lock.acquire(blocking=False):
            raise _busy()
        try:
            try:
                fcntl.lockf(self._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise _busy() from None
            try:
                yield
            finally:
                fcntl.lockf(self._gate, fcntl.LOCK_UN)
        finally:
            self._lock.release()


def _busy() -> Refusal:
    return Refusal("another answer is being explained, and predictions go first; try again in a moment", status=429, reason="BUSY")
