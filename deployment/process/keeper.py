"""`Keeper`: keeps one process alive: starts it, asks it whether it is ready, starts it again when it died or hangs."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from deployment.process.handles import Handle

logger = logging.getLogger(__name__)

PROBE_EVERY_S = 2.0
HUNG_AFTER_S = 15.0
BUSY_SHARE = 0.1
"""Share of a core: who says nothing and works so much is busy, not hung. An idle service takes less than a tenth of that."""
BUSY_AT_MOST_S = 300.0
"""Who says nothing for so long is killed, however much it works."""
GRACE_S = 15.0
FAILED_AFTER = 3
"""Deaths in a row, none of them after it was ready, until a service counts as failed; it is still started again."""
_SLOWEST_S = 30.0


class Keeper:
    """Parameters are what the process is; `look` does the work, a little at a time.

    Parameters
    ----------
    name : str
    port : int
        Tells it from another process of the same name.
    launch : callable
        Starts the process.
    probe : callable
        True when it is ready, False when it says that it is not, None when it says nothing.
    handle : Handle, optional
        Of a process that another supervisor started, which is taken over.
    """

    def __init__(
        self, name: str, port: int, launch: Callable[[], Handle], probe: Callable[[], bool | None], handle: Handle | None = None
    ) -> None:
        self.name, self.port, self._launch, self._probe = name, port, launch, probe
        self.handle = handle if handle and handle.is_alive() else None
        # All deaths, and those since it was last ready.
        self.restarts, self._deaths = 0, 0
        self.ready = False
        now = time.monotonic()
        self._next_start, self._next_probe, self._last_word = 0.0, 0.0, now
        self._silence: tuple[float, float] | None = None
        """Since when it has said nothing, and the seconds of processor time it had used by then."""
        self._told_to_end: float | None = None

    @property
    def state(self) -> str:
        """starting, ready or failed."""
        return "ready" if self.ready else "failed" if self._deaths >= FAILED_AFTER else "starting"

    def look(self) -> None:
        """See how the process is and do what is to be done now."""
        now = time.monotonic()
        if self.handle is not None and not self.handle.is_alive():
            self._bury(now)
        if self.handle is None:
            if now < self._next_start:
                return
            self.handle = self._launch()
            self._last_word, self._next_probe, self._silence = now, now, None
        if now < self._next_probe:
            return
        answer = self._probe()
        if answer is not None:
            self._last_word, self._silence = time.monotonic(), None
        if answer:
            self._deaths = 0
        self.ready = bool(answer)
        self._next_probe = time.monotonic() + (PROBE_EVERY_S if self.ready else 0.1)
        if answer is None and self._hangs(time.monotonic()):
            logger.warning("%s has said nothing for %.0f s: killed", self.name, time.monotonic() - self._last_word)
            self.handle.send(signal.SIGKILL)

    def _hangs(self, now: float) -> bool:
        """Whether it has been silent too long without doing anything; a new stretch begins where it was busy."""
        if self._silence is None:
            self._silence = (self._last_word, self.handle.cpu_s())
        since, worked = self._silence
        if now - since <= HUNG_AFTER_S:
            return False
        if now - self._last_word > BUSY_AT_MOST_S:
            return True
        self._silence = (now, self.handle.cpu_s())
        return self._silence[1] - worked < BUSY_SHARE * (now - since)

    def _bury(self, now: float) -> None:
        logger.warning("%s (process %d) has died", self.name, self.handle.pid)
        # At once after a life that was of use; ever more slowly where it dies again and again.
        self._next_start = now if self.ready else now + min(_SLOWEST_S, 0.5 * 2**self._deaths)
        self._deaths += 1
        self.restarts += 1
        self.handle, self.ready = None, False

    def end(self) -> bool:
        """Tell the process to end, kill it after its time of grace; True once it is gone."""
        self.ready = False
        if self.handle is None or not self.handle.is_alive():
            return True
        now = time.monotonic()
        if self._told_to_end is None:
            self._told_to_end = now
            self.handle.send(signal.SIGTERM)
        elif now - self._told_to_end > GRACE_S:
            self.handle.send(signal.SIGKILL)
        return False

    def observed(self) -> dict[str, Any]:
        """What the state file says of the processes."""
        handle = {"pid": self.handle.pid, "started": self.handle.started} if self.handle else {}
        counts = {"restarts": self.restarts, "deaths": self._deaths}
        return {"name": self.name, "port": self.port, "state": self.state, **counts, **handle}
