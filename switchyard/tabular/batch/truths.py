"""`Truths`: a table of labels, one a row, by prediction id or by entity and time; checked before any is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from switchyard.bundle import BadInput, Signature
from switchyard.bundle.encoding import category, is_missing
from switchyard.tabular.batch.columns import entity_name
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.rows import Chunk, Rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 5
_SCORED = ("prediction_id", "model", "version", "digest")
"""Columns that every table has which inference wrote."""
_ID_LENGTH, _ENTITY_LENGTH = 160, 255


@dataclass(frozen=True)
class TruthColumns:
    """Which column is what."""

    label: str
    prediction_id: str | None = None
    entity: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class Truth:
    """What turned out to be true of one prediction."""

    value: str
    prediction_id: str | None = None
    entity_id: str | None = None
    event_time: datetime | None = None


def truth_columns(rows: Rows, problem: Problem, signature: Signature, given: TruthColumns | None = None) -> TruthColumns:
    """Find the columns: those that are named, else by the usual names.

    Labels stand under `label`, or under the target's name. They are joined by `prediction_id` where there is such a
    column, else by `entity_id`, or the config's entity column, and `event_time`, or the config's time column.

    Where the table is one that inference wrote, `label` is the model's own answer and no label.

    Raises
    ------
    InputError
        One that is needed is not there.
    """
    present, data = set(rows.names), problem.data
    usual = set(present)
    if scored := present.issuperset(_SCORED):
        usual.discard("label")
    named = given or TruthColumns("")
    for option, name in (("label", named.label), ("id", named.prediction_id), ("entity", named.entity), ("time", named.time)):
        if name and name not in present:
            raise InputError(f"{rows.label}: there is no column {name!r} (--{option}-column){did_you_mean(name, rows.names)}")
    label = named.label or _first(usual, "label", signature.target, data.target, "actual")
    if label is None and scored:
        raise InputError(
            f"{rows.label} is a table that inference wrote, and its column 'label' the model's own answers; put what really happened"
            f" into a column {signature.target!r}, or name that by --label-column"
        )
    if label is None:
        raise InputError(f"{rows.label}: no column 'label' or {signature.target!r} holds the labels; name it with --label-column")
    by_id = named.prediction_id or (None if named.entity else _first(present, "prediction_id"))
    if by_id:
        return TruthColumns(label, prediction_id=by_id)
    entity = named.entity or _first(present, "entity_id", data.entity_column)
    time = named.time or _first(present, "event_time", None if data.time_column == "@row" else data.time_column, "time")
    if entity is None or time is None:
        lacking = "'prediction_id', nor one that names the entity" if entity is None else "that says when"
        raise InputError(
            f"{rows.label}: there is no column {lacking}; labels are joined by --id-column, or by --entity-column and --time-column"
        )
    return TruthColumns(label, entity=entity, time=time)


def check_truths(rows: Rows, columns: TruthColumns, signature: Signature) -> int:
    """Read all labels and count them.

    Raises
    ------
    InputError
        Names the first bad rows, and how many there are.
    """
    bad: list[str] = []
    count = found = 0
    for chunk in rows.chunks():
        for place, cells in enumerate(_cells(chunk, columns)):
            try:
                _truth(cells, columns, signature)
            except BadInput as error:
                found += 1
                if len(bad) < _SHOWN:
                    bad.append(f"row {chunk.first + place + 1:,}, {error.column}: {error.problem}")
        count += chunk.size
    if found:
        more = f" (and {found - len(bad):,} more)" if found > len(bad) else ""
        wrong = "1 row is" if found == 1 else f"{found:,} rows are"
        raise InputError(f"{rows.label}: {wrong} wrong, nothing was joined: {'; '.join(bad)}{more}")
    if not count:
        raise InputError(f"{rows.label} has no rows")
    return count


def read_truths(rows: Rows, columns: TruthColumns, signature: Signature) -> Iterator[Truth]:
    """The labels of a checked table, in its order."""
    for chunk in rows.chunks():
        for cells in _cells(chunk, columns):
            yield _truth(cells, columns, signature)


def _first(present: set[str], *names: str | None) -> str | None:
    return next((name for name in names if name in present), None)


def _cells(chunk: Chunk, columns: TruthColumns) -> Iterator[tuple[Any, ...]]:
    names = (columns.label, columns.prediction_id, columns.entity, columns.time)
    lists: list[Sequence[Any]] = [[None] * chunk.size if name is None else chunk.columns[name].to_pylist() for name in names]
    return zip(*lists, strict=True)


def _truth(cells: tuple[Any, ...], columns: TruthColumns, signature: Signature) -> Truth:
    label, identity, entity, moment = cells
    value = _label(label, columns.label, signature)
    if columns.prediction_id:
        return Truth(value, prediction_id=_name(identity, columns.prediction_id, _ID_LENGTH, "prediction id"))
    assert columns.entity is not None and columns.time is not None  # `truth_columns` sees to it.
    try:
        seconds = signature.moments_in(columns.time).value(moment)
    except ValueError as error:
        raise BadInput(columns.time, None, str(error)) from None
    if seconds != seconds:
        raise BadInput(columns.time, None, "there is no time")
    return Truth(value, entity_id=_name(entity, columns.entity, _ENTITY_LENGTH, "entity"), event_time=_EPOCH + timedelta(seconds=seconds))


def _name(value: Any, column: str, longest: int, what: str) -> str:
    if is_missing(value):
        raise BadInput(column, None, f"there is no {what}")
    try:
        name = entity_name(value) if what == "entity" else category(value)
    except ValueError as error:
        raise BadInput(column, None, str(error)) from None
    if len(name) > longest:
        raise BadInput(column, None, f"is longer than {longest} characters")
    return name


def _label(value: Any, column: str, signature: Signature) -> str:
    if is_missing(value):
        raise BadInput(column, None, "there is no label")
    try:
        return signature.label_of(value)
    except ValueError as error:
        raise BadInput(column, None, str(error)) from None
