"""The page `/docs`: a model's API to read and to try, by Swagger UI, whose files are on this machine, so that no page asks another host.

The page says nothing of the model: its script asks for the description, with the token of whoever looks.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_FOLDER = Path(__file__).parent
_OURS = {
    "/docs": ("index.html", "text/html"),
    "/docs/page.js": ("page.js", "text/javascript"),
    "/docs/page.css": ("page.css", "text/css"),
}
_SWAGGER_UI = {
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", "text/javascript"),
    "/docs/swagger-ui.css": ("swagger-ui.css", "text/css"),
}
PATHS = (*_OURS, *_SWAGGER_UI)

# Nothing from elsewhere, nothing inline, nothing sent elsewhere, in nobody's frame; Swagger UI's own pictures are data: URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    # Asked for again after an upgrade, and not by each look.
    ("Cache-Control", "max-age=3600"),
)


@dataclass(frozen=True)
class Page:
    """One file of the page as it goes out."""

    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...]


@cache
def page(path: str) -> Page:
    """What is at `path`, one of `PATHS`.

    Swagger UI's files are sent packed: half a megabyte in place of two, and every browser takes them so.
    """
    if path in _OURS:
        name, kind = _OURS[path]
        return Page(f"{kind}; charset=utf-8", (_FOLDER / name).read_bytes(), _HEADERS)
    name, kind = _SWAGGER_UI[path]
    return Page(
        f"{kind}; charset=utf-8", gzip.compress((_distributed() / name).read_bytes(), mtime=0), (*_HEADERS, ("Content-Encoding", "gzip"))
    )


def _distributed() -> Path:
    """Where flask-swagger-ui, of which nothing else is used, has Swagger UI's files; found without importing Flask."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("flask-swagger-ui is not installed here; it is of switchyard/serving/requirements.txt")
    return Path(spec.origin).with_name("dist")
