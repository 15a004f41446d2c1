"""`add_history`: lag and rolling features from the table's own past, made before the split.

Only rows strictly earlier than a row tell about it: rows of the same moment do not see each other. At serving there is
no table to look back in, so the caller sends these columns like any other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from switchyard.tabular.config.features import Lag
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.table import Table


def add_history(table: Table, problem: Problem) -> Table:
    """The table with a numeric feature column for each lag and window of `features.lags`.

    Parameters
    ----------
    table : Table
        With its time column known, or rows in time order (`data.time_column: "@row"`).
    problem : Problem
        With task and positive class resolved; the target of a binary task counts as 1 where positive, so that past
        outcomes can be features.

    Returns
    -------
    Table
        `table` itself where no lags are asked for. New columns are NaN where there is no history; a lag counts rows of
        the same entity, not units of time. Rows without a time or an entity have no history and are in no other's.

    Raises
    ------
    InputError
        For an unknown or non-numeric column, a name that is taken, or a table whose order in time is not known.
    """
    if not problem.features.lags:
        return table
    frame, columns = table.frame.copy(), list(table.schema.columns)
    clock = _clock(table, problem)
    for number, lag in enumerate(problem.features.lags):
        place = f"features.lags.{number}"
        values = _values(lag.column, table, problem, place)
        owners = _owners(lag, table, place)
        for name, new, reason in _features(lag, values, _Past(clock, owners)):
            if name in frame.columns:
                raise InputError(f"{place}: the table has a column {name!r} already; rename it, or leave this lag out")
            frame[name] = new
            columns.append(_column(name, new, reason))
    return replace(table, frame=frame, schema=Schema(columns=tuple(columns)))


class _Past:
    """Who came before whom, within one entity.

    Attributes
    ----------
    order : ndarray
        Row positions, by entity and time.
    first : ndarray
        For each place in `order`, where its entity begins.
    moment : ndarray
        For each place in `order`, where the rows of its moment begin; the past is what lies before.
    """

    def __init__(self, clock: np.ndarray, owners: np.ndarray) -> None:
        known = np.flatnonzero((owners >= 0) & ~np.isnan(clock))
        self.rows = len(clock)
        self.order = known[np.lexsort((known, clock[known], owners[known]))]
        owner, time = owners[self.order], clock[self.order]
        new_owner = np.diff(owner, prepend=-1) != 0
        new_moment = new_owner | (np.diff(time, prepend=np.nan) != 0)
        places = np.arange(len(self.order))
        self.first = np.maximum.accumulate(np.where(new_owner, places, 0))
        self.moment = np.maximum.accumulate(np.where(new_moment, places, 0))

    def lag(self, values: np.ndarray, steps: int) -> np.ndarray:
        """The value `steps` rows back from the last earlier moment's end, for each row of the table."""
        source = self.moment - steps
        return self._back(np.where(source >= self.first, values[self.order][np.maximum(source, 0)], np.nan))

    def rolling(self, values: np.ndarray, window: int, statistic: str) -> np.ndarray:
        """The statistic of up to `window` earlier rows, gaps left out, for each row of the table."""
        if not len(self.order):
            return np.full(self.rows, np.nan)
        rolling = pd.Series(values[self.order]).groupby(self.first).rolling(window, min_periods=0 if statistic == "count" else 1)
        statistics = getattr(rolling, statistic)().to_numpy()
        source = self.moment - 1
        empty = 0.0 if statistic == "count" else np.nan
        return self._back(np.where(source >= self.first, statistics[np.maximum(source, 0)], empty))

    def _back(self, ordered: np.ndarray) -> np.ndarray:
        result = np.full(self.rows, np.nan)
        result[self.order] = ordered
        return result


def _features(lag: Lag, values: np.ndarray, past: _Past) -> list[tuple[str, np.ndarray, str]]:
    suffix, within = (f"_by_{lag.by}", f" of the same {lag.by}") if lag.by else ("", "")
    made = []
    for steps in lag.lags:
        reason = f"{lag.column} {steps} rows{within} earlier; at serving the caller sends it"
        made.append((f"{lag.column}_lag_{steps}{suffix}", past.lag(values, steps), reason))
    for window in lag.windows:
        reason = f"{lag.statistic} of {lag.column} over the {window} rows{within} before; at serving the caller sends it"
        made.append((f"{lag.column}_{lag.statistic}_{window}{suffix}", past.rolling(values, window, lag.statistic), reason))
    return made


def _clock(table: Table, problem: Problem) -> np.ndarray:
    """When each row was, as a number; NaN where unknown."""
    if problem.data.time_column == "@row":
        return np.arange(len(table.frame), dtype="float64")
    time = table.schema.time
    if time is None:
        raise InputError("features.lags: which rows are earlier is not known; set data.time_column, or @row for file order")
    values = table.frame[time.name]
    if time.kind == "datetime":
        # Nanoseconds do not fit a float64: ranks keep the order and the ties.
        return values.rank(method="dense").to_numpy("float64")
    if time.kind != "numeric":
        raise InputError(f"features.lags: time column {time.name!r} is {time.kind}; it must be datetime or numeric")
    return values.to_numpy("float64")


def _owners(lag: Lag, table: Table, place: str) -> np.ndarray:
    """A number for each row's entity, -1 where it has none."""
    if lag.by is None:
        return np.zeros(len(table.frame), dtype="int64")
    if lag.by not in table.frame.columns:
        raise InputError(f"{place}.by: the table has no column {lag.by!r}")
    return pd.factorize(table.frame[lag.by])[0]


def _values(name: str, table: Table, problem: Problem, place: str) -> np.ndarray:
    if name not in table.frame.columns:
        raise InputError(f"{place}.column: the table has no column {name!r}")
    column = table.schema[name]
    if column.role == "target" and problem.task == "binary":
        labels = table.frame[name]
        return np.where(labels.isna(), np.nan, (labels == problem.positive_class).astype("float64"))
    if column.kind not in ("numeric", "boolean"):
        raise InputError(f"{place}.column: {name!r} is {column.kind}; a lag needs a numeric or boolean column")
    return table.frame[name].to_numpy("float64")


def _column(name: str, values: np.ndarray, reason: str) -> Column:
    seen = values[~np.isnan(values)]
    return Column(
        name=name,
        kind="numeric",
        role="feature",
        missing=float(np.isnan(values).mean()),
        unique=len(np.unique(seen)),
        minimum=float(seen.min()) if len(seen) else None,
        maximum=float(seen.max()) if len(seen) else None,
        reason=reason,
    )
