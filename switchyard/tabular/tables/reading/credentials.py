"""Names of sources that are safe to show: no user, password, token or signed query."""

from __future__ import annotations

import re

STAGED = "log:"
"""What the source of a table begins with that a retraining put together (`switchyard.tabular.tables.reading.staged`)."""

_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/@?#\s]*(?:@[^/@?#\s]*)*@")
_QUERY = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://[^?#\s]*)[?#]\S*")

_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@?#\s:]*:[^/?#\s]+@")
_SIGNED = re.compile(
    r"://\S*[?&](?:[\w.-]*(?:password|passwd|token|secret|signature|credential|api_?key)|sig|pwd|key)=[^&\s]", re.IGNORECASE
)


def without_credentials(text: str) -> str:
    """`text` with users, passwords and query strings removed from every URL in it.

    Query strings go because signed URLs and database URLs carry secrets there.
    """
    return _QUERY.sub(r"\g<head>", _AUTHORITY.sub(r"\g<scheme>", text))


def holds_secret(text: str) -> bool:
    """Whether a URL in `text` carries a password, a token or a signature."""
    return bool(_PASSWORD.search(text) or _SIGNED.search(text))


def first_line(error: BaseException) -> str:
    """What `error` says, in one line, with credentials removed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return without_credentials(lines[0] if lines else type(error).__name__)
