"""Records: what one journal entry says, and the table rows that it becomes."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Rows = list[dict[str, Any]]

VERIFICATION = "verify-"
"""What the ids of requests begin with by which a deployment proves a version: nobody's predictions, in no window and no count."""

BATCH = "batch"
"""Role of predictions of whole tables: they answer no request, and count in no comparison of versions that answer some."""

INPUT, PROBABILITY = "input.", "probability."
"""What the names of columns begin with that hold an input, or a class's probability, in the log's frames and in what clients get."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)
_ANSWERS = ("probabilities", "label", "prediction", "lower", "upper")


def prediction_id(request_id: str, row: int) -> str:
    """The id of one row's prediction: the request's own for its first row, then `<request id>/<row>`."""
    return f"{request_id}/{row}" if row else request_id


def prediction_record(
    *,
    request_id: str,
    origin: Mapping[str, str],
    inputs: Mapping[str, Sequence[Any]],
    answers: Mapping[str, Sequence[Any] | None],
    entity_ids: Sequence[str | None] | None = None,
    event_times: Sequence[float | None] | None = None,
    exclude: frozenset[str] = frozenset(),
    moment: float | None = None,
) -> bytes:
    """One request with its answer, as a journal entry.

    Parameters
    ----------
    request_id : str
    origin : mapping
        `model`, `version`, `digest` and `role`.
    inputs : mapping of column name to JSON values of shape (n,)
    answers : mapping
        `label` and `probabilities` (a mapping of class to probability for each row), or `prediction`, `lower` and
        `upper`; each of shape (n,) or None.
    entity_ids, event_times : sequence of shape (n,), optional
        Event times in epoch seconds; the moment of the request where None.
    exclude : frozenset of str
        Columns that must not be kept.
    moment : float, optional
        Of the request, in epoch seconds; now by default.
    """
    kept = {name: values for name, values in inputs.items() if name not in exclude} if exclude else inputs
    record = {
        "kind": "prediction",
        "request": request_id,
        "origin": origin,
        "time": time.time() if moment is None else moment,
        "entities": entity_ids,
        "events": event_times,
        "inputs": kept,
        "answers": answers,
    }
    return _ENCODER.encode(record).encode("ascii")


def content_of(record: bytes) -> bytes:
    """What an entry of `prediction_record` says of entities, inputs and answers: equal where a request is sent again."""
    return record[record.index(b'"entities":') :]


def label_record(prediction: str, value: str, source: str = "feedback") -> bytes:
    """One label for the prediction with that id, as a journal entry. It has an id of its own, so that it is kept once."""
    record = {"kind": "label", "id": uuid.uuid4().hex, "prediction": prediction, "value": value, "source": source, "time": time.time()}
    return _ENCODER.encode(record).encode("ascii")


def rows_of(payload: bytes) -> tuple[Rows, Rows]:
    """The rows of `predictions` and of `labels` that a journal entry becomes; ValueError where it is no such entry."""
    # NaN and infinities are no JSON to PostgreSQL and MariaDB; a value that is not there is null.
    record = json.loads(payload, parse_constant=lambda _name: None)
    try:
        if record["kind"] == "label":
            return [], [_label_row(record)]
        if record["kind"] == "prediction":
            return prediction_rows(record), []
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"an entry of kind {record.get('kind')!r} lacks {error}") from None
    raise ValueError(f"entries of kind {record['kind']!r} are unknown")


def _label_row(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "label_id": record["id"],
        "prediction_id": record["prediction"],
        "value": record["value"],
        "received": moment_of(record["time"]),
        "source": record["source"],
    }


def prediction_rows(record: dict[str, Any], first: int = 0) -> Rows:
    """The rows of one decoded entry of kind prediction; `first` is the number of its first row within the request."""
    answers, origin = record["answers"], record["origin"]
    count = len(next(values for values in answers.values() if values is not None))
    received = moment_of(record["time"])
    rows = []
    for row in range(count):
        event = record["events"][row] if record["events"] else None
        rows.append(
            {
                "prediction_id": prediction_id(record["request"], first + row),
                "request_id": record["request"],
                "row": first + row,
                "role": origin["role"],
                "entity_id": record["entities"][row] if record["entities"] else None,
                "time": received,
                "event_time": received if event is None else moment_of(event),
                "model": origin["model"],
                "version": origin["version"],
                "digest": origin["digest"],
                "inputs": {name: values[row] for name, values in record["inputs"].items()},
                **{key: (answers[key][row] if answers.get(key) is not None else None) for key in _ANSWERS},
            }
        )
    return rows


def moment_of(epoch_seconds: float) -> datetime:
    """Epoch seconds as the tables keep moments: UTC without a zone."""
    return datetime.fromtimestamp(epoch_seconds, UTC).replace(tzinfo=None)
