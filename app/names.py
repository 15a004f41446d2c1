"""What a model is called where nobody says it: after its table."""

from __future__ import annotations

import re


def name_of(source: str) -> str:
    """A model's name from where its table is: letters, digits, - and _, at most 63."""
    stem = re.split(r"[?#]", source)[0].rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:63] or "table"
