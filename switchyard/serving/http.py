"""The `Endpoint`: the paths that predictions take, straight from gunicorn to the predictor.

Stands before the stock Flask application and hands it the rest. Flask's request handling and Seldon's metrics cost
more than the model does; and what they refuse, they refuse as an error of ours.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

import orjson

from switchyard.serving import apipage
from switchyard.serving.errors import Refusal, bad_part
from switchyard.serving.exposition import CONTENT_TYPE
from switchyard.serving.payloads import entity_of, request_id_of
from switchyard.serving.predictor import Predictor

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]

PREDICTIONS = ("/api/v1.0/predictions", "/api/v0.1/predictions", "/predict")
EXPLANATIONS = ("/api/v1.0/explain", "/explain")
FEEDBACK = ("/api/v1.0/feedback", "/api/v0.1/feedback", "/send-feedback")
OPENAPI = ("/seldon.json", "/openapi.json")
METRICS = "/metrics"
PING = "/health/ping"
STATUS = ("/health/status", "/api/v1.0/health/status")
STOCK = (PING, *STATUS, "/metadata", "/api/v1.0/metadata")
"""Left to the stock application."""
_READ = {*STOCK, *OPENAPI, *apipage.PATHS, METRICS}

_JSON = "application/json"
_PHRASES = {
    200: "200 OK",
    400: "400 Bad Request",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    409: "409 Conflict",
    413: "413 Payload Too Large",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}
Act = Callable[[Environ, bytes], dict[str, Any]]
"""Answers a request's body, as JSON will have it."""
_DIGITS = re.compile(r"[0-9]{1,18}")


class Endpoint:
    """A WSGI application around `stock`.

    Parameters
    ----------
    predictor : Predictor
    stock : callable
        The wrapper's own WSGI application.
    openapi : bytes
        The document that describes the paths.
    """

    def __init__(self, predictor: Predictor, stock: Wsgi, openapi: bytes) -> None:
        self._predictor, self._stock, self._openapi = predictor, stock, openapi
        self._posts: dict[str, tuple[str, Act]] = {path: ("predictions", self._predict) for path in PREDICTIONS}
        self._posts |= {path: ("explanations", self._explain) for path in EXPLANATIONS}
        self._posts |= {path: ("feedback", self._feedback) for path in FEEDBACK}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._route(environ, start)
        return () if environ["REQUEST_METHOD"] == "HEAD" else answer

    def _route(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        post = self._posts.get(path)
        if post is not None and method == "POST":
            return self._answer(environ, start, *post)
        if post is not None or (method not in ("GET", "HEAD") and (path in _READ)):
            allowed = "POST" if post else "GET"
            refusal = Refusal(f"{method[:20]} is not taken here; use {allowed}", status=405, reason="METHOD_NOT_ALLOWED")
            return send(start, 405, orjson.dumps(refusal.body()), extra=[("Allow", allowed)])
        if path in STOCK:
            return self._stock(environ, start)
        if path in OPENAPI:
            return send(start, 200, self._openapi)
        if path in apipage.PATHS:
            page = apipage.page(path)
            return send(start, 200, page.body, page.kind, page.headers)
        if path == METRICS:
            return send(start, 200, self._predictor.metrics.text().encode(), CONTENT_TYPE)
        return send(start, 404, orjson.dumps(Refusal("there is nothing at this path", status=404, reason="NOT_FOUND").body()))

    def _answer(self, environ: Environ, start: Start, path: str, act: Act) -> Iterable[bytes]:
        began, code = perf_counter(), 200
        try:
            body = orjson.dumps(act(environ, self._read(environ)))
        except Refusal as refusal:
            code, body = refusal.status, orjson.dumps(refusal.body())
        except Exception:
            # The boundary: whatever went wrong, the client gets JSON and the log the trace.
            logger.exception("a request to %s failed", path)
            code, body = 500, orjson.dumps(Refusal("an error of the server's own", status=500, reason="INTERNAL").body())
        self._predictor.metrics.request(path, code, perf_counter() - began)
        return send(start, code, body)

    def _predict(self, environ: Environ, body: bytes) -> dict[str, Any]:
        request_id, entity_id = environ.get("HTTP_X_REQUEST_ID"), environ.get("HTTP_X_ENTITY_ID")
        if request_id:
            request_id_of(request_id, "header x-request-id")
        if entity_id:
            try:
                # WSGI hands headers over as latin-1, whatever they are.
                entity_id = entity_of(entity_id.encode("latin-1").decode(), "header x-entity-id")
            except UnicodeDecodeError:
                raise bad_part("header x-entity-id", "is not UTF-8") from None
        return self._predictor.predict(_decoded(body), request_id or None, entity_id or None)

    def _explain(self, environ: Environ, body: bytes) -> dict[str, Any]:
        request_id = environ.get("HTTP_X_REQUEST_ID")
        if request_id:
            request_id_of(request_id, "header x-request-id")
        return self._predictor.explain(_decoded(body), request_id or None)

    def _feedback(self, _environ: Environ, body: bytes) -> dict[str, Any]:
        return self._predictor.feedback(_decoded(body))

    def _read(self, environ: Environ) -> bytes:
        length, limit = environ.get("CONTENT_LENGTH") or "", self._predictor.settings.max_bytes
        if length and not _DIGITS.fullmatch(length):
            raise bad_part("header content-length", "is no number")
        # A body in chunks has no length; one byte more than is allowed tells that it is too long.
        wanted = int(length) if length else limit + 1
        if wanted > limit and length:
            raise _too_large(limit)
        try:
            body = environ["wsgi.input"].read(wanted)
        except OSError as error:
            raise Refusal(f"the body could not be read: {error}", reason="NOT_JSON", column="body") from None
        if len(body) > limit:
            raise _too_large(limit)
        return body


def _too_large(limit: int) -> Refusal:
    return Refusal(f"the body is larger than {limit} bytes; send fewer rows at once", status=413, reason="TOO_LARGE")


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(f"the body is not JSON: {error}", reason="NOT_JSON", column="body") from None


def send(start: Start, code: int, body: bytes, kind: str = _JSON, extra: Iterable[tuple[str, str]] = ()) -> list[bytes]:
    """Begin the answer with `code`; returns its body."""
    start(_PHRASES[code], [("Content-Type", kind), ("Content-Length", str(len(body))), *extra])
    return [body]
