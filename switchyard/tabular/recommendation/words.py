"""`described_by`: what a table says of each item or user: its columns but the one of the ids, and how they become words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from switchyard.bundle.plain import is_missing
from switchyard.bundle.traits import Trait, Traits
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.surroundings import surroundings_of

_PARTS = 10


@dataclass(frozen=True)
class Described:
    """Items or users.

    Attributes
    ----------
    traits : Traits
        How an attribute becomes words: texts and categories theirs, numbers and dates the tenth that they are in.
    values : mapping of str to mapping
        By id, its attributes as JSON has them, those that are there; of an id that stands in the table twice, the first row's.
    notes : tuple of str
        On rows without an id, and on ids that stand there twice.
    """

    traits: Traits = field(default_factory=Traits)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def words(self) -> dict[str, tuple[str, ...]]:
        """The words of each id, each once."""
        return {name: self.traits.words(found)[0] for name, found in self.values.items()}


def described_by(frame: pd.DataFrame, key: str, what: str) -> Described:
    """Read a table of attributes.

    Parameters
    ----------
    frame : DataFrame
        A row for each item or user.
    key : str
        The column of ids; all others describe.
    what : str
        The table, in notes.
    """
    rows, around = np.arange(len(frame)) + 1, surroundings_of(frame)
    ids = read_column(frame[key], key, "categorical", rows, around).values
    traits, columns = [], {}
    for name in frame.columns:
        if name == key:
            continue
        reading = read_column(frame[name], name, None, rows, around)
        if not reading.usable:
            continue
        traits.append(Trait(name, reading.how, _edges(reading.values, reading.kind)))
        columns[name] = [_plain(value) for value in frame[name]]
    values: dict[str, dict[str, Any]] = {}
    for row, name in enumerate(ids):
        if name is not None and name == name:
            values.setdefault(str(name), {column: found[row] for column, found in columns.items() if not is_missing(found[row])})
    return Described(Traits(tuple(traits)), values, _oddities(ids, rows, key, what))


def _edges(values: np.ndarray, kind: str) -> tuple[float, ...]:
    """Between the tenths of numbers and dates (seconds since 1970); none where all are one."""
    if kind not in ("numeric", "datetime"):
        return ()
    numbers = values.astype("datetime64[ns]").astype("int64") / 1e9 if kind == "datetime" else values.astype(float)
    numbers = numbers[~np.isnat(values)] if kind == "datetime" else numbers[~np.isnan(numbers)]
    if not len(numbers) or numbers.min() == numbers.max():
        return ()
    return tuple(np.unique(np.quantile(numbers, np.arange(1, _PARTS) / _PARTS)).tolist())


def _oddities(ids: np.ndarray, rows: np.ndarray, key: str, what: str) -> tuple[str, ...]:
    lacking = pd.isna(ids)
    again = pd.Series(ids).duplicated().to_numpy() & ~lacking
    notes = []
    if lacking.any():
        notes.append(f"{what}: {count_of(int(lacking.sum()), 'row')} without a value of {key!r} left out (first: row {rows[lacking][0]})")
    if again.any():
        first = f"{ids[again][0]!r} in row {rows[again][0]}"
        notes.append(f"{what}: {count_of(int(again.sum()), 'row')} of ids that stood there before left out (first: {first})")
    return tuple(notes)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if is_missing(value):
        return None
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (int, float, np.integer, np.floating)):
        return int(value) if isinstance(value, (int, np.integer)) else float(value)
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
