"""`Labelled`: the predictions of the log whose outcome is known by now, as rows of the training table.

A prediction counts with the label that holds for it now; one that was made twice for one event counts once. Of a task that predicts
no column (a clustering) no label can come, and each row that was asked for counts, once.

A request must hold what its model uses and may hold more, so a column that training dropped by itself is in the source and
perhaps not in the log. Old rows would have it and new ones would not: whether it is missing would then tell how old a row is,
which no check of quality can know from a column that is there for a reason. Such a column is left out of what is trained on;
the model in production loses nothing by that, since it does not use it. Where every request holds it, it is used like any
other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from switchyard.bundle import ColumnReading
from switchyard.bundle.plain import MISSING, is_missing
from switchyard.bundle.reading import converter
from switchyard.predictionlog.database import now
from switchyard.predictionlog.records import BATCH, INPUT
from switchyard.predictionlog.window import read_window
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.table import digest_rows
from switchyard.tabular.tasks import kind_of

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_ROLES = ("live", BATCH)
"""A shadow's predictions are those of the requests that it mirrors."""
_ABSENT = object()
"""In place of a value that a request did not hold; one that it held as null is None."""


@dataclass(frozen=True)
class Labelled:
    """Predictions of the log whose outcome is known by now."""

    rows: pd.DataFrame
    """In canonical types, oldest event first, without the columns left out; the index is the event's time, UTC without a zone."""
    left_out: tuple[str, ...] = ()
    """Features of the source that the model does not use and that some of these predictions' requests did not hold."""
    notes: tuple[str, ...] = ()
    what: str = "labelled prediction"
    """What one of the rows is."""


def called(task: str) -> str:
    """What a row of the log is that a model of `task` can be trained on again."""
    return "labelled prediction" if kind_of(task).labels else "prediction"


def labelled_predictions(
    engine: Engine, model: str, schema: Schema, problem: Problem, used: frozenset[str], optional: frozenset[str] = frozenset()
) -> Labelled:
    """The log's predictions of `model` that have a label; all of them where none can come.

    Parameters
    ----------
    engine : Engine
        Of the prediction log.
    model : str
    schema : Schema
        Of the source as it is now.
    problem : Problem
        Resolved.
    used, optional : frozenset of str
        Columns that the model in production uses, by its signature; those of them that requests may come without.

    Returns
    -------
    Labelled
        What the log never keeps (ids, ignored columns) is missing, as is a used column in rows of an earlier version
        that did not ask for it.

    Raises
    ------
    InputError
        No row of the log has a column that the model uses, or rows can't be told apart as the split must.
    """
    _check_owner(schema, problem)
    parts, lacking = [], dict.fromkeys((column.name for column in schema.features), 0)
    labels, what = bool(kind_of(problem.task).labels), called(problem.task)
    for frame in read_window(engine, _FIRST, _far(), model, role=_ROLES, absent=_ABSENT):
        known = frame[frame["actual"].notna()] if labels else frame
        if len(known):
            parts.append(_canonical(known, schema, problem))
            for name in lacking:
                lacking[name] += int(_absent(known, name).sum())
    if not parts:
        return Labelled(
            pd.DataFrame({column.name: pd.Series(dtype=object) for column in schema.columns}, index=pd.DatetimeIndex([])), what=what
        )
    rows = pd.concat(parts).sort_index(kind="stable")
    left_out, notes = _weigh({name: count for name, count in lacking.items() if count}, len(rows), used, optional, what)
    rows = rows.drop(columns=list(left_out))
    features = [column.name for column in schema.features if column.name not in left_out]
    whose = rows[features].assign(entity=_owner(rows, problem))
    # Without an outcome nothing tells two moments of one row apart.
    identity = digest_rows(whose.assign(moment=rows.index) if labels else whose)
    return Labelled(rows[~pd.Series(identity).duplicated(keep="last").to_numpy()], left_out, notes, what)


def count_labelled(engine: Engine, model: str, since: datetime, task: str = "auto") -> int:
    """Predictions of `model` made since a moment (without a zone: UTC) that have a label by now; all where the task has no labels."""
    return sum(len(frame) for frame in labelled_frames(engine, model, since, task))


def labelled_frames(engine: Engine, model: str, since: datetime = _FIRST, task: str = "auto") -> Iterator[pd.DataFrame]:
    """What `count_labelled` counts, inputs and answers whole."""
    for frame in read_window(engine, since.replace(tzinfo=UTC), _far(), model, role=_ROLES, spread=False):
        yield frame[frame["actual"].notna()] if kind_of(task).labels else frame


def _far() -> datetime:
    """Later than anything that is in the log, whatever its clock."""
    return now().replace(tzinfo=UTC) + timedelta(days=1)


def _absent(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Which rows of the log are of requests that did not hold the column `name`."""
    if INPUT + name not in frame:
        return np.ones(len(frame), dtype=bool)
    return np.array([value is _ABSENT for value in frame[INPUT + name]], dtype=bool)


def _weigh(
    lacking: Mapping[str, int], rows: int, used: frozenset[str], optional: frozenset[str], what: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that are left out because so many of `rows` lack them, and what to say of each."""
    left_out, notes = [], []
    for name, count in lacking.items():
        share = f"{count:,} of {count_of(rows, what)}"
        if name not in used:
            left_out.append(name)
            notes.append(
                f"{name!r} is left out: the model in production does not use it and {share} came without it; send it to have it learnt from"
            )
        elif count == rows and name in optional:
            left_out.append(name)
            notes.append(f"{name!r} is left out: none of {count_of(rows, what)} came with it; send it to have it learnt from")
        elif count == rows:
            raise InputError(f"the prediction log has no column {name!r} to train on; take it out of serving.log_exclude")
        else:
            notes.append(f"{name!r} is missing in {share}: earlier requests did not hold it")
    return tuple(left_out), tuple(notes)


def _canonical(frame: pd.DataFrame, schema: Schema, problem: Problem) -> pd.DataFrame:
    """Rows of the log as rows of the training table: each value is read as the service read it."""
    moments = pd.DatetimeIndex(frame["event_time"].dt.tz_convert(None).astype("datetime64[ns]"))
    values: dict[str, np.ndarray] = {}
    for column in schema.columns:
        if column.role in ("feature", "weight"):
            sent: Iterable[Any] = frame[INPUT + column.name] if INPUT + column.name in frame else [_ABSENT] * len(frame)
            values[column.name] = _read(sent, column)
        elif column.role == "target":
            actual = frame["actual"].astype(object)
            values[column.name] = actual.to_numpy("float64") if column.kind == "numeric" else actual.to_numpy(object)
        elif column.role == "time":
            values[column.name] = moments.to_numpy() if column.kind == "datetime" else _epoch(moments, column)
        elif column.name in (problem.data.entity_column, problem.data.group_column):
            values[column.name] = frame["entity_id"].astype(object).where(frame["entity_id"].notna(), None).to_numpy(object)
        else:
            values[column.name] = nothing(len(frame), column)
    return pd.DataFrame(values, index=moments)


def _read(values: Iterable[Any], column: Column) -> np.ndarray:
    convert = converter(column.reading or ColumnReading(column.kind))
    read = [convert(None if value is _ABSENT or is_missing(value) else value) for value in values]
    if column.kind in ("categorical", "text"):
        return np.array([None if value == MISSING else value for value in read], dtype=object)
    numbers = np.array(read, dtype="float64")
    if column.kind == "datetime":
        return pd.to_datetime(numbers, unit="s").to_numpy("datetime64[ns]")
    return numbers


def _epoch(moments: pd.DatetimeIndex, column: Column) -> np.ndarray:
    raise InputError(
        f"time column {column.name!r} holds numbers, and the prediction log keeps moments; make it a date to retrain from the log"
    )


def nothing(size: int, column: Column) -> np.ndarray:
    """So many missing values of a column's kind."""
    if column.kind == "datetime":
        return np.full(size, np.datetime64("NaT"), dtype="datetime64[ns]")
    return np.full(size, np.nan) if column.kind in ("numeric", "boolean") else np.full(size, None, dtype=object)


def _check_owner(schema: Schema, problem: Problem) -> None:
    """A split by group needs the group of every row, and the log keeps the entity alone."""
    if problem.split.kind == "group" and schema.group is not None and schema.group.name != problem.data.entity_column:
        name = schema.group.name
        raise InputError(
            f"the split is by group {name!r}, which the prediction log does not keep; set data.entity_column: {name} before deploying"
        )


def _owner(frame: pd.DataFrame, problem: Problem) -> pd.Series:
    name = problem.data.entity_column
    return frame[name] if name else pd.Series("", index=frame.index)
