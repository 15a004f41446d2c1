"""What Envoy says when it answers itself: the same JSON that the service's own refusals have."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_INFO = {
    400: ("BAD_REQUEST", "the request is not HTTP as it should be"),
    401: ("UNAUTHORIZED", "send the header 'Authorization: Bearer TOKEN' with a token of this service"),
    403: ("FORBIDDEN", "this token is not for this path; its scopes are in the token file"),
    404: ("NOT_FOUND", "there is nothing at this path; /seldon.json describes the paths"),
    408: ("TIMEOUT", "the request did not arrive in time"),
    413: ("TOO_LARGE", "the body is too large; send fewer rows at once"),
    426: ("BAD_REQUEST", "this version of HTTP is not spoken here; use HTTP/1.1"),
    429: ("TOO_MANY", "more requests than allowed; try again after a moment"),
    431: ("TOO_LARGE", "the headers are too large"),
    501: ("BAD_REQUEST", "this transfer encoding is not taken; send content-length, or chunked"),
    502: ("UNAVAILABLE", "the model's answer was none; try again"),
    503: ("UNAVAILABLE", "the model can't be reached; try again"),
    504: ("TIMEOUT", "the model did not answer in time; try again"),
}


_HEADERS = {401: [{"header": {"key": "www-authenticate", "value": "Bearer"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]}


def local_replies() -> Json:
    """Envoy's `local_reply_config`."""
    return {
        "mappers": [
            {"filter": _status_is(status), "body_format_override": _body(reason, info), "headers_to_add": _HEADERS.get(status, [])}
            for status, (reason, info) in _INFO.items()
        ],
        "body_format": _body("PROXY", "%LOCAL_REPLY_BODY%"),
    }


def _status_is(status: int) -> Json:
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": {"default_value": status, "runtime_key": f"replies.{status}"}}}}


def _body(reason: str, info: str) -> Json:
    status = {"code": "%RESPONSE_CODE%", "info": info, "reason": reason, "status": "FAILURE"}
    return {"json_format": {"status": status, "error": {"column": None, "row": None, "problem": info}}}
