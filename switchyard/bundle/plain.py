"""Values of plain types: what counts as missing, numbers and spans of time as floats, numbers as names."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import numpy as np

from switchyard.bundle.moments import ticks_of

MISSING = "__missing__"
"""What a missing category is called in the graph: ONNX strings have no null."""
EXACT = 2**53
"""Beyond this, float64 no longer holds every whole number."""
NESTED = (list, tuple, dict, set, np.ndarray)


class Beyond(ValueError):
    """A number that is infinite, or a moment beyond the years that can be held."""


def shown(value: Any) -> str:
    """`value` for a message, not too long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def is_missing(value: Any) -> bool:
    """None, NaN, NaT, pandas' NA and the empty string."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def name_of_number(value: float) -> str:
    """The name of a number as a category: "1" for 1.0, the shortest exact form else."""
    return str(int(value)) if abs(value) < EXACT and value == int(value) else repr(value)


def as_float(raw: Any, clock: bool = False) -> float:
    if is_missing(raw):
        return np.nan
    if clock and isinstance(raw, (time, timedelta, np.timedelta64)):
        return seconds_of(raw)
    if isinstance(raw, (*NESTED, date, np.datetime64, complex)):
        raise ValueError(f"{shown(raw)} is not a number")
    try:
        return float(raw)
    except OverflowError:
        raise ValueError(f"{shown(raw)} is too large") from None
    except (TypeError, ValueError):
        raise ValueError(f"{shown(raw)} is not a number") from None


def seconds_of(raw: time | timedelta | np.timedelta64) -> float:
    if isinstance(raw, np.timedelta64):
        return float(raw.astype("timedelta64[ns]").astype(np.int64) / 1e9)
    if isinstance(raw, time):
        raw = timedelta(hours=raw.hour, minutes=raw.minute, seconds=raw.second, microseconds=raw.microsecond)
    nanoseconds = getattr(raw, "value", None)  # pandas' Timedelta
    return (ticks_of(raw) if nanoseconds is None else nanoseconds) / 1e9


def unpointed(name: str) -> str:
    """ "1" for "1.0", which is how whole numbers come out of tools that know missing values only in floats."""
    head, point, tail = name.partition(".")
    return head if point and tail.strip("0") == "" and tail and head.lstrip("-").isdigit() else name
