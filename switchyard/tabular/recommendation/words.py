"""`words_of`: what an item table says of each item, as words: those of its texts, its categories, and of numbers and dates the tenth."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.surroundings import surroundings_of

_WORD = re.compile(r"\w+")
_PARTS = 10
_MOST = 200
"""Words of one item."""


def words_of(frame: pd.DataFrame, item: str) -> dict[str, tuple[str, ...]]:
    """Item id -> its words, each once, with the column that they are of; of an item that stands there twice, the first.

    Parameters
    ----------
    frame : DataFrame
        An item table.
    item : str
        The column of ids; all others describe.
    """
    rows, around = np.arange(len(frame)) + 1, surroundings_of(frame)
    ids = read_column(frame[item], item, "categorical", rows, around).values
    lists: list[list[str]] = [[] for _ in range(len(frame))]
    for name in frame.columns:
        if name == item:
            continue
        reading = read_column(frame[name], name, None, rows, around)
        if reading.kind in ("numeric", "datetime"):
            values = pd.Series(reading.values)
            numbers = values.astype("int64").where(values.notna()) if reading.kind == "datetime" else values
            for row, tenth in enumerate(pd.qcut(numbers.rank(method="average"), _PARTS, labels=False, duplicates="drop")):
                if tenth == tenth:
                    lists[row].append(f"{name}={int(tenth)}")
        else:
            for row, value in enumerate(reading.values):
                if value is not None and value == value:
                    lists[row] += [f"{name}:{word}" for word in _WORD.findall(str(value).casefold())]
    found = zip(ids[::-1], lists[::-1])
    return {str(name): tuple(dict.fromkeys(words[:_MOST])) for name, words in found if name is not None}
