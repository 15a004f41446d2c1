"""JSON schemas of requests and answers: what the service takes, no more and no less, as far as a schema can say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switchyard.bundle import Column, Other, Sets, Signature
from switchyard.bundle.requests import MOST_ANSWERS, MOST_ATTRIBUTES, MOST_ITEMS
from switchyard.bundle.sets import ANSWER, REVIEW
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.bundle.unlike import Unlike
from switchyard.serving.payloads import MOST_EXPLAINED

Json = dict[str, Any]

REQUEST_ID: Json = {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{1,128}$"}
REQUEST_ID_HEADER: Json = {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{0,128}$", "description": "An empty one counts as none."}
ENTITY: Json = {
    "anyOf": [{"type": "string", "pattern": "^[^\\u0000-\\u001f]{0,255}$"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}],
    "description": "An empty one counts as none.",
}
ENTITY_HEADER: Json = {"type": "string", "pattern": "^[!-~]{0,255}$", "description": "An empty one counts as none."}

META: Json = {
    "type": "object",
    "properties": {
        "puid": {"type": "string", "description": "The prediction id of the first row; row k has `<puid>/<k>`."},
        "tags": {
            "type": "object",
            "description": "The model's name, version and digest; what was odd about the request.",
        },
    },
}

ERROR: Json = {
    "type": "object",
    "properties": {
        "status": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "info": {"type": "string", "description": "What is wrong, and what to send instead."},
                "reason": {"type": "string"},
                "status": {"type": "string"},
            },
        },
        "error": {
            "type": "object",
            "properties": {
                "column": {"type": ["string", "null"], "description": "The column, or the part of the body, at fault."},
                "row": {"type": ["integer", "null"], "description": "Counted from 0."},
                "problem": {"type": "string"},
            },
        },
    },
}

EXPLANATION: Json = {
    "type": "object",
    "description": "Where it was asked for: `base` and the amounts of all contributions add up to `value`.",
    "properties": {
        "of": {"type": "string", "description": "What is explained: the probability of a class, or the target."},
        "value": {"type": "number"},
        "base": {"type": "number", "description": "Mean answer to the background, rows of the bundle's examples."},
        "background_rows": {"type": "integer"},
        "contributions": {
            "type": "array",
            "description": "The largest first.",
            "items": {
                "type": "object",
                "properties": {
                    "column": {"type": "string"},
                    "value": {"description": "As it came."},
                    "amount": {"type": "number"},
                    "error": {"type": "number", "description": "Standard error of the sampling; 0 where nothing was sampled."},
                },
                "required": ["column", "value", "amount", "error"],
            },
        },
        "principal_reasons": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Of a refusal: up to four columns that led to it, the strongest first.",
        },
        "words": {"type": "string", "description": "The columns that moved the answer most."},
    },
    "required": ["of", "value", "base", "background_rows", "contributions", "words"],
}
_NULL: Json = {"type": "null"}
_BLANK: Json = {"type": "string", "pattern": "^ *$"}
_NUMBER_TEXT: Json = {"type": "string", "pattern": "^[-+]?[0-9]{1,15}([.][0-9]{1,15})?$"}
_MOMENT_TEXT: Json = {
    "type": "string",
    "pattern": (
        "^(1[7-9]|2[01])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?Z?)?$"
    ),
}
_FLAGS = [0, 1, "0", "1", "true", "false", "yes", "no", "t", "f", "y", "n"]
# Moments that a database can keep: the years 1678 to 2261.
_EPOCH: Json = {"type": "number", "minimum": -9_214_560_000, "exclusiveMaximum": 9_214_646_400}
_KINDS: dict[str, list[Json]] = {
    "numeric": [{"type": "number"}, {"type": "boolean"}, _NUMBER_TEXT, _BLANK, _NULL],
    "boolean": [{"type": "boolean"}, {"enum": _FLAGS}, _BLANK, _NULL],
    "datetime": [_MOMENT_TEXT, _EPOCH, _BLANK, _NULL],
    "categorical": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, _NULL],
    "text": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, _NULL],
    "id": [{"type": "string"}, {"type": "number"}, _NULL],
    "ids": [{"type": "array", "maxItems": MOST_ITEMS, "items": {"type": ["string", "number"]}}, _NULL],
    "count": [{"type": "integer", "minimum": 1, "maximum": MOST_ANSWERS}, _NULL],
    "attributes": [
        {
            "type": "object",
            "maxProperties": MOST_ATTRIBUTES,
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        },
        _NULL,
    ],
    "entity": [{"type": "string", "pattern": "^[ -~]{0,255}$"}, {"type": "integer"}, _NULL],
}
_ALL_DATA = ("rows", "data", "jsonData", "strData", "binData", "customData")


def column(described: Column) -> Json:
    """One value of a column. Null is a value that is not known; unknown categories are taken as such."""
    parts = []
    if described.missing:
        parts.append(f"{described.missing:.1%} missing in training")
    if described.minimum is not None and described.maximum is not None:
        parts.append(f"{described.minimum:g} to {described.maximum:g} in training")
    if described.categories:
        parts.append(f"categories in training: {described.shown_categories}")
    return {"description": f"{described.kind}. " + "; ".join(parts), "anyOf": _KINDS[described.kind]}


def row(columns: Sequence[Column], others: Sequence[Other]) -> Json:
    """One row as an object; any value will do for `others`, columns that training left out, and for those that nobody knows."""
    properties = {described.name: column(described) for described in columns}
    properties |= {other.name: {"description": f"{other.kind}. Not used by the model ({other.role})"} for other in others}
    required = [described.name for described in columns if described.input and not described.optional]
    return {"type": "object", "properties": properties, "required": required}


def prediction_request(columns: Sequence[Column], max_rows: int, requests: bool = False) -> Json:
    """A request in one of its forms; one for reasons too has fewer rows; of a recommender (`requests`) a row may stand by itself."""
    if requests:
        one: Json = {"allOf": [{"$ref": "#/components/schemas/Row"}], "properties": dict.fromkeys(_ALL_DATA, False), "minProperties": 1}
        return {"oneOf": [one, *_forms(columns, max_rows, {"const": False}, arrays=False)]}
    with_reasons = _forms(columns, min(max_rows, MOST_EXPLAINED), {"const": True}, needed=True)
    return {"oneOf": [*_forms(columns, max_rows, {"const": False}), *with_reasons]}


def explanation_request(columns: Sequence[Column], max_rows: int) -> Json:
    """A request for reasons in one of its forms."""
    return {"oneOf": _forms(columns, min(max_rows, MOST_EXPLAINED), {"type": "boolean"})}


def _forms(columns: Sequence[Column], max_rows: int, explain: Json, needed: bool = False, arrays: bool = True) -> list[Json]:
    """A request's forms; no array holds a row of a recommender."""
    names = [described.name for described in columns]
    rows: Json = {"type": "array", "minItems": 1, "maxItems": max_rows, "items": {"$ref": "#/components/schemas/Row"}}
    cells: Json = {
        "type": "array",
        "prefixItems": [{"anyOf": _KINDS[described.kind]} for described in columns],
        "minItems": len(names),
        "maxItems": len(names),
    }
    named: Json = {"const": names, "description": "In any order, as long as the values have the same."}
    ndarray = {
        "names": named,
        "ndarray": {"type": "array", "minItems": 1, "maxItems": max_rows, "items": cells},
        "tensor": False,
        "tftensor": False,
    }
    tensor = {
        "names": named,
        "tensor": {
            "type": "object",
            "description": "Any number of rows: the shape is rows and columns, the values row after row. Described here for one.",
            "properties": {"shape": {"const": [1, len(names)]}, "values": cells},
            "required": ["shape", "values"],
        },
        "ndarray": False,
        "tftensor": False,
    }
    data: Json = {
        "oneOf": [
            {"type": "object", "properties": ndarray, "required": ["names", "ndarray"]},
            {"type": "object", "properties": tensor, "required": ["names", "tensor"]},
        ]
    }
    wrapped: Json = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    found = [_only("rows", rows), *([_only("data", data)] if arrays else []), _only("jsonData", {"anyOf": [wrapped, rows]})]
    for form in found:
        form["properties"]["explain"] = {**explain, "description": "Whether the answer comes with its reasons."}
        form["required"] += ["explain"] if needed else []
    return found


def _only(key: str, schema: Json) -> Json:
    """A message whose data stands under `key` and nowhere else."""
    puid = {"anyOf": [REQUEST_ID_HEADER, _NULL]}
    tags = {"type": ["object", "null"], "properties": {"entity_id": ENTITY}}
    meta = {"type": ["object", "null"], "properties": {"puid": puid, "tags": tags}}
    properties = {other: False for other in _ALL_DATA if other != key}
    return {"type": "object", "properties": {key: schema, "meta": meta, **properties}, "required": [key]}


def prediction_answer(signature: Signature) -> Json:
    """An answer in one of its forms."""
    number = {"type": "number"}
    if signature.classes:
        fields: Json = {
            "label": {"enum": list(signature.classes)},
            "confidence": {**number, "description": "The label's probability."},
            "probabilities": {"type": "object", "properties": {name: number for name in signature.classes}},
            **(_sets(signature.sets, signature.classes) if signature.sets else {}),
            **(_distances(signature.unlike) if signature.unlike else {}),
        }
    elif signature.task == RECOMMENDATION:
        texts: Json = {"type": "array", "items": {"type": "string"}}
        fields = {
            "items": {**texts, "description": "Best first."},
            "scores": {"type": "array", "items": number, "description": "Deviations of the catalogue's scores above their mean."},
            "titles": {**texts, "description": "Empty text where none is known."},
            "because": {**texts, "description": "The item of the history that speaks most for each; empty where it is only popular."},
            "notes": {**texts, "description": "What was left aside."},
        }
    else:
        fields = {"prediction": number}
        if signature.interval:
            text = f"of the interval that holds {signature.interval.coverage:.0%} of the outcomes"
            fields |= {"lower": {**number, "description": f"Lower end {text}."}, "upper": {**number, "description": f"Upper end {text}."}}
        if signature.quantiles:
            levels = {name: number for name in signature.quantiles.names}
            said = f"By level, {signature.quantiles.words}; they never cross."
            fields["quantiles"] = {"type": "object", "properties": levels, "required": list(levels), "description": said}
    properties = {"prediction_id": {"type": "string"}, **fields, "explanation": EXPLANATION}
    item = {"type": "object", "properties": properties, "required": ["prediction_id", *fields]}
    predictions: Json = {"type": "object", "properties": {"predictions": {"type": "array", "items": item}}, "required": ["predictions"]}
    meta: Json = {"$ref": "#/components/schemas/Meta"}
    forms = {"jsonData": predictions, "data": {"type": "object"}}
    wrapped = [{"type": "object", "properties": {key: form, "meta": meta}, "required": [key, "meta"]} for key, form in forms.items()]
    plain = {**predictions, "properties": {**predictions["properties"], "meta": meta}, "required": ["predictions", "meta"]}
    if signature.task == RECOMMENDATION:
        named: Json = {"prediction_id": {"type": "string"}, **fields, "meta": meta}
        one: Json = {"type": "object", "properties": named, "required": list(named)}
        return {"oneOf": [one, plain, wrapped[0]]}
    return {"oneOf": [plain, *wrapped]}


def _sets(sets: Sets, classes: Sequence[str]) -> Json:
    promise = f"Classes that can't be ruled out, the most probable first; it holds {sets.words}, and may be empty."
    fields: Json = {"set": {"type": "array", "items": {"enum": list(classes)}, "description": promise}}
    if sets.review_above is not None:
        text = f"{REVIEW} where the set is empty or holds more than {sets.review_above}"
        fields["decision"] = {"enum": [REVIEW, ANSWER], "description": text}
    return fields


def _distances(unlike: Unlike) -> Json:
    return {
        "distance": {"type": "number", "minimum": 0, "description": "From the centre of the group that is the label."},
        "unlike": {"type": "boolean", "description": f"Whether the row is like no group: {unlike.words}."},
    }


def feedback_request(signature: Signature, max_rows: int) -> Json:
    """Feedback in one of its forms."""
    label: Json = {"enum": list(signature.classes)} if signature.classes else {"type": "number"}
    if signature.task == RECOMMENDATION:
        label = {"type": ["string", "number"], "description": "The item that was taken."}
    simple: Json = {
        "type": "object",
        "properties": {"prediction_id": {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{1,128}(/[1-9][0-9]{0,6})?$"}, "label": label},
        "required": ["prediction_id", "label"],
    }
    meta: Json = {"type": "object", "properties": {"puid": REQUEST_ID}, "required": ["puid"]}
    truth: Json = {
        "type": "object",
        "properties": {
            "data": {
                "type": "object",
                "properties": {"ndarray": {"type": "array", "minItems": 1, "maxItems": max_rows, "items": label}, "tensor": False},
                "required": ["ndarray"],
            },
            "strData": False,
        },
        "required": ["data"],
    }
    seldon: Json = {
        "type": "object",
        "properties": {
            "prediction_id": False,
            "response": {"type": "object", "properties": {"meta": meta}, "required": ["meta"]},
            "truth": truth,
        },
        "required": ["response", "truth"],
    }
    return {"oneOf": [simple, seldon]}
