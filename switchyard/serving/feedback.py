"""Feedback: from the body of a feedback request to labels by prediction id."""

from __future__ import annotations

import re
from typing import Any

from switchyard.bundle import Signature
from switchyard.bundle.encoding import is_missing
from switchyard.predictionlog.records import prediction_id
from switchyard.serving.errors import bad_part
from switchyard.serving.payloads import request_id_of

_WHERE = 'send {"prediction_id": ..., "label": ...}, or Seldon\'s feedback with "response.meta.puid" and "truth"'
_ROW = re.compile(r"(.*)/([1-9][0-9]{0,6})", re.DOTALL)


def labels_of(message: Any, signature: Signature, max_rows: int) -> list[tuple[str, str]]:
    """The labels in `message`, a decoded JSON body: pairs of prediction id and label.

    Raises
    ------
    Refusal
        Names the part that is wrong; for a label that is no class of the model, the classes.
    """
    if not isinstance(message, dict):
        raise bad_part("body", f"must be a JSON object; {_WHERE}")
    if "prediction_id" in message:
        identity = _prediction_id(message["prediction_id"], "prediction_id")
        return [(identity, _label(message.get("label"), "label", None, signature))]
    identity = _prediction_id(_puid(message), "response.meta.puid")
    truth = _truth(message.get("truth"))
    if not truth or len(truth) > max_rows:
        raise bad_part("truth", f"has {len(truth)} labels; send one for each row, {max_rows} at most")
    if len(truth) > 1 and "/" in identity:
        raise bad_part("truth", f"has {len(truth)} labels for the one row that {identity!r} names")
    labels = [_label(value, "truth", row, signature) for row, value in enumerate(truth)]
    return [(prediction_id(identity, row), label) for row, label in enumerate(labels)]


def _prediction_id(value: Any, part: str) -> str:
    row = _ROW.fullmatch(value) if isinstance(value, str) else None
    request_id_of(row[1] if row else value, part)
    return value


def _puid(message: dict[str, Any]) -> Any:
    place: Any = message.get("response")
    for key in ("meta", "puid"):
        place = place.get(key) if isinstance(place, dict) else None
    if not place:
        raise bad_part("response.meta.puid", f"is missing; {_WHERE}")
    return place


def _truth(truth: Any) -> list[Any]:
    """The labels in a Seldon message, one for each row."""
    if not isinstance(truth, dict):
        raise bad_part("truth", f"is missing; {_WHERE}")
    if "strData" in truth:
        return [truth["strData"]]
    values: Any = truth.get("jsonData")
    data = truth.get("data")
    if isinstance(data, dict):
        tensor = data.get("tensor")
        values = tensor.get("values") if isinstance(tensor, dict) else data.get("ndarray")
    if not isinstance(values, list):
        values = [values]
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]


def _label(value: Any, part: str, row: int | None, signature: Signature) -> str:
    if is_missing(value):
        raise bad_part(part, "has no value", row)
    try:
        return signature.label_of(value)
    except ValueError as error:
        raise bad_part(part, str(error), row) from None
