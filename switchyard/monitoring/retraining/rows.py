"""`put_together`: the rows that a model is trained on again: those of its source, and predictions whose outcome is known by now.

Every row is in the canonical types of `switchyard.tabular.tables.table`. A prediction counts with the label that holds for it now; one that
was made twice for one event counts once. A random or group split sends an entity to its side by its hash, so one that was
trained on before is not held out now; a time split holds out the last of the new rows, which no earlier model has seen.

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
from switchyard.predictionlog.records import BATCH
from switchyard.predictionlog.window import INPUT, read_window
from switchyard.tabular.config.problem import ColumnOverride, Problem, SplitConfig
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.expressions import parse
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import LARGEST_SHARE, holdout_share
from switchyard.tabular.tables.table import Table, digest_rows

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST_HOLDOUT = 100
_ROLES = ("live", BATCH)
"""A shadow's predictions are those of the requests that it mirrors."""
_OVERRIDDEN = ("feature", "id", "ignored")
_ABSENT = object()
"""In place of a value that a request did not hold; one that it held as null is None."""
_NAMED = 3


@dataclass(frozen=True)
class Labelled:
    """Predictions of the log whose outcome is known by now."""

    rows: pd.DataFrame
    """In canonical types, oldest event first, without the columns left out; the index is the event's time, UTC without a zone."""
    left_out: tuple[str, ...] = ()
    """Features of the source that the model does not use and that some of these predictions' requests did not hold."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingRows:
    """Old and new rows in one frame, and what to train on them."""

    frame: pd.DataFrame
    problem: Problem
    """The problem as resolved for the old table, kinds and roles included; its source is still the old one."""
    old: int
    new: int
    label: str
    """What people read as the source."""
    notes: tuple[str, ...] = ()
    """What the log lacks and what came of it, one sentence for each column."""


def labelled_predictions(
    engine: Engine, model: str, schema: Schema, problem: Problem, used: frozenset[str], optional: frozenset[str] = frozenset()
) -> Labelled:
    """The log's predictions of `model` that have a label.

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
    for frame in read_window(engine, _FIRST, _far(), model, role=_ROLES, absent=_ABSENT):
        known = frame[frame["actual"].notna()]
        if len(known):
            parts.append(_canonical(known, schema, problem))
            for name in lacking:
                lacking[name] += int(_absent(known, name).sum())
    if not parts:
        return Labelled(pd.DataFrame({column.name: pd.Series(dtype=object) for column in schema.columns}, index=pd.DatetimeIndex([])))
    rows = pd.concat(parts).sort_index(kind="stable")
    left_out, notes = _weigh({name: count for name, count in lacking.items() if count}, len(rows), used, optional)
    rows = rows.drop(columns=list(left_out))
    features = [column.name for column in schema.features if column.name not in left_out]
    identity = digest_rows(rows[features].assign(moment=rows.index, entity=_owner(rows, problem)))
    return Labelled(rows[~pd.Series(identity).duplicated(keep="last").to_numpy()], left_out, notes)


def count_labelled(engine: Engine, model: str, since: datetime) -> int:
    """Predictions of `model` made since a moment (without a zone: UTC) that have a label by now."""
    return sum(len(frame) for frame in labelled_frames(engine, model, since))


def labelled_frames(engine: Engine, model: str, since: datetime = _FIRST) -> Iterator[pd.DataFrame]:
    """Predictions of `model` made since a moment (without a zone: UTC) that have a label by now, inputs and answers whole."""
    for frame in read_window(engine, since.replace(tzinfo=UTC), _far(), model, role=_ROLES, spread=False):
        yield frame[frame["actual"].notna()]


def put_together(old: Table, new: Labelled, problem: Problem, source: str, window_days: float | None) -> TrainingRows:
    """Old and new rows, and the problem to train on them.

    Parameters
    ----------
    old : Table
        From the model's source, as it is now.
    new : Labelled
        Rows that the source has by now are left out.
    problem : Problem
        Resolved for `old`.
    source : str
        What to call the source.
    window_days : float or None
        Keep the rows of the last so many days; all where None.

    Returns
    -------
    TrainingRows
        A column left out of the new rows stays in the frame, as the source has it, with the role ignored: slices may
        name it, and nothing is learnt from it.

    Raises
    ------
    InputError
        A window is asked for where rows have no time.
    """
    schema = old.schema
    fresh = new.rows[~_known(new.rows, old, problem)]
    fresh = fresh.assign(**{name: _nothing(len(fresh), schema[name]) for name in new.left_out})
    last = f" until {fresh.index.max():%Y-%m-%d}" if len(fresh) else ""
    label = f"{source} ({old.revision}) and {len(fresh):,} labelled predictions{last}"
    older = old.frame
    asked = problem
    if window_days is not None:
        # By its own number of rows the window would hold out a larger share, with rows that trained in it.
        share = holdout_share(pd.concat([older, fresh[list(older.columns)]]), problem, _together(problem))
        asked = problem if problem.split.kind == "time" else problem.model_copy(update={"split": _of(problem, share)})
        older, fresh, since = _within(older, fresh, schema, problem, window_days)
        label += f", from {since:%Y-%m-%d} on"
    label += _without(new.left_out)
    fresh, said = _weighed(fresh, old)
    frame = pd.concat([older, fresh[list(older.columns)]], ignore_index=True)
    frame = frame.astype({name: older[name].dtype for name in older.columns})
    settled = _settled(_leave_out(asked, schema, new.left_out), schema, len(older), len(fresh))
    return TrainingRows(frame, settled, len(older), len(fresh), label, (*new.notes, *said))


def _weighed(fresh: pd.DataFrame, old: Table) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """New rows, those that came without a weight with the old ones' mean, and that in words."""
    weight = old.schema.weight
    lacking = fresh[weight.name].isna() if weight is not None else pd.Series(dtype=bool)
    if weight is None or not lacking.any():
        return fresh, ()
    mean = float(old.frame[weight.name].mean())
    count = f"{int(lacking.sum()):,} of {count_of(len(fresh), 'labelled prediction')}"
    note = f"{count} came without {weight.name!r} and weigh {mean:.4g}, the mean of the table's rows; send it to have them weighed"
    return fresh.assign(**{weight.name: fresh[weight.name].fillna(mean)}), (note,)


def _far() -> datetime:
    """Later than anything that is in the log, whatever its clock."""
    return now().replace(tzinfo=UTC) + timedelta(days=1)


def _absent(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Which rows of the log are of requests that did not hold the column `name`."""
    if INPUT + name not in frame:
        return np.ones(len(frame), dtype=bool)
    return np.array([value is _ABSENT for value in frame[INPUT + name]], dtype=bool)


def _weigh(
    lacking: Mapping[str, int], rows: int, used: frozenset[str], optional: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that are left out because so many of `rows` lack them, and what to say of each."""
    left_out, notes = [], []
    for name, count in lacking.items():
        share = f"{count:,} of {count_of(rows, 'labelled prediction')}"
        if name not in used:
            left_out.append(name)
            notes.append(
                f"{name!r} is left out: the model in production does not use it and {share} came without it; send it to have it learnt from"
            )
        elif count == rows and name in optional:
            left_out.append(name)
            notes.append(
                f"{name!r} is left out: none of {count_of(rows, 'labelled prediction')} came with it; send it to have it learnt from"
            )
        elif count == rows:
            raise InputError(f"the prediction log has no column {name!r} to train on; take it out of serving.log_exclude")
        else:
            notes.append(f"{name!r} is missing in {share}: earlier requests did not hold it")
    return tuple(left_out), tuple(notes)


def _without(left_out: tuple[str, ...]) -> str:
    if not left_out:
        return ""
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    return f", without {', '.join(map(repr, left_out[:_NAMED]))}{more}"


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
            values[column.name] = _nothing(len(frame), column)
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


def _nothing(size: int, column: Column) -> np.ndarray:
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


def _known(new: pd.DataFrame, old: Table, problem: Problem) -> np.ndarray:
    """Which new rows are in the old table: equal features, and equal time and entity where the table has them."""
    if not len(new):
        return np.zeros(0, dtype=bool)
    names = [
        column.name for column in old.schema.columns if column.role in ("feature", "time") or column.name == problem.data.entity_column
    ]
    names = [name for name in names if name in new]
    alike = new[names].astype({name: old.frame[name].dtype for name in names})
    return np.isin(digest_rows(alike), digest_rows(old.frame[names]))


def _within(
    old: pd.DataFrame, new: pd.DataFrame, schema: Schema, problem: Problem, days: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Timestamp]:
    if schema.time is None or schema.time.kind != "datetime":
        raise InputError("retraining.window_days needs the rows' dates: set data.time_column to a column of dates, or leave it out")
    moments = old[schema.time.name]
    since = max(moments.max(), new.index.max() if len(new) else moments.max()) - pd.Timedelta(days=days)
    return old[moments >= since], new[new.index >= since], since


def _together(problem: Problem) -> str | None:
    """The column whose values a split keeps together."""
    return (problem.data.group_column if problem.split.kind == "group" else None) or problem.data.entity_column


def _of(problem: Problem, share: float) -> SplitConfig:
    return problem.split.model_copy(update={"holdout": share})


def _leave_out(problem: Problem, schema: Schema, names: tuple[str, ...]) -> Problem:
    """The problem without features from the columns `names`, or from what is derived of them."""
    if not names:
        return problem
    columns = {name: ColumnOverride(kind=schema[name].kind, role="ignored") for name in names}
    lost, features, derived = set(names), problem.features, {}
    for name, text in features.derived.items():
        # An expression names only columns and what was derived before it.
        if lost.isdisjoint(parse(text, f"features.derived.{name}").columns):
            derived[name] = text
        else:
            lost.add(name)
    lags = tuple(lag for lag in features.lags if lag.column not in lost)
    data = problem.data.model_copy(update={"columns": {**problem.data.columns, **columns}})
    return problem.model_copy(update={"data": data, "features": features.model_copy(update={"derived": derived, "lags": lags})})


def _settled(problem: Problem, schema: Schema, old: int, new: int) -> Problem:
    """The problem with the kinds and roles that the old table was found to have, and a holdout that leaves new rows to train on."""
    columns = dict(problem.data.columns)
    named = (problem.data.entity_column, problem.data.group_column, problem.data.time_column)
    for column in schema.columns:
        if column.role not in _OVERRIDDEN:
            continue
        given = columns.get(column.name, ColumnOverride())
        role = given.role or (None if column.name in named else column.role)
        columns[column.name] = given.model_copy(update={"kind": given.kind or column.kind, "role": role})
    split = problem.split
    if split.kind == "time" and new:
        # The usual share of the whole table would hold out all that is new, and nothing would be learnt from it.
        share = LARGEST_SHARE if split.holdout == "auto" else split.holdout
        split = _of(problem, min(share, max(share * new, _SMALLEST_HOLDOUT) / (old + new)))
    return problem.model_copy(update={"data": problem.data.model_copy(update={"columns": columns}), "split": split})
