"""`SharedCounters`: numbers that all processes of a server add to and any of them can sum.

Seldon's own metrics go through a manager process, six exchanges a request; these are additions in shared memory.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading

_ITEM = 8


class SharedCounters:
    """`size` float64 numbers, starting at 0. Make it before the fork, or of a file that all have.

    Every process adds to a slot of its own, so nothing is lost between processes; the slot of one that has died goes
    on with what it has counted, so sums never go back.

    Parameters
    ----------
    size : int
    slots : int
        Processes alive at once, at most; those beyond it are not counted.
    file : int, optional
        Descriptor of the file that holds the numbers, for processes that open it by its name; one without a name else.
    """

    def __init__(self, size: int, slots: int = 64, file: int | None = None) -> None:
        self._size, self._slots = size, slots
        # Locks on it are the process's and go when it dies, whatever it dies of.
        self._gate = os.memfd_create("counters") if file is None else file
        os.ftruncate(self._gate, slots * (size + 1) * _ITEM)
        self._memory = mmap.mmap(self._gate, slots * (size + 1) * _ITEM)
        self._numbers = memoryview(self._memory).cast("d")
        self._lock = threading.Lock()
        self._owner, self._start = 0, -1

    def add(self, *changes: tuple[int, float]) -> None:
        """Add to the numbers at the given indices."""
        with self._lock:
            if self._owner != os.getpid():
                self._claim()
            start = self._start
            if start >= 0:
                numbers = self._numbers
                for index, amount in changes:
                    numbers[start + index] += amount

    def put(self, index: int, value: float) -> None:
        """Set a number that one process alone keeps."""
        with self._lock:
            if self._owner != os.getpid():
                self._claim()
            for slot in range(self._slots):
                self._numbers[self._begin(slot) + index] = 0.0
            self._numbers[max(self._start, self._begin(0)) + index] = value

    def sums(self) -> list[float]:
        """The numbers, over all processes."""
        totals = [0.0] * self._size
        for slot in range(self._slots):
            if self._pid(slot):
                begin = self._begin(slot)
                totals = [total + value for total, value in zip(totals, self._numbers[begin : begin + self._size])]
        return totals

    def _begin(self, slot: int) -> int:
        return slot * (self._size + 1) + 1

    def _pid(self, slot: int) -> int:
        return struct.unpack_from("q", self._memory, slot * (self._size + 1) * _ITEM)[0]

    def _claim(self) -> None:
        self._owner, self._start = os.getpid(), -1
        fcntl.lockf(self._gate, fcntl.LOCK_EX)
        try:
            for slot in range(self._slots):
                if self._pid(slot) == self._owner or not _alive(self._pid(slot)):
                    struct.pack_into("q", self._memory, slot * (self._size + 1) * _ITEM, self._owner)
                    self._start = self._begin(slot)
                    return
        finally:
            fcntl.lockf(self._gate, fcntl.LOCK_UN)


def _alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
