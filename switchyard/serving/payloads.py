"""Payloads: from the body of a prediction request, in any of its forms, to columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from switchyard.bundle import BadInput, ColumnReading
from switchyard.bundle.encoding import category
from switchyard.serving.errors import Refusal, bad_part

ROWS, JSON_DATA, NDARRAY, TENSOR, ONE = "rows", "jsonData", "ndarray", "tensor", "one"
_FORMS = 'send {"rows": [{"column": value, ...}]}, or Seldon\'s "data" with "names" and "ndarray" or "tensor", or "jsonData"'
_REQUEST = (
    'send {"user": ..., "history": [...], "k": 10, "exclude": [...], "attributes": {...}}, of which each may be left out, '
    'or several under "rows"'
)
_REFUSED = ("strData", "binData", "customData")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:~-]{1,128}")
MOST_EXPLAINED = 10
"""Rows of a request whose answers are explained: one takes some milliseconds, and others are refused meanwhile."""
_ENTITY_LENGTH = 255


@dataclass(frozen=True)
class Expected:
    """What requests are held against."""

    columns: frozenset[str]
    """Those of the model: a row that lacks one that others have is at fault."""
    known: frozenset[str]
    """With those that training left out; nobody asks what others hold."""
    max_rows: int
    entity_column: str = ""
    time_column: str = ""
    moments: ColumnReading = ColumnReading("datetime", missing=(), exact=True)  # noqa: RUF009
    """How the time column is read."""
    requests: bool = False
    """Whether a row is a request for recommendations: it may stand in the body by itself, and its fields may come with some rows only."""


@dataclass
class Request:
    """A prediction request that is well formed; whether its values suit the model, the scorer says."""

    columns: dict[str, list[Any]]
    """As they came, without those that only the log takes an interest in; each of shape (rows,)."""
    rows: int
    form: str
    """Which the answer takes too."""
    request_id: str | None = None
    """The request's id as the client gave it."""
    entity_ids: list[str | None] | None = None
    event_times: list[float | None] | None = None
    """Epoch seconds."""
    logged: dict[str, list[Any]] = field(default_factory=dict)
    """The columns with those too."""
    explain: bool = False
    """Whether the answer must come with its reasons."""


def parse(message: Any, expected: Expected) -> Request:
    """The request that `message`, a decoded JSON body, makes.

    Raises
    ------
    Refusal
        Names the part of the body, or the column and row, that is wrong.
    """
    if not isinstance(message, dict):
        raise bad_part("body", f"must be a JSON object; {_FORMS}")
    present = [key for key in ("rows", "data", "jsonData", *_REFUSED) if key in message]
    alone = expected.requests and not present
    if expected.requests:
        message, present = _as_rows(message, present)
    if len(present) != 1 or present[0] in _REFUSED:
        problem = f"has {' and '.join(present)}; " if present else "has no data; "
        raise bad_part("body", problem + _FORMS)
    request_id, entity = _meta(message.get("meta"))
    content = message[present[0]]
    if present[0] == "data":
        columns, form = _from_data(content, expected)
    else:
        form = ONE if alone else present[0]
        columns = _from_rows(_rows_of_json(content) if form == JSON_DATA else content, form, expected)
    rows = len(next(iter(columns.values()), ()))
    explain = message.get("explain", False)
    if not isinstance(explain, bool):
        raise bad_part("explain", "must be true or false")
    request = Request(columns, rows, form, request_id, logged=columns, explain=explain)
    if entity is not None:
        request.entity_ids = [entity] * rows
    if expected.entity_column or expected.time_column:
        _take_aside(request, expected)
    return request


def _as_rows(message: dict[str, Any], present: list[str]) -> tuple[dict[str, Any], list[str]]:
    """A message that is a request itself as one with a row of it."""
    if present == ["data"]:
        raise bad_part("data", f"can't hold a request for recommendations; {_REQUEST}")
    if present:
        return message, present
    request = {name: value for name, value in message.items() if name != "meta"}
    if not request:
        raise bad_part("body", f"has no request; {_REQUEST}")
    return {"meta": message.get("meta"), ROWS: [request]}, [ROWS]


def _meta(meta: Any) -> tuple[str | None, str | None]:
    """Request id and entity id, where the client sent them in the message."""
    if meta is None:
        return None, None
    if not isinstance(meta, dict):
        raise bad_part("meta", "must be an object")
    tags = meta.get("tags")
    if tags is not None and not isinstance(tags, dict):
        raise bad_part("meta.tags", "must be an object")
    identity, entity = meta.get("puid"), (tags or {}).get("entity_id")
    return (
        None if identity in (None, "") else request_id_of(identity, "meta.puid"),
        None if entity is None else entity_of(entity, "meta.tags.entity_id"),
    )


def request_id_of(value: Any, part: str) -> str:
    """`value` as a request id; `part` is where it was sent."""
    if not isinstance(value, str) or not _REQUEST_ID.fullmatch(value):
        raise bad_part(part, "must be 1 to 128 letters, digits or . _ : ~ -")
    return value


def entity_of(value: Any, part: str, row: int | None = None) -> str | None:
    """`value` as an entity id, None where missing."""
    try:
        name = category(value)
    except ValueError as error:
        raise bad_part(part, str(error), row) from None
    if len(name) > _ENTITY_LENGTH or min(name) < " ":
        raise bad_part(part, f"must be at most {_ENTITY_LENGTH} characters, none of them a control character", row)
    return None if name == category(None) else name


def _rows_of_json(content: Any) -> Any:
    if isinstance(content, dict):
        return content["rows"] if isinstance(content.get("rows"), list) else [content]
    return content


def _check_count(count: int, part: str, expected: Expected) -> None:
    if not count:
        raise bad_part(part, "is empty; send at least one row")
    if count > expected.max_rows:
        raise bad_part(part, f"has {count} rows; at most {expected.max_rows} are taken at once")


def _from_rows(rows: Any, part: str, expected: Expected) -> dict[str, list[Any]]:
    if not isinstance(rows, list):
        raise bad_part(part, "must be a list of objects, one for each row")
    _check_count(len(rows), part, expected)
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise bad_part(part, "must be an object of column names and values", index)
    first = rows[0]
    if len(rows) == 1:
        return {name: [value] for name, value in first.items()}
    if all(row.keys() == first.keys() for row in rows):
        return {name: [row[name] for row in rows] for name in first}
    names = dict.fromkeys(name for row in rows for name in row)
    # What the model does not use may come with some rows only; what it uses may be misspelt in this one.
    # Both are empty where none is known, and a stranger's name may be empty too.
    named = {expected.entity_column, expected.time_column} - {"", None}
    everywhere = [] if expected.requests else [name for name in names if name in expected.columns or name in named]
    for index, row in enumerate(rows):
        for name in everywhere:
            if name not in row:
                raise bad_part(name, "is missing, though other rows have it; send null where it is not known", index)
    return {name: [row.get(name) for row in rows] if name in expected.known else [] for name in names}


def _from_data(data: Any, expected: Expected) -> tuple[dict[str, list[Any]], str]:
    if not isinstance(data, dict):
        raise bad_part("data", "must be an object")
    forms = [key for key in (NDARRAY, TENSOR, "tftensor") if key in data]
    if forms not in ([NDARRAY], [TENSOR]):
        raise bad_part("data", 'must have either "ndarray" or "tensor"')
    names, form = data.get("names"), forms[0]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_part("data.names", "must be the list of the columns' names, in the order of the values")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise bad_part(name, "is named twice in data.names")
        seen.add(name)
    values = _ndarray(data[NDARRAY], len(names), expected) if form == NDARRAY else _tensor(data[TENSOR], len(names), expected)
    return dict(zip(names, map(list, zip(*values)))) if names else {}, form


def _ndarray(rows: Any, width: int, expected: Expected) -> list[list[Any]]:
    if not isinstance(rows, list):
        raise bad_part("data.ndarray", "must be a list of rows")
    _check_count(len(rows), "data.ndarray", expected)
    for index, row in enumerate(rows):
        if not isinstance(row, list):
            raise bad_part("data.ndarray", "must be a list of values: the array has two dimensions", index)
        if len(row) != width:
            raise bad_part("data.ndarray", f"has {len(row)} values, but data.names has {width}", index)
    return rows


def _tensor(tensor: Any, width: int, expected: Expected) -> list[list[Any]]:
    if not isinstance(tensor, dict):
        raise bad_part("data.tensor", 'must be an object with "shape" and "values"')
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(size) is int and size >= 0 for size in shape):
        raise bad_part("data.tensor.shape", "must be two numbers: rows and columns")
    if shape[1] != width:
        raise bad_part("data.tensor.shape", f"has {shape[1]} columns, but data.names has {width}")
    _check_count(shape[0], "data.tensor", expected)
    if not isinstance(values, list) or len(values) != shape[0] * shape[1]:
        raise bad_part("data.tensor.values", f"must be a list of {shape[0] * shape[1]} values, as the shape says")
    return [values[start : start + width] for start in range(0, len(values), width)] if width else []


def _take_aside(request: Request, expected: Expected) -> None:
    """Entity and event time out of the rows; columns that the model does not use are kept from it."""
    entities, times = request.columns.get(expected.entity_column), request.columns.get(expected.time_column)
    if entities is not None:
        request.entity_ids = [entity_of(value, expected.entity_column, row) for row, value in enumerate(entities)]
    if times is not None:
        request.event_times = [_moment(value, expected, row) for row, value in enumerate(times)]
    aside = {expected.entity_column, expected.time_column} - expected.columns
    request.columns = {name: values for name, values in request.columns.items() if name not in aside}


def _moment(value: Any, expected: Expected, row: int) -> float | None:
    try:
        moment = expected.moments.value(value)
    except ValueError as error:
        raise Refusal.of(BadInput(expected.time_column, row, str(error))) from None
    return None if moment != moment else moment
