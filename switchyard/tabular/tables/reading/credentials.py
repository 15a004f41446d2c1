"""Names of sources that are safe to show: no user, password, token or signed query."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

STAGED = "log:"
"""What the source of a table begins with that a retraining put together (`switchyard.tabular.tables.reading.staged`)."""

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://(?P<rest>(?:(?![,;|'\"()<>=][A-Za-z][A-Za-z0-9+.-]{0,30}://)\S)*)")
"""Another one may follow without a blank between."""
_WEB = ("http", "https", "ftp")
_CONTAINERS = ("abfs", "abfss", "wasb", "wasbs")
"""What these have in front of the @ is a container."""
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]*\]|[^:/?#@]*):[0-9]{0,5}(?=[/?#])")
"""A host and a port, which in a web address are no user and no password."""
_TOKEN = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w.~%+=-]{20,}")
"""A user that nobody would be called."""
_NAME = (
    r"(?:[\w.-]*(?:password|passwd|passphrase|pwd|token|secret|signature|credentials?|authorization"
    r"|(?:api|access|account|shared|secret|private|subscription)[_-]?key|jwt)|sig|sas|key|pass|auth)"
)
_SECRET_PART = re.compile(rf"(?:^|[?&;]){_NAME}\s*=\s*[^&;\s]", re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"(?P<name>(?:\b(?:password|passwd|pwd|accountkey|sharedaccesskey(?!name)|sharedaccesssignature)|(?<=[?&;]){_NAME})\s*=\s*)"
    r"(?:\{[^}]*\}|[^\s;&,'\"]+)",
    re.IGNORECASE,
)
"""As connection strings of ODBC, JDBC and Azure have it, and errors of drivers that tell of a path alone."""


def without_credentials(text: str) -> str:
    """`text` with users, passwords and query strings removed from every URL in it, and the passwords of connection strings.

    Query strings go because signed URLs and database URLs carry secrets there. Where a password has characters that a URL
    should not have in it (`/`, `#`, `?`, `@`), rather too much of it goes than too little.
    """
    return _ASSIGNED.sub(r"\g<name>***", _URL.sub(_shown, text))


def holds_secret(text: str) -> bool:
    """Whether a URL in `text` carries a password, a token, a key or a signature."""
    for url in _URL.finditer(text):
        user, rest = _parted(url["scheme"], url["rest"])
        scheme = url["scheme"].lower()
        is_token = bool(user) and scheme not in _CONTAINERS and (scheme in _WEB or _TOKEN.fullmatch(user))
        # A connection string within a query is percent-encoded, and so are its own names.
        query = unquote_plus(re.split("[?#]", rest, maxsplit=1)[-1]) if re.search("[?#]", rest) else ""
        if user.partition(":")[2] or is_token or _SECRET_PART.search(query):
            return True
    return bool(_ASSIGNED.search(text)) and "://" in text


def first_line(error: BaseException) -> str:
    """What `error` says, in one line, with credentials removed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return without_credentials(lines[0] if lines else type(error).__name__)


def _shown(url: re.Match[str]) -> str:
    _, rest = _parted(url["scheme"], url["rest"])
    return f"{url['scheme']}://{re.split('[?#]', rest, maxsplit=1)[0]}"


def _parted(scheme: str, rest: str) -> tuple[str, str]:
    """User and password of a URL, and what comes after them.

    A URL's authority ends at the first `/`, `#` or `?`; but drivers of databases take a password with any of these, and
    somebody types one into an address of the web, where it fails. So what looks like a user with a password ends at the
    last @ there is.
    """
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    has_password = ":" in authority and not (scheme.lower() in _WEB and _ADDRESS.match(rest))
    if has_password and "@" in rest:
        user, _, host = rest.rpartition("@")
        return user, host
    user, _, host = authority.rpartition("@")
    return user, host + rest[len(authority) :]
