"""Parts of the listener that need nothing but the door: its rate, and what is written of each request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switchyard.serving.frontdoor.state import Door
from switchyard.serving.frontdoor.tokens import Token

Json = dict[str, Any]

TYPE = "type.googleapis.com/envoy"
CLIENT_HEADER = "x-client"
LISTENER = "frontdoor"
AUTH, RATE = "envoy.filters.http.api_key_auth", "envoy.filters.http.local_ratelimit"
_FILLS = 20
"""Times a second that a bucket is filled; once where fewer requests a second are let through."""
_MOST_CLIENTS = 10_000
"""Whose buckets are kept at a time; of more, those that were asked last."""
_NOBODY = "-"
"""An empty list would allow everybody."""


def clients(tokens: Sequence[Token], scope: str = "") -> Json:
    """Who may come in, by Envoy's API key authentication; for a path of `scope`, or any where none is named.

    Whoever has a token for other paths only is known, and refused with 403; where a client has one of each kind, the one
    that is not for this path is unknown here, since clients are allowed by their names.
    """
    allowed = {token.client for token in tokens if not scope or scope in token.scopes}
    known = [token for token in tokens if not scope or scope in token.scopes or token.client not in allowed]
    return {
        "@type": f"{TYPE}.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute",
        "credentials": [{"key": token.value, "client": token.client} for token in sorted(known, key=lambda token: token.value)],
        "forwarding": {"header": CLIENT_HEADER, "hide_credentials": True},
        **({"allowed_clients": sorted(allowed) or [_NOBODY]} if scope else {}),
    }


def rate_limit(door: Door) -> Json:
    """Settings of Envoy's local rate limit: one bucket for all, and one for each client where clients have a limit of their own."""
    whole = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    of_client = door.requests_per_second_of_client if door.authentication else 0
    # Buckets of clients are filled at multiples of the common one's interval, or Envoy takes neither.
    is_slow = min(door.requests_per_second, of_client or door.requests_per_second) < _FILLS
    return {
        "stat_prefix": LISTENER,
        "token_bucket": _bucket(door.requests_per_second, is_slow),
        "filter_enabled": whole,
        "filter_enforced": whole,
        "response_headers_to_add": [{"append_action": "OVERWRITE_IF_EXISTS_OR_ADD", "header": {"key": "retry-after", "value": "1"}}],
        **(_of_clients(of_client, is_slow) if of_client else {}),
    }


def _bucket(per_second: int, is_slow: bool) -> Json:
    if is_slow:
        return {"max_tokens": per_second, "tokens_per_fill": per_second, "fill_interval": "1s"}
    return {"max_tokens": per_second, "tokens_per_fill": per_second // _FILLS, "fill_interval": "0.05s"}


def _of_clients(per_second: int, is_slow: bool) -> Json:
    """A bucket for each value of the header that authentication sets."""
    action = {"request_headers": {"header_name": CLIENT_HEADER, "descriptor_key": "client"}}
    descriptor = {"entries": [{"key": "client"}], "token_bucket": _bucket(per_second, is_slow)}
    return {"rate_limits": [{"actions": [action]}], "descriptors": [descriptor], "max_dynamic_descriptors": _MOST_CLIENTS}


def access_log(path: str) -> Json:
    """One JSON object a line: who, what, how long and which version; no payload, no query, no token."""
    fields = {
        "time": "%START_TIME%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "client": f"%REQ({CLIENT_HEADER.upper()})%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ)%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "version": "%UPSTREAM_CLUSTER%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "milliseconds": "%DURATION%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
    }
    kind = f"{TYPE}.extensions.access_loggers.file.v3.FileAccessLog"
    return {"name": "envoy.access_loggers.file", "typed_config": {"@type": kind, "path": path, "log_format": {"json_format": fields}}}
