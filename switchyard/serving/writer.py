"""The process that carries the journal into the prediction log's database, beside those that answer."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.predictionlog.journal import is_finished, journals
from switchyard.serving.metrics import DrainCounts
from switchyard.serving.settings import PoolSettings, Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

_LAST_WORDS = 5.0
"""Seconds that are given, at the end, to the processes that still answer."""


def run(settings: Settings | PoolSettings, days: Callable[[], Mapping[str, float]], drained: DrainCounts) -> None:
    """Drain until the process is told to end, and then what the last requests left; meanwhile prune what is older than `days`, by model."""
    # Before anything that takes long: told to end while it still comes up, it must drain all the same.
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    # SQLAlchemy comes in here, in this process alone.
    from switchyard.predictionlog import Drain, connect, prune

    # Answers go first where the processor is short; the journal can wait.
    os.nice(5)
    drain = Drain(connect(settings.log_url), settings.journal)
    gate = threading.Event()
    threading.Thread(target=_open_when_quiet, args=(stop, gate, settings), daemon=True).start()

    def prune_all(engine: Engine) -> None:
        for model, most in days().items():
            prune(engine, model=model, days=most)

    drain.run(gate, prune=prune_all, report=drained.put)
    logger.info("prediction log: drained, %d bytes wait", drain.progress.waiting_bytes)


def _open_when_quiet(stop: threading.Event, gate: threading.Event, settings: Settings | PoolSettings) -> None:
    """Let the drain end once the others, told to end at the same moment, have written their last."""
    stop.wait()
    deadline = time.monotonic() + _LAST_WORDS
    while time.monotonic() < deadline and not all(map(_is_quiet, journals(settings.journal))):
        time.sleep(0.05)
    gate.set()


def _is_quiet(path: Path) -> bool:
    try:
        return is_finished(path)
    except FileNotFoundError:
        return True
