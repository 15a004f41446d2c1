"""The process that carries the journal into the prediction log's database, beside those that answer."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

from switchyard.predictionlog.journal import is_finished, journals
from switchyard.serving.metrics import Metrics
from switchyard.serving.settings import Settings

logger = logging.getLogger(__name__)

_LAST_WORDS = 5.0
"""Seconds that are given, at the end, to the processes that still answer."""


def run(settings: Settings, model: str, metrics: Metrics) -> None:
    """Drain until the process is told to end, and then what the last requests left; meanwhile prune what is of `model`."""
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
    pruning = partial(prune, model=model, days=settings.retention_days) if settings.retention_days else None
    drain.run(gate, prune=pruning, report=metrics.log)
    logger.info("prediction log: drained, %d bytes wait", drain.progress.waiting_bytes)


def _open_when_quiet(stop: threading.Event, gate: threading.Event, settings: Settings) -> None:
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
