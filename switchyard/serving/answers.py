"""Answers: from what the scorer says to the body of a response, in the form of the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from switchyard.bundle import Answer, Signature
from switchyard.bundle.explainer import Reasons
from switchyard.bundle.quantiles import QUANTILE
from switchyard.predictionlog.records import prediction_id
from switchyard.serving.payloads import JSON_DATA, NDARRAY, ONE, ROWS, TENSOR

LISTS = ("items", "scores", "titles", "because", "notes")
Columns = dict[str, "list[Any] | None"]
EXPLANATION, QUANTILES = "explanation", "quantiles"
_TAGS = {"set": "sets", "decision": "decisions", "distance": "distances", "unlike": "unlike"}
"""What stands with the tags of an answer whose place for data holds the probabilities."""


def columns_of(answer: Answer, signature: Signature) -> Columns:
    """The answer as plain lists by name, each of shape (rows,), None where the task has no such thing.

    `label`, `confidence` (the label's probability) and `probabilities` (by class), with `set` (the classes that are in it, the
    most probable first), `decision`, `distance` and `unlike` where the model has them; or `prediction`, `lower`, `upper`
    and `quantiles` (by level); or what a recommendation has.
    """
    if answer.recommendations is not None:
        listed = [one.fields() for one in answer.recommendations]
        return {name: [one[name] for one in listed] for name in LISTS}
    if answer.probabilities is not None and answer.label_index is not None:
        probabilities = answer.probabilities.tolist()
        indices = answer.label_index.tolist()
        columns: Columns = {
            "label": answer.labels,
            "confidence": [row[index] for row, index in zip(probabilities, indices)],
            "probabilities": [dict(zip(signature.classes, row)) for row in probabilities],
        }
        if signature.sets is not None and answer.members is not None:
            named = _named_sets(answer.probabilities, answer.members, signature.classes)
            columns |= {"set": named, "decision": signature.sets.decisions(answer.members)}
        if answer.distance is not None and answer.unlike is not None:
            columns |= {"distance": answer.distance.tolist(), "unlike": answer.unlike.tolist()}
        return columns
    return {
        "prediction": _numbers(answer.prediction),
        "lower": _numbers(answer.lower),
        "upper": _numbers(answer.upper),
        **_quantiles(answer, signature),
    }


def _quantiles(answer: Answer, signature: Signature) -> Columns:
    if signature.quantiles is None or answer.quantiles is None:
        return {}
    names = signature.quantiles.names
    return {QUANTILES: [dict(zip(names, row)) for row in answer.quantiles.tolist()]}


def logged(columns: Columns) -> Columns:
    """What the prediction log keeps of `columns_of`.

    Of a recommendation the score by item, best first, and as label the first item; a distance takes the place of a prediction.
    """
    items, scores = columns.get("items"), columns.get("scores")
    if items is None or scores is None:
        return {**columns, "prediction": columns["distance"]} if "distance" in columns else columns
    return {
        "label": [row[0] if row else None for row in items],
        "probabilities": [dict(zip(row, values)) for row, values in zip(items, scores)],
    }


def _named_sets(probabilities: np.ndarray, members: np.ndarray, classes: Sequence[str]) -> list[list[str]]:
    ranked = np.argsort(-probabilities, axis=1, kind="stable").tolist()
    return [[classes[code] for code in order if held[code]] for order, held in zip(ranked, members.tolist())]


def _numbers(values: Any) -> list[float] | None:
    return None if values is None else values.reshape(-1).tolist()


def explanation_of(reasons: Reasons, background: int, sent: Mapping[str, Sequence[Any]], row: int) -> dict[str, Any]:
    """The reasons of one answer as plain JSON; `sent` are the columns as they came."""
    shown = {name: values[row] for name, values in sent.items() if row < len(values)}
    return {
        "of": reasons.explained,
        "value": reasons.value,
        "base": reasons.base,
        "background_rows": background,
        "contributions": [
            {"column": part.column, "value": shown.get(part.column), "amount": part.amount, "error": part.error}
            for part in reasons.contributions
        ],
        "words": reasons.words(shown),
    }


def body_of(columns: Columns, form: str, request_id: str, signature: Signature, tags: dict[str, Any]) -> dict[str, Any]:
    """The response's body.

    Parameters
    ----------
    columns : dict
        Of `columns_of`.
    form : str
        Of the request: rows, jsonData, ndarray, tensor, or one.
    request_id : str
        Becomes `meta.puid`: the prediction id of the first row; the others' are in `predictions`, or `<puid>/<row>`.
    tags : dict
        The model's name, version and digest, and marks of odd columns.
    """
    meta: dict[str, Any] = {"puid": request_id, "tags": tags}
    if form == ONE:
        return {**_predictions(columns, request_id)[0], "meta": meta}
    if form in (ROWS, JSON_DATA):
        predictions = _predictions(columns, request_id)
        return {"predictions": predictions, "meta": meta} if form == ROWS else {"jsonData": {"predictions": predictions}, "meta": meta}
    if signature.classes:
        names, values = list(signature.classes), [list(row.values()) for row in columns["probabilities"] or ()]
        # A Seldon message has one place for data; the rest of the answer stands with the tags.
        meta["tags"] = {**tags, "labels": columns["label"], "confidence": columns["confidence"]}
        meta["tags"] |= {tag: columns[name] for name, tag in _TAGS.items() if columns.get(name) is not None}
    else:
        flat_columns = {name: column for name, column in columns.items() if column is not None and name not in (EXPLANATION, QUANTILES)}
        for level in signature.quantiles.names if signature.quantiles else ():
            flat_columns[QUANTILE + level] = [row[level] for row in columns.get(QUANTILES) or ()]
        names, values = list(flat_columns), [list(row) for row in zip(*flat_columns.values())]
    if columns.get(EXPLANATION) is not None:
        meta["tags"] = {**meta["tags"], f"{EXPLANATION}s": columns[EXPLANATION]}
    if form == NDARRAY:
        return {"data": {"names": names, "ndarray": values}, "meta": meta}
    flat = [value for row in values for value in row]
    return {"data": {"names": names, TENSOR: {"shape": [len(values), len(names)], "values": flat}}, "meta": meta}


def _predictions(columns: Columns, request_id: str) -> list[dict[str, Any]]:
    kept = {name: values for name, values in columns.items() if values is not None}
    rows = zip(*kept.values())
    return [{"prediction_id": prediction_id(request_id, row), **dict(zip(kept, values))} for row, values in enumerate(rows)]
