"""Columns of a chunk as the model takes them: its own read as at serving, those that name a row told apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import BadInput, ColumnReading, Contract, Match, Signature
from switchyard.bundle.encoding import MISSING, category, numbers_of
from switchyard.bundle.reading import MISSING_WORDS
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.reading.headers import UNNAMED
from switchyard.tabular.tables.reading.rows import Chunk, Rows
from switchyard.tabular.tables.typing.values import values_of

Extra = Literal["refuse", "drop", "keep"]
"""What to do with columns that are not the model's: `refuse` and `drop` speak of unknown ones, `keep` of what training left out too."""

_ENTITY_LENGTH = 255
_NAMED = 12
_WHOLE = re.compile(r"-?[0-9]+\.0+")


@dataclass(frozen=True)
class ColumnRoles:
    """What each column of a table is for."""

    keys: tuple[str, ...]
    """Go into the output as they are."""
    entity: str | None = None
    time: str | None = None
    logged: tuple[str, ...] = ()
    """Columns that training left out and the log keeps as they came."""
    notes: tuple[str, ...] = ()


def layout_of(rows: Rows, signature: Signature, problem: Problem, extra: Extra = "drop") -> ColumnRoles:
    """Tell the columns of a table apart.

    Keys are the config's entity, time and group columns and columns of role id, where the table has them, and with
    `keep` all but the target and columns of role ignored. What else training left out passes.

    Raises
    ------
    InputError
        Columns of the model are missing, or one is there that nobody knows and `extra` is refuse.
    """
    data = problem.data
    present = [name for name in rows.names if name != UNNAMED]
    time = None if data.time_column == "@row" else data.time_column
    roles = {name: override.role for name, override in data.columns.items()}
    keys = {data.entity_column, time, data.group_column, *(name for name, role in roles.items() if role in ("id", "group", "time"))}
    aside = {signature.target, data.target, *(name for name, role in roles.items() if role == "ignored")}
    try:
        match = Contract(signature, also=[name for name in keys | aside if name]).match(present)
    except BadInput as error:
        raise placed(error, 0, rows.label) from None
    if match.unknown and extra == "refuse":
        raise InputError(
            f"{rows.label}: {_are_not_the_models(match.unknown)}; "
            "--extra drop leaves such columns out, --extra keep takes them into the output"
        )
    left_out = {other.name for other in signature.others} - aside - keys
    if extra == "keep":
        keys.update(name for name in present if name not in aside and name not in {column.name for column in signature.columns})
    return ColumnRoles(
        keys=tuple(name for name in present if name in keys),
        entity=data.entity_column if data.entity_column in present else None,
        time=time if time in present else None,
        logged=tuple(name for name in present if name in left_out),
        notes=_notes(match, extra),
    )


def _notes(match: Match, extra: Extra) -> tuple[str, ...]:
    notes = []
    if match.unknown and extra == "drop":
        notes.append(f"{_are_not_the_models(match.unknown)}: left out (--extra keep takes such columns into the output)")
    if match.absent:
        notes.append(f"{', '.join(map(repr, match.absent))} did not come: missing in every row")
    return tuple(notes)


def _are_not_the_models(unknown: Sequence[str]) -> str:
    named = ", ".join(map(repr, unknown[:_NAMED])) + (f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else "")
    return f"{count_of(len(unknown), 'column')} of the table {'is' if len(unknown) == 1 else 'are'} not the model's ({named})"


def model_columns(chunk: Chunk, signature: Signature) -> dict[str, Any]:
    """The model's columns of a chunk, in types that `Scorer.encode` reads fast."""
    there = [column for column in signature.columns if column.name in chunk.columns]
    return {column.name: _values(chunk.columns[column.name], column.reading, column.name) for column in there}


def entity_name(value: Any) -> str:
    """Who a row is about, as the log knows it: pandas writes 10 as 10.0 into a table where one id is missing.

    Raises
    ------
    ValueError
        It is no name: nested, or too large.
    """
    name = category(value)
    return name.split(".")[0] if _WHOLE.fullmatch(name) else name


def entities(chunk: Chunk, column: str | None) -> list[str | None] | None:
    """Entity ids, None where missing; None where there is no such column."""
    if column is None:
        return None
    found = []
    for row, value in enumerate(chunk.columns[column].to_pylist()):
        try:
            name = entity_name(value)
        except ValueError as error:
            raise BadInput(column, row, str(error)) from None
        if len(name) > _ENTITY_LENGTH:
            raise BadInput(column, row, f"is longer than {_ENTITY_LENGTH} characters")
        found.append(None if name == category(None) else name)
    return found


def moments(chunk: Chunk, column: str | None, signature: Signature) -> list[float | None] | None:
    """Epoch seconds, None where missing; None where there is no such column."""
    if column is None:
        return None
    known = signature.moments_in(column)
    values = _values(chunk.columns[column], known, column)
    return [None if value != value else value for value in numbers_of(column, known, values).tolist()]


def placed(error: BadInput, first: int, label: str) -> InputError:
    """The error for the user: rows counted from 1, over the whole table."""
    row = "" if error.row is None else f", row {first + error.row + 1:,}:"
    return InputError(f"{label}: column {error.column!r}{row} {error.problem}")


def _values(array: pa.Array, reading: ColumnReading, name: str) -> np.ndarray:
    if reading.exact:
        # Bundles of format 1 were made when the readers of text had taken these words out.
        reading = replace(reading, missing=MISSING_WORDS)
    return values_of(array, reading).checked(name, reading)


def taken_columns(inputs: Mapping[str, np.ndarray], signature: Signature, exclude: Collection[str] = ()) -> dict[str, pa.Array]:
    """What the model took, by column: null where missing."""
    found: dict[str, pa.Array] = {}
    for column in signature.columns:
        if column.name in exclude:
            continue
        values = inputs[column.input][:, column.position]
        if column.input == "categorical":
            found[column.name] = pa.array(values, pa.string(), mask=values == MISSING)
            continue
        missing = np.isnan(values)
        if column.kind == "datetime":
            stamps = np.where(missing, 0, values * 1e6).astype("datetime64[us]")
            found[column.name] = pa.array(stamps, pa.timestamp("us"), mask=missing)
        else:
            found[column.name] = pa.array(values == 1.0 if column.kind == "boolean" else values, mask=missing)
    return found


def left_column(array: pa.Array) -> pa.Array:
    """A column that the model does not take, as the log keeps it: null where missing, what JSON has no form of as its text."""
    kind = array.type
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(array), None, array)
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return array
    return pa.array([None if value is None or value != value else str(value) for value in array.to_pylist()], pa.string())
