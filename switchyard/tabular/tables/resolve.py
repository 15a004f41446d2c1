"""`resolve`: from a table as read to a `Table` in canonical types and a `Problem` with nothing left at "auto".

Every decision carries its reason (`Column.reason`), every loss is a note, and all of it can be overridden in
`data.columns` and the other keys of the config.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from switchyard.bundle.seen import hash_categories
from switchyard.tabular.config.problem import Kind, Problem, Role
from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.copies import drop_copies
from switchyard.tabular.tables.reading.headers import NO_HEADER, looks_like_data
from switchyard.tabular.tables.reading.sources import RawTable
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.settling import settle
from switchyard.tabular.tables.table import Table
from switchyard.tabular.tables.typing.counts import settle_objective
from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.readings import Reading, as_dates
from switchyard.tabular.tables.typing.roles import role_of
from switchyard.tabular.tables.typing.series import order_series
from switchyard.tabular.tables.typing.surroundings import Surroundings, surroundings_of
from switchyard.tabular.tables.typing.targets import (
    FEWEST_ROWS,
    Target,
    read_target,
    target_to_find,
)
from switchyard.tabular.tables.weights import check_weighing, check_weights, weight_column, with_weight
from switchyard.tabular.tasks import TASKS, kind_of, metric_of

log = logging.getLogger(__name__)
_MAX_CATEGORIES = 1000
_NAMING: tuple[Role, ...] = ("id", "group")
"""Roles whose values are names: kept as text, whatever they look like."""


class Resolution(NamedTuple):
    """What `resolve` found: `table, problem, notes = resolve(raw, problem)`."""

    table: Table
    problem: Problem
    notes: tuple[str, ...]
    """What was decided, left out or read as missing, one sentence each, for the user to see."""


def resolve(raw: RawTable, problem: Problem, fewest: int = FEWEST_ROWS) -> Resolution:
    """Decide kinds, roles, task, metric, positive class and split kind.

    Parameters
    ----------
    raw : RawTable
        From `switchyard.tabular.tables.reading.sources.read_source`.
    problem : Problem
        What the user says; it always wins over inference.
    fewest : int
        Rows with a label that there must be.

    Returns
    -------
    Resolution
        Rows without a label are not in the table.

    Raises
    ------
    InputError
        When the config names columns that are not there, or the data cannot be learnt from.
    """
    if not kind_of(problem.task).columns:
        raise InputError("a recommendation is not learnt from columns: switchyard.recommend(frame), or run.py --pipeline training")
    check_names(problem, list(map(str, raw.frame.columns)), raw.source)
    said = _said_roles(problem)
    override = problem.data.columns.get(problem.data.target)
    around = surroundings_of(raw.frame)
    frame, numbers, unweighed = with_weight(raw.frame, problem, around.of(problem.data.columns.get(weight_column(problem) or "")))
    kind = override.kind if override else None
    name = problem.data.target
    if _is_given(problem):
        target = read_target(frame[name], name, problem.task, kind, fewest, around.of(override))
    else:
        target = target_to_find(len(frame), problem.task, fewest)
        frame = frame.assign(**{name: target.values})
    problem, counted = settle_objective(problem, target.values, numbers[target.labelled])
    metric = metric_of(target.task, problem.metric).name
    check_weighing(problem, metric)
    rows = numbers[target.labelled]
    columns, values, notes = [], {}, [*raw.notes, *unweighed, *target.notes, *counted]
    for place, name in enumerate(frame.columns):
        if name == problem.data.target:
            column, cells = _target_column(name, target)
        else:
            series = frame[name] if target.labelled.all() else frame[name][target.labelled]
            override = problem.data.columns.get(name)
            kind, is_first = override.kind if override else None, place == 0 and len(frame.columns) > 2
            column, cells, found = _feature_column(series, name, kind, said.get(name), rows, is_first, around.of(override))
            notes += found
        columns.append(column)
        values[name] = cells
    schema = Schema(columns=tuple(columns))
    notes += _of_texts(schema) if _is_given(problem) else []
    if _is_given(problem) and (series := order_series(problem, schema, values, said)):
        schema, note = series
        notes.append(note)
    _require_features(schema, problem, raw.source)
    settled, more = settle(problem, schema, target, metric)
    notes += more
    table = Table(pd.DataFrame(values), schema, raw.source, raw.revision)
    if problem.quality.duplicate_rows == "drop":
        table, more = drop_copies(table)
        notes += more
    for note in notes:
        log.debug("%s: %s", raw.source, note)
    return Resolution(table, settled, tuple(notes))


def _require_features(schema: Schema, problem: Problem, source: str) -> None:
    if not schema.features:
        aim = f"to predict {problem.data.target!r} from" if _is_given(problem) else "to find groups in"
        raise InputError(f"{source}: no column is left {aim}: {_why_none(schema)}")


def _of_texts(schema: Schema) -> list[str]:
    """A note for each column that is free text."""
    return [
        f"{column.name!r} is {column.reason}, learnt from by its words and pairs of words; "
        f"data.columns.{column.name}.role: ignored leaves it out"
        for column in schema.features
        if column.kind == "text"
    ]


def _is_given(problem: Problem) -> bool:
    """Whether the table has the target."""
    return problem.task == "auto" or TASKS[problem.task].target


def check_names(problem: Problem, names: Sequence[str], source: str) -> None:
    """Raise an `InputError` where the config names a column that is none of the table's `names`."""
    data, given = problem.data, _is_given(problem)
    if not given and data.target in names:
        raise InputError(
            f"{source} has a column {data.target!r}, as the answer is called; call the answer otherwise with clustering.answer: segment"
        )
    if given and data.target not in names:
        headless = f" ({NO_HEADER})" if looks_like_data(names) else ""
        raise InputError(f"target {data.target!r} is not a column of {source}{did_you_mean(data.target, names)}{headless}")
    named = [("data.time_column", data.time_column if data.time_column != "@row" else None)]
    named += [("data.group_column", data.group_column), ("data.entity_column", data.entity_column), ("data.weight", data.weight)]
    named += [("data.slice_columns", name) for name in data.slice_columns] + [("data.columns", name) for name in data.columns]
    for key, name in named:
        if name is not None and name not in names:
            raise InputError(f"{key}: {name!r} is not a column of {source}{did_you_mean(name, names)}")


def _said_roles(problem: Problem) -> dict[str, tuple[Role, str]]:
    """Column -> the role that the config gives it, and where."""
    data = problem.data
    said: dict[str, tuple[Role, str]] = {}
    for name, override in data.columns.items():
        if override.role is not None:
            said[name] = (override.role, "set in data.columns")
        if (override.role == "target") != (name == data.target) and override.role is not None:
            raise InputError(f"data.columns: {name!r} has role {override.role}, but data.target is {data.target!r}")
    keys: tuple[tuple[Role, str, str | None], ...] = (
        ("id", "data.entity_column", data.entity_column),
        ("group", "data.group_column", data.group_column),
        ("time", "data.time_column", data.time_column if data.time_column != "@row" else None),
        ("weight", "data.weight", data.weight),
    )
    for role, key, chosen in keys:
        if chosen is None:
            continue
        others = [other for other, (given, _) in said.items() if given == role and other != chosen and role != "id"]
        if others:
            raise InputError(f"{key} is {chosen!r}, but data.columns gives the role {role} to {others[0]!r}")
        said[chosen] = (role, f"{key}")
    for role in ("time", "group", "weight"):
        several = [name for name, (given, _) in said.items() if given == role]
        if len(several) > 1:
            raise InputError(f"data.columns gives the role {role} to {' and '.join(map(repr, several))}; give it to one")
    return said


def _target_column(name: str, target: Target) -> tuple[Column, np.ndarray]:
    if target.task == "regression":
        reading = Reading(target.values, target.how, target.reason, integer=bool((target.values == np.floor(target.values)).all()))
        return _column(name, reading, "target", f"{target.task}: {target.reason}"), target.values
    reading = Reading(target.values, target.how, target.reason)
    return _column(name, reading, "target", f"{target.task}: {target.reason}"), target.values


def _feature_column(
    series: pd.Series,
    name: str,
    kind: Kind | None,
    said: tuple[Role, str] | None,
    rows: np.ndarray,
    leads: bool,
    around: Surroundings,
) -> tuple[Column, np.ndarray, list[str]]:
    if kind is None and said and said[0] in _NAMING:
        kind = "categorical"
    if said and said[0] == "weight":
        kind = "numeric"
    reading = read_column(series, name, kind, rows, around)
    notes = list(reading.notes)
    if said and said[0] == "time":
        reading = _time(reading, name, kind)
    if said and said[0] == "weight":
        check_weights(reading.values, series, name, rows)
    if said:
        role, reason = said
        if role == "feature" and not reading.usable:
            raise InputError(f"data.columns: {name!r} cannot be a feature: {reading.reason}")
        return _column(name, reading, role, f"{reading.reason}; {reason}"), reading.values, notes
    distinct = int(pd.Series(reading.values, copy=False).nunique())
    if kind is None and reading.kind == "numeric" and (dates := as_dates(reading, name, None)) is not None:
        notes.append(f"{name!r} holds {dates.reason}; data.columns.{name}.kind: numeric makes it numbers")
        reading = dates
    role, why, as_category = role_of(name, reading, distinct, leads)
    if kind is not None and role == "feature":
        as_category, why = False, "kind set in data.columns"
    if as_category:
        reading = reading.read_as("categorical", "codes", codes=True)
    if role == "id" and not reading.digits and not np.isin(reading.kind, ("categorical", "text")):
        reading = reading.read_as("categorical", reading.reason, codes=reading.kind != "datetime")
    reason = "; ".join(part for part in (reading.reason, why) if part)
    return _column(name, reading, role, reason, distinct), reading.values, notes


def _time(reading: Reading, name: str, kind: Kind | None) -> Reading:
    """A time column as dates or, where it holds plain numbers, as these; whole numbers like 20260131 are dates."""
    if reading.lost:
        raise InputError(f"time column {reading.notes[0]}; mend these rows, since a split by time needs every date")
    if reading.kind == "numeric":
        return (as_dates(reading, name, None) if kind is None else None) or reading
    if reading.kind != "datetime":
        way_out = "write dates as 2026-01-31, or use @row for file order"
        raise InputError(f"time column {name!r} is {reading.kind} ({reading.reason}), not dates or numbers; {way_out}")
    return reading


def _column(name: str, reading: Reading, role: Role, reason: str, distinct: int | None = None) -> Column:
    cells = pd.Series(reading.values, copy=False)
    missing = float(cells.isna().mean())
    low = high = None
    categories: tuple[str, ...] = ()
    hashes = ""
    if reading.kind in ("categorical", "text"):
        if role in ("feature", "target") and reading.kind == "categorical":
            counts = cells.value_counts()
            distinct = len(counts)
            # Ties by name, so that the order of the rows does not matter.
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            categories = tuple(label for label, _ in ordered[:_MAX_CATEGORIES])
            hashes = hash_categories(counts.index) if role == "feature" and distinct > _MAX_CATEGORIES else ""
    elif missing < 1:
        low, high = cells.min(), cells.max()
        if reading.kind == "datetime":
            low, high = low.timestamp(), high.timestamp()
    distinct = int(cells.nunique()) if distinct is None else distinct
    return Column(
        name=name,
        kind=reading.kind,
        role=role,
        missing=missing,
        unique=distinct,
        integer=reading.integer,
        minimum=None if low is None else float(low),
        maximum=None if high is None else float(high),
        categories=categories,
        hashes=hashes,
        reason=reason,
        reading=reading.how if reading.usable else None,
    )


def _why_none(schema: Schema) -> str:
    others = [f"{column.name} ({column.role}: {column.reason})" for column in schema.columns if column.role != "target"]
    if not others:
        return "the target is the only column"
    return ", ".join(others[:5]) + "; set their role to feature in data.columns if they are one"
