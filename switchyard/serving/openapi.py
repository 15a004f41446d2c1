"""The OpenAPI document of one model's service, with its own columns, and Seldon's metadata of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from switchyard.bundle import Column, Other, Signature
from switchyard.bundle.explainer import EXPLAINED
from switchyard.bundle.quantiles import QUANTILE
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.predictionlog.records import prediction_id
from switchyard.serving import schemas
from switchyard.serving.settings import Settings

Json = dict[str, Any]

_RESPONSES = {
    "400": ("BadRequest", "The body is not as described; the answer names the column, and the row counted from 0."),
    "401": ("Unauthorized", "The bearer token is missing or unknown."),
    "403": ("Forbidden", "The bearer token is for other paths."),
    "409": ("IdUsed", "The request id was used for another request; send a new one."),
    "413": ("TooLarge", "The body is too large; send fewer rows at once."),
    "429": ("TooMany", "More requests than allowed, or another answer is being explained; try again after a moment."),
    "503": ("Unavailable", "The service is starting, or can't log the prediction; try again."),
}


def document(signature: Signature, tags: Mapping[str, str], examples: Sequence[Mapping[str, Any]], settings: Settings) -> bytes:
    """The document as JSON.

    Parameters
    ----------
    signature : Signature
    tags : mapping
        Model, version and digest.
    examples : sequence of dict
        Of the bundle: `row` and `answer`.
    settings : Settings
    """
    columns = [*signature.columns, *_columns_aside(signature, settings)]
    names = [column.name for column in signature.columns]
    requests = signature.task == RECOMMENDATION
    rows = [example["row"] for example in examples[:2]]
    answers = [example["answer"] for example in examples[:2]]
    described = {
        "openapi": "3.1.0",
        "info": {
            "title": tags["model"],
            "version": tags["version"],
            "description": f"Predicts {_code(signature.target)} ({signature.task}). The model's digest is {tags['digest']}.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearerAuth": []}],
        "paths": {
            "/api/v1.0/predictions": {"post": _predictions(rows, answers, names, requests)},
            **({"/api/v1.0/explain": {"post": _explain(rows)}} if signature.task in EXPLAINED else {}),
            "/api/v1.0/feedback": {"post": _feedback(signature)},
            "/health/status": {"get": _health()},
            "/api/v1.0/metadata": {
                "get": _get("metadata", "Name, version and columns; the digest among the custom fields.", "The metadata.")
            },
            "/seldon.json": {"get": _get("openapi", "This document.", "The document.")},
        },
        "components": {
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
            "responses": {name: _response(text, "Error") for name, text in _RESPONSES.values()},
            "schemas": {
                "Row": schemas.row(columns, _others(signature, columns)),
                "PredictionRequest": schemas.prediction_request(signature.columns, settings.max_rows, requests),
                "ExplanationRequest": schemas.explanation_request(signature.columns, settings.max_rows),
                "PredictionAnswer": schemas.prediction_answer(signature),
                "FeedbackRequest": schemas.feedback_request(signature, settings.max_rows),
                "Meta": schemas.META,
                "Error": schemas.ERROR,
            },
        },
    }
    return orjson.dumps(described)


def _columns_aside(signature: Signature, settings: Settings) -> list[Column]:
    """Columns that only the log takes an interest in."""
    known = {column.name for column in signature.columns}
    aside = ((settings.entity_column, "entity"), (settings.time_column, "datetime"))
    return [Column(name, kind, "", -1) for name, kind in aside if name and name not in known]


def _others(signature: Signature, columns: Sequence[Column]) -> list[Other]:
    """What training left out and may come, without the answer."""
    described = {column.name for column in columns} | {signature.target}
    return [other for other in signature.others if other.name not in described]


def _predictions(rows: list[Json], answers: list[Json], names: list[str], requests: bool) -> Json:
    values = [[row[name] for name in names] for row in rows]
    examples = {
        "rows": {"value": {"rows": rows}},
        "ndarray": {"value": {"data": {"names": names, "ndarray": values}}},
        "jsonData": {"value": {"jsonData": {"rows": rows}}},
    }
    if requests:
        examples = {"one": {"value": rows[0] if rows else {}}, "rows": examples["rows"]}
    predictions = [{"prediction_id": prediction_id("4f1c", index), **answer} for index, answer in enumerate(answers)]
    return {
        "operationId": "predict",
        "summary": "Score rows.",
        "description": "An answer takes the form of its request. A request that is sent again under its id is logged once.",
        "parameters": [_header("x-request-id", schemas.REQUEST_ID_HEADER), _header("x-entity-id", schemas.ENTITY_HEADER)],
        "requestBody": _body("PredictionRequest", examples if rows else {}),
        "responses": _answers(
            _response("The predictions.", "PredictionAnswer", {"rows": {"value": {"predictions": predictions, "meta": {"puid": "4f1c"}}}})
        ),
    }


def _explain(rows: list[Json]) -> Json:
    return {
        "operationId": "explain",
        "summary": "Score rows and say why.",
        "description": "As predictions with `explain`, but no prediction is logged. One is made at a time; 429 while another is.",
        "requestBody": _body("ExplanationRequest", {"rows": {"value": {"rows": rows[:1]}}} if rows else {}),
        "responses": _answers(_response("The predictions, each with its explanation.", "PredictionAnswer")),
    }


def _feedback(signature: Signature) -> Json:
    label: Any = signature.classes[0] if signature.classes else ("i17" if signature.task == RECOMMENDATION else 1.5)
    examples = {
        "by prediction id": {"value": {"prediction_id": "4f1c", "label": label}},
        "Seldon": {"value": {"response": {"meta": {"puid": "4f1c"}}, "truth": {"data": {"ndarray": [label]}}}},
    }
    return {
        "operationId": "sendFeedback",
        "summary": "Say what really happened.",
        "description": "The last label of a prediction holds; all are kept. A label may come before its prediction is in the database.",
        "requestBody": _body("FeedbackRequest", examples),
        "responses": {code: answer for code, answer in _answers(_response("The labels are taken.")).items() if code != "409"},
    }


def _get(operation: str, summary: str, answer: str) -> Json:
    responses = {"200": _response(answer), **{code: _reference(code) for code in ("401", "429", "503")}}
    return {"operationId": operation, "summary": summary, "responses": responses}


def _health() -> Json:
    """Machines that probe have no token, and no rate holds them off."""
    responses = {"200": _response("Ready."), "503": _reference("503")}
    return {"operationId": "health", "summary": "Whether the model answers.", "security": [], "responses": responses}


def _answers(good: Json) -> Json:
    return {"200": good, **{code: _reference(code) for code in _RESPONSES}}


def _reference(code: str) -> Json:
    return {"$ref": f"#/components/responses/{_RESPONSES[code][0]}"}


def _response(text: str, schema: str | None = None, examples: Json | None = None) -> Json:
    content: Json = {"schema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}}
    if examples:
        content["examples"] = examples
    return {"description": text, "content": {"application/json": content}}


def _body(schema: str, examples: Json) -> Json:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, **({"examples": examples} if examples else {})}
    return {"required": True, "content": {"application/json": content}}


def _header(name: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "schema": schema}


def metadata(signature: Signature, tags: Mapping[str, str]) -> Json:
    """Seldon's metadata of the model; custom fields must be text there."""
    outputs = list(signature.classes) or ["prediction", *(["lower", "upper"] if signature.interval else [])]
    outputs += [QUANTILE + name for name in signature.quantiles.names] if signature.quantiles else []
    if signature.task == RECOMMENDATION:
        outputs = ["items", "scores", "titles", "because"]
    custom = {"digest": tags["digest"], "task": signature.task, "target": signature.target}
    if signature.threshold is not None:
        custom |= {"positive_class": str(signature.positive_class), "threshold": repr(signature.threshold)}
    names = [column.name for column in signature.columns]
    return {
        "name": tags["model"],
        "versions": [tags["version"]],
        "platform": "onnx",
        "inputs": [{"messagetype": "ndarray", "schema": {"names": names, "shape": [len(names)]}}],
        "outputs": [{"messagetype": "ndarray", "schema": {"names": outputs, "shape": [len(outputs)]}}],
        "custom": custom,
    }


def _code(name: str) -> str:
    # Descriptions are Markdown, in which a name must stay a name.
    return f"`{' '.join(name.replace('`', ' ').split())}`"
