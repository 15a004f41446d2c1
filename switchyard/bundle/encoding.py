"""Whole columns to the graph's two inputs, by each column's reading; a value that cannot be meant is a `BadInput`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from switchyard.bundle.amounts import PLAIN
from switchyard.bundle.moments import FIRST, LAST
from switchyard.bundle.plain import MISSING, is_missing
from switchyard.bundle.reading import ColumnReading, converter

__all__ = ["MISSING", "BadInput", "categories_of", "category", "is_missing", "known_names", "numbers_of"]

category: Callable[[Any], str] = converter(ColumnReading("categorical", missing=(), exact=True))
"""A name as it is spelt: true and false, whole numbers without a point, others exactly; `MISSING` where missing."""


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
        super().__init__(f"column {column!r} {problem}" if row is None else f"column {column!r}, row {row}: {problem}")
        self.column, self.row, self.problem = column, row, problem


def numbers_of(name: str, reading: ColumnReading, values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """A whole column as float64 of shape (n,)."""
    kind = reading.kind
    array = values if isinstance(values, np.ndarray) else None
    if array is not None and array.ndim == 1:
        if array.dtype.kind in "fiu" and (kind == "numeric" or (kind == "datetime" and not reading.epoch and not reading.patterns)):
            return _finite(name, array.astype(np.float64), reading.beyond)
        if array.dtype.kind == "f" and kind == "boolean" and (np.isnan(array) | (array == 0) | (array == 1)).all():
            return array.astype(np.float64)
        if array.dtype.kind == "M" and kind == "datetime":
            return _moments(name, array, reading.beyond)
    if kind == "numeric" and reading.style == PLAIN and not (array is not None and array.dtype.kind in "mMc"):
        try:
            numbers = np.array(values, dtype=np.float64)
            if numbers.ndim == 1:
                return _finite(name, numbers, reading.beyond)
        except BadInput:
            raise
        except (TypeError, ValueError, OverflowError):
            pass  # something is not plainly a number: go one by one, so that the error can say where
    return np.array(_one_by_one(name, converter(reading), values), dtype=np.float64)


def _finite(name: str, result: np.ndarray, beyond: bool) -> np.ndarray:
    infinite = np.isinf(result)
    if infinite.any():
        if not beyond:
            raise BadInput(name, int(infinite.argmax()), "is infinite")
        result = np.where(infinite, np.nan, result)
    return result


def _moments(name: str, array: np.ndarray, beyond: bool) -> np.ndarray:
    missing = np.isnat(array)
    coarse = array.astype("datetime64[us]")
    outside = ~missing & ~((coarse >= FIRST) & (coarse < LAST))
    if outside.any() and not beyond:
        raise BadInput(name, int(outside.argmax()), "is outside the years 1678 to 2261")
    missing = missing | outside
    kept = np.where(missing, np.datetime64(0, "s"), array).astype("datetime64[ns]")
    return np.where(missing, np.nan, kept.astype(np.int64) / 1e9)


def known_names(reading: ColumnReading, categories: Iterable[str]) -> Mapping[str, str]:
    """Texts whose name is known without reading them: the categories of training."""
    convert = converter(reading)
    return {name: name for name in categories if convert(name) == name}


def categories_of(name: str, convert: Callable[[Any], str], known: Mapping[str, str], values: Sequence[Any] | np.ndarray) -> list[str]:
    """A whole column as category names; `known` is of `known_names`, and `convert` reads what is not."""
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        values = values.tolist() if values.dtype.kind in "fiubU" else list(values)
    read: dict[str, str] = {}

    def name_of(value: Any) -> str:
        # Each text once: a name that training saw in few rows is in none of `known`, and yet in many rows of a table.
        if value.__class__ is not str:
            return convert(value)
        if value not in read:
            read[value] = convert(value)
        return read[value]

    try:
        return [known.get(value) or name_of(value) for value in values]
    except (TypeError, ValueError):
        return _one_by_one(name, convert, values)


def _one_by_one(name: str, convert: Callable[[Any], Any], values: Sequence[Any] | np.ndarray) -> list[Any]:
    result = []
    for row, value in enumerate(values):
        try:
            result.append(convert(value))
        except ValueError as error:
            raise BadInput(name, row, str(error)) from None
    return result
