"""When Python looks for garbage: not while a command loads its libraries, and not when its process ends.

Some 3,000 modules make a million objects that live as long as the process. By Python's own thresholds the collector walks them
again and again while they are made and three times more at the end, and finds nothing: a quarter of the seconds of a short command.
"""

from __future__ import annotations

import atexit
import gc

_USUAL = gc.get_threshold()
_WHILE_LOADING = (50_000, 20, 20)


def while_loading() -> None:
    """Look for garbage rarely from here on, and at the end of the process not among what is left."""
    gc.set_threshold(*_WHILE_LOADING)
    atexit.register(gc.freeze)


def as_usual() -> None:
    """Look as often as Python does, but not at what is loaded by now: a training makes garbage worth finding, and large."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
