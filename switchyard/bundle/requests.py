"""`Request` and `Recommendation`: what is asked of a recommender, as clients send it, and what is answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from switchyard.bundle.encoding import BadInput
from switchyard.bundle.plain import is_missing, name_of_number, shown

MOST_ANSWERS, MOST_ITEMS = 1_000, 10_000
"""Of one request."""
KEYS = ("user", "history", "exclude", "k", "attributes")
MOST_ATTRIBUTES = 1_000


@dataclass(frozen=True)
class Request:
    """Who asks. All may be left out: then what is popular is the answer."""

    user: str = ""
    history: tuple[str, ...] = ()
    """Ids of items, oldest first; what is known of the user stands before them."""
    exclude: tuple[str, ...] = ()
    """Ids that must not be answered, besides those of the history."""
    k: int = 10
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What describes the user, by the names of training's user table; in place of what is known of the user."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """The request that a client sent.

        Raises
        ------
        BadInput
            A field is none of `KEYS`, or not what it should be.
        """
        strange = [name for name in fields if name not in KEYS]
        if strange:
            raise BadInput(str(strange[0]), None, f"is not a field of a request; there are {', '.join(KEYS)}")
        k = 10 if is_missing(fields.get("k")) else fields["k"]
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_ANSWERS:
            raise BadInput("k", None, f"is {shown(k)}; it is a whole number from 1 to {MOST_ANSWERS:,}")
        user = fields.get("user")
        who = "" if is_missing(user) else _id("user", user)
        return cls(who, _ids("history", fields), _ids("exclude", fields), k, _attributes(fields.get("attributes")))


@dataclass(frozen=True)
class Recommendation:
    """What is answered to one request, best first."""

    items: tuple[str, ...]
    scores: tuple[float, ...]
    """Standard deviations of the catalogue's scores above their mean."""
    titles: tuple[str, ...]
    """Empty text where none is known."""
    because: tuple[str, ...]
    """The item of the history that speaks most for the answer; empty where none does: it is popular."""
    notes: tuple[str, ...] = ()
    """What was left aside, one sentence each."""

    def fields(self) -> dict[str, list[Any]]:
        """The request's fields as JSON has them."""
        return {name: list(values) for name, values in vars(self).items()}


def _ids(name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    values = fields.get(name)
    if values is None:
        return ()
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, (Sequence, np.ndarray)):
        raise BadInput(name, None, f"is {shown(values)}; it is a list of item ids, oldest first")
    if len(values) > MOST_ITEMS:
        raise BadInput(name, None, f"has {len(values):,} items; {MOST_ITEMS:,} are allowed")
    return tuple(_id(name, value) for value in values)


def _attributes(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > MOST_ATTRIBUTES:
        raise BadInput("attributes", None, f'is {shown(value)}; it is an object such as {{"country": "FR", "age": 41}}')
    for name, one in value.items():
        if not (is_missing(one) or isinstance(one, (str, int, float, np.generic))):
            raise BadInput("attributes", None, f"holds {shown(one)} as {name!r}, which is neither text nor a number")
    return dict(value)


def _id(name: str, value: Any) -> str:
    """As training reads ids: whole numbers without a point, text without blanks around it."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and math.isfinite(value):
        return str(int(value)) if isinstance(value, (int, np.integer)) else name_of_number(float(value))
    raise BadInput(name, None, f"holds {shown(value)}, which is no id; ids are text or numbers")
