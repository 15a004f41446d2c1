"""From values as people send them to the graph's two inputs; a value that cannot be meant is a `BadInput`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

MISSING = "__missing__"
"""What a missing category is called in the graph: ONNX strings have no null."""

_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))
_EXACT = 2**53
_FIRST, _LAST = np.datetime64("1678-01-01", "us"), np.datetime64("2262-01-01", "us")
_FIRST_S, _LAST_S = -9_214_560_000, 9_214_646_400
"""The same in seconds since 1970."""


class BadInput(ValueError):
    """A value, or a column, that the model cannot take.

    Attributes
    ----------
    column : str
    row : int or None
        Counted from 0; None when the whole column is meant.
    problem : str
        What is wrong, in words that follow the column's name.
    """

    def __init__(self, column: str, row: int | None, problem: str) -> None:
        place = f"column {column!r}" if row is None else f"column {column!r}, row {row}"
        super().__init__(f"{place}: {problem}")
        self.column, self.row, self.problem = column, row, problem


def _shown(value: Any) -> str:
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


def number(value: Any) -> float:
    """A finite float, or NaN where missing; ValueError says what else it is."""
    if is_missing(value):
        return np.nan
    if isinstance(value, (list, tuple, dict, set, np.ndarray, date, np.datetime64, complex)):
        raise ValueError(f"{_shown(value)} is not a number")
    try:
        result = float(value)
    except OverflowError:
        raise ValueError(f"{_shown(value)} is too large") from None
    except (TypeError, ValueError):
        raise ValueError(f"{_shown(value)} is not a number") from None
    if result in (np.inf, -np.inf):
        raise ValueError("is infinite")
    return result


def boolean(value: Any) -> float:
    """1.0, 0.0, or NaN where missing."""
    if is_missing(value):
        return np.nan
    text = str(value).strip().lower()
    if text in _TRUE:
        return 1.0
    if text in _FALSE:
        return 0.0
    raise ValueError(f"{_shown(value)} is neither true nor false")


def epoch_seconds(value: Any) -> float:
    """Seconds since 1970 in UTC, or NaN where missing; a moment without a zone is taken as UTC."""
    if is_missing(value):
        return np.nan
    if isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{_shown(value)} is not a moment")
    if isinstance(value, (int, float, np.integer, np.floating)):
        seconds = number(value)
        if not _FIRST_S <= seconds < _LAST_S:
            raise ValueError(f"{_shown(value)} is outside the years 1678 to 2261")
        return seconds
    try:
        if isinstance(value, np.datetime64):
            moment = value
        elif isinstance(value, str):
            moment = _parsed(value.strip())
        elif isinstance(value, (date, datetime)):
            moment = _in_utc(value)
        else:
            raise ValueError
        whole = moment.astype("datetime64[us]")
        if not _FIRST <= whole < _LAST:
            raise ValueError(f"{_shown(value)} is outside the years 1678 to 2261")
        return float(moment.astype("datetime64[ns]").astype(np.int64) / 1e9)
    except (ValueError, OverflowError, TypeError) as error:
        reason = str(error) if "outside" in str(error) else f"{_shown(value)} is not a moment: use ISO 8601 or epoch seconds"
        raise ValueError(reason) from None


def _parsed(text: str) -> np.datetime64:
    # Python before 3.11 does not read Z, nor fractions of other than 3 or 6 digits, which numpy does.
    if text.endswith(("Z", "z")):
        text = text[:-1]
    elif ("T" in text.upper() or " " in text) and ("+" in text or text.rfind("-") > 9):
        return _in_utc(datetime.fromisoformat(text))
    return np.datetime64(text, "ns") if len(text) > 19 else np.datetime64(text).astype("datetime64[us]")


def _in_utc(value: date) -> np.datetime64:
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    exact = getattr(value, "to_datetime64", None)  # pandas' Timestamp keeps nanoseconds
    return exact() if exact else np.datetime64(value)


def category(value: Any) -> str:
    """The category's name, spelt as in training: true and false, whole numbers without a point, others exactly."""
    if isinstance(value, str):
        return value if value.strip() else MISSING
    if is_missing(value):
        return MISSING
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        value = float(value)
        if value in (np.inf, -np.inf):
            raise ValueError("is infinite")
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    if isinstance(value, (list, tuple, dict, set, np.ndarray)):
        raise ValueError(f"{_shown(value)} is not a category")
    return str(value)


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "numeric": number,
    "boolean": boolean,
    "datetime": epoch_seconds,
    "categorical": category,
    "text": category,
}
"""How one value of each kind is read."""


def numbers_of(name: str, kind: str, values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """A whole column as float64 of shape (n,)."""
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.ndim == 1:
        if array.dtype.kind in "fiu" and kind != "boolean":
            return _finite(name, array.astype(np.float64))
        if array.dtype.kind == "f" and kind == "boolean" and (np.isnan(array) | (array == 0) | (array == 1)).all():
            return array.astype(np.float64)
        if array.dtype.kind == "M" and kind == "datetime":
            return _moments(name, array)
    if kind == "numeric" and not (array is not None and array.dtype.kind in "mMc"):
        try:
            numbers = np.array(values, dtype=np.float64)
            if numbers.ndim == 1:
                return _finite(name, numbers)
        except BadInput:
            raise
        except (TypeError, ValueError, OverflowError):
            pass  # something is not plainly a number: go one by one, so that the error can say where
    return np.array(_one_by_one(name, kind, values), dtype=np.float64)


def _finite(name: str, result: np.ndarray) -> np.ndarray:
    infinite = np.isinf(result)
    if infinite.any():
        raise BadInput(name, int(infinite.argmax()), "is infinite")
    return result


def _moments(name: str, array: np.ndarray) -> np.ndarray:
    missing = np.isnat(array)
    coarse = array.astype("datetime64[us]")
    outside = ~missing & ~((coarse >= _FIRST) & (coarse < _LAST))
    if outside.any():
        raise BadInput(name, int(outside.argmax()), "is outside the years 1678 to 2261")
    return np.where(missing, np.nan, array.astype("datetime64[ns]").astype(np.int64) / 1e9)


def categories_of(name: str, values: Sequence[Any] | np.ndarray) -> list[str]:
    """A whole column as category names."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        values = values.tolist() if values.dtype.kind in "fiubU" else list(values)
    try:
        return [value if value.__class__ is str and value and value[0] > " " else category(value) for value in values]
    except ValueError:
        return _one_by_one(name, "categorical", values)


def _one_by_one(name: str, kind: str, values: Sequence[Any] | np.ndarray) -> list[Any]:
    convert, result = CONVERTERS[kind], []
    for row, value in enumerate(values):
        try:
            result.append(convert(value))
        except ValueError as error:
            raise BadInput(name, row, str(error)) from None
    return result
