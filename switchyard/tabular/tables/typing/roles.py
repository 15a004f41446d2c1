"""`role_of`: whether a column can teach a model something, or only names its rows."""

from __future__ import annotations

import re

import numpy as np

from switchyard.tabular.config.problem import Role
from switchyard.tabular.tables.typing.readings import Reading

NEARLY_UNIQUE = 0.95
"""Share of distinct values, 0..1, from which a category names rows instead of grouping them."""
_FEW_ROWS = 20
_FEW_CODES = 1000
_ID_WORDS = frozenset(("id", "ids", "uuid", "guid"))
_COUNTER_WORDS = _ID_WORDS | {"key", "nr", "no", "number", "idx", "index", "rowid", "row", "pid", "serial"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def role_of(name: str, reading: Reading, distinct: int, leads: bool) -> tuple[Role, str, bool]:
    """The role of a column that nothing was said about.

    Parameters
    ----------
    name : str
    reading : Reading
    distinct : int
        Number of its distinct values.
    leads : bool
        Whether it is the first of several columns, where exports put the numbers of their rows.

    Returns
    -------
    role : str
        feature, id or ignored.
    reason : str
        Added to the reading's own; may be empty.
    as_category : bool
        Whether its whole numbers are codes, to be read as categories.
    """
    if not reading.usable:
        return "ignored", "", False
    if reading.kind == "text":
        return "feature", "", False
    present = int((~_missing(reading.values)).sum())
    words = [word.lower() for word in _WORD.findall(name)] or [name.lower()]
    unique = present >= _FEW_ROWS and distinct >= NEARLY_UNIQUE * present
    if reading.kind == "categorical":
        if unique:
            return "id", f"{distinct} different values in {present} rows", False
        if words[-1] in _ID_WORDS and distinct > 0.5 * present and present >= _FEW_ROWS:
            return "id", f"named like an id, {distinct} different values in {present} rows", False
        return "feature", "", False
    if reading.kind == "numeric" and reading.integer:
        if unique and leads and _counts(reading.values):
            return "id", "the first column, numbers the rows", True
        if unique and words[-1] in _COUNTER_WORDS:
            return "id", f"named like an id, {distinct} different values in {present} rows", True
        if words[-1] in _ID_WORDS:
            if distinct > min(0.5 * present, _FEW_CODES):
                return "id", f"named like an id, {distinct} different values in {present} rows", True
            return "feature", "named like an id: codes, not amounts", True
    return "feature", "", False


def _counts(values: np.ndarray) -> bool:
    """Whether the values are 0, 1, 2, ... or 1, 2, 3, ... in the order of the rows."""
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def _missing(values: np.ndarray) -> np.ndarray:
    if values.dtype == object:
        return np.equal(values, np.asarray(None, dtype=object))
    return np.isnan(values)
