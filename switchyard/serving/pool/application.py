"""`PoolEndpoint`: the WSGI application of a pool: finds the request's model by its header and hands the request to that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from switchyard.serving.errors import Refusal
from switchyard.serving.exposition import CONTENT_TYPE
from switchyard.serving.http import METRICS, PING, STATUS, Environ, Start, send
from switchyard.serving.pool.residents import Resident, Residents
from switchyard.serving.predictor import log_status
from switchyard.serving.sockets import MEMBER_HEADER

_VARIABLE = "HTTP_" + MEMBER_HEADER.upper().replace("-", "_")


class PoolEndpoint:
    """Answers for all models of `residents`; without a model named, for the pool itself: its health."""

    def __init__(self, residents: Residents) -> None:
        self._residents = residents

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._route(environ, start)
        return () if environ["REQUEST_METHOD"] == "HEAD" else answer

    def _route(self, environ: Environ, start: Start) -> Iterable[bytes]:
        member, path = environ.get(_VARIABLE, ""), environ["PATH_INFO"]
        reads = environ["REQUEST_METHOD"] in ("GET", "HEAD")
        try:
            if reads and path == PING:
                return send(start, 200, b"pong", "text/plain")
            if reads and path in STATUS:
                return send(start, 200, orjson.dumps(self._status(member)))
            if not member:
                raise Refusal("no model is named", status=404, reason="NOT_FOUND")
            if reads and path == METRICS:
                return send(start, 200, self._residents.metrics(member).text().encode(), CONTENT_TYPE)
            resident = self._residents.get(member)
        except Refusal as refusal:
            return send(start, refusal.status, orjson.dumps(refusal.body()))
        return resident.endpoint(environ, start)

    def _status(self, member: str) -> dict[str, Any]:
        journal = self._residents.shared.journal
        if not member:
            return log_status(journal, {"members": sum(1 for _ in self._residents.members.all())}, {})
        found = self._residents.check(member)
        if isinstance(found, Resident):
            return found.predictor.status()
        tags = {"model": found.name, "version": found.version, "digest": found.digest}
        return log_status(journal, {"loaded": False}, tags)
