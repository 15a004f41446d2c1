"""`find_copies`: rows that stand twice in a table, and whether a fault of its making or honest repetition explains them.

Where columns are coarse (a survey, a trial, the log of an A/B test) different rows are equal, and each is evidence of its
own. Where a join or an export wrote rows twice, they are not. The two are told apart by the column with the most values:
of pairs of rows that agree in all other columns, honest ones agree in it too about as often as any two rows do, written
twice they always do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.table import Table, digest_rows

_COARSE = 0.1
"""Two rows that agree this often in the column with the most values are equal by chance."""
_WRITTEN_TWICE = 0.5
"""From this share on pairs that agree in all other columns agree in that one because one was written twice."""


@dataclass(frozen=True)
class Copies:
    """Which rows repeat an earlier one."""

    repeats: np.ndarray
    """bool of shape (n_rows,)."""
    fault: bool
    """Rows were written twice, rather than few distinct ones being there."""

    @property
    def count(self) -> int:
        return int(self.repeats.sum())


def compared(schema: Schema, *besides: str) -> list[str]:
    """Columns that make a row what it is: what only names it, or was left out, would hide that the rest of it repeats.

    `besides`: further roles to leave out.
    """
    return [column.name for column in schema.columns if column.role not in ("id", "ignored", *besides)]


def find_copies(frame: pd.DataFrame, schema: Schema, *besides: str) -> Copies:
    """Rows of a canonical frame that repeat an earlier one in every column that is `compared`."""
    names = compared(schema, *besides)
    whole = digest_rows(frame[names])
    repeats = pd.Series(whole).duplicated().to_numpy()
    if not repeats.any() or len(names) < 2:
        return Copies(repeats, False)
    alike = {name: _agreeing(digest_rows(frame[[name]])) for name in names}
    finest = min(names, key=lambda name: alike[name])
    if alike[finest] > _COARSE * _agreeing(np.zeros(len(frame))):
        return Copies(repeats, False)
    others = _agreeing(digest_rows(frame[[name for name in names if name != finest]]))
    return Copies(repeats, _agreeing(whole) > _WRITTEN_TWICE * others)


def drop_copies(table: Table) -> tuple[Table, list[str]]:
    """The table with the first of rows that repeat each other, and a note of how many went."""
    copies = find_copies(table.frame, table.schema)
    if not copies.count:
        return table, []
    left = replace(table, frame=table.frame[~copies.repeats].reset_index(drop=True))
    return left, [f"{copies.count:,} of {len(copies.repeats):,} rows repeat another and are left out (quality.duplicate_rows: drop)"]


def _agreeing(values: np.ndarray) -> int:
    """How many pairs of equal values there are."""
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())
