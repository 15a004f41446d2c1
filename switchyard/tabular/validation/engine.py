"""The one place that imports Great Expectations: quietly, offline, and only when it is needed (it takes seconds)."""

from __future__ import annotations

import logging
import threading
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext

LOCK = threading.RLock()
"""Great Expectations keeps its current context in a global: one validation at a time in a process."""


def great_expectations() -> ModuleType:
    """The module, without its 200 lines of log and without calls home."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    # This module sets its own level to INFO when it is imported.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    return gx


def context() -> EphemeralDataContext:
    """A context in memory, without progress bars; hold `LOCK` while using it."""
    made = great_expectations().get_context(mode="ephemeral")
    made.variables.progress_bars = {"globally": False}
    return made
