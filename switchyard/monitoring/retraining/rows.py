"""`put_together`: the rows that a model is trained on again: those of its source, and predictions whose outcome is known by now.

Every row is in the canonical types of `switchyard.tabular.tables.table`. A random or group split sends an entity to its side by its
hash, so one that was trained on before is not held out now; a time split holds out the last of the new rows, which no earlier model
has seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from switchyard.monitoring.retraining.labelled import Labelled, nothing
from switchyard.tabular.config.problem import ColumnOverride, Problem, SplitConfig
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.expressions import parse
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.split import LARGEST_SHARE, holdout_share
from switchyard.tabular.tables.table import Table, digest_rows
from switchyard.tabular.tasks import kind_of

_SMALLEST_HOLDOUT = 100
_OVERRIDDEN = ("feature", "id", "ignored")
_NAMED = 3


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
    fresh = fresh.assign(**{name: nothing(len(fresh), schema[name]) for name in new.left_out})
    last = f" until {fresh.index.max():%Y-%m-%d}" if len(fresh) else ""
    label = f"{source} ({old.revision}) and {len(fresh):,} {new.what}s{last}"
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
    if not kind_of(problem.task).target:
        # The place of the answer, which is no column of any source.
        frame = frame.drop(columns=problem.data.target, errors="ignore")
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


def _without(left_out: tuple[str, ...]) -> str:
    if not left_out:
        return ""
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    return f", without {', '.join(map(repr, left_out[:_NAMED]))}{more}"


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
