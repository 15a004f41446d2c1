"""`Repeats`: tells a request that is sent again from another one under the same id.

The log keeps the first row of an id, so a second body under it would be answered and never logged.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from hashlib import blake2b

_SLOTS = 2**18
_ITEM = 8


class Repeats:
    """Remembers, for all processes of a server, what the latest ids were used for: 2 MB, some 260,000 ids. Make it before the fork.

    Each id has one place, of which a later one may take possession; 32 bits of an id and 32 of its content are kept, so a
    stranger is taken for a repeat, or a repeat for a stranger, once in four billion.
    """

    def __init__(self, slots: int = _SLOTS) -> None:
        self._slots = slots
        self._places = memoryview(mmap.mmap(-1, slots * _ITEM)).cast("Q")
        # Locks on it are the process's and go when it dies, whatever it dies of.
        self._gate = os.memfd_create("repeats")
        self._lock = threading.Lock()

    def of(self, owner: str) -> Repeats:
        """These, in which an id stands for another request than the same id of another owner: for the models of a pool."""
        return _Owned(self, owner)

    def take(self, identity: str, content: bytes) -> bool:
        """Whether `identity` is new or was used for the same `content`; from now on it stands for that."""
        hashed = int.from_bytes(blake2b(identity.encode(), digest_size=_ITEM).digest(), "big")
        slot, tag = hashed % self._slots, hashed >> 32
        # Never zero, which is what an empty place holds.
        wanted = tag << 32 | int.from_bytes(blake2b(content, digest_size=4).digest(), "big") | 1
        with self._lock:
            fcntl.lockf(self._gate, fcntl.LOCK_EX)
            try:
                found = self._places[slot]
                if found and found >> 32 == tag and found != wanted:
                    return False
                self._places[slot] = wanted
                return True
            finally:
                fcntl.lockf(self._gate, fcntl.LOCK_UN)


class _Owned(Repeats):
    def __init__(self, all_ids: Repeats, owner: str) -> None:
        self._all, self._owner = all_ids, owner

    def take(self, identity: str, content: bytes) -> bool:
        # No id holds a line's end.
        return self._all.take(f"{self._owner}\n{identity}", content)
