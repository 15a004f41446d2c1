"""`RecommendingScorer`: from requests to items, by the graph of a recommendation.

The graph holds the catalogue with its titles and the histories that are known, so text goes in and comes out; it is described
where it is made, `switchyard.tabular.recommendation.export`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import onnxruntime

from switchyard.bundle.encoding import BadInput
from switchyard.bundle.plain import is_missing, name_of_number, shown

MOST_ANSWERS, MOST_ITEMS = 1_000, 10_000
"""Of one request."""
CHUNK = 64
"""Requests that go through the graph at once: bounds memory."""
KEYS = ("user", "history", "exclude", "k")
_NAMED = 5


@dataclass(frozen=True)
class Request:
    """Who asks. All may be left out: then what is popular is the answer."""

    user: str = ""
    history: tuple[str, ...] = ()
    """Ids of items, oldest first; what is known of the user stands before them."""
    exclude: tuple[str, ...] = ()
    """Ids that must not be answered, besides those of the history."""
    k: int = 10

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From what a client sent.

        Raises
        ------
        BadInput
            A field is none of `KEYS`, or not what it should be.
        """
        strange = [name for name in fields if name not in KEYS]
        if strange:
            raise BadInput(str(strange[0]), None, f"is not a field of a request; there are {', '.join(KEYS)}")
        k = fields.get("k", 10)
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_ANSWERS:
            raise BadInput("k", None, f"is {shown(k)}; it is a whole number from 1 to {MOST_ANSWERS:,}")
        user = fields.get("user")
        return cls("" if is_missing(user) else _id("user", user), _ids("history", fields), _ids("exclude", fields), k)


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


class RecommendingScorer:
    """Answers by `graph`, the content of model.onnx.

    Parameters
    ----------
    graph : bytes
    threads : int
        Of onnxruntime. One is the fastest for single requests.
    """

    def __init__(self, graph: bytes, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def recommend(self, requests: Sequence[Request]) -> list[Recommendation]:
        """The answers, in the order of `requests`."""
        found: list[Recommendation] = []
        for start in range(0, len(requests), CHUNK):
            found += self._answer(requests[start : start + CHUNK])
        return found

    def _answer(self, requests: Sequence[Request]) -> list[Recommendation]:
        feeds = {
            "user": np.array([[request.user] for request in requests], dtype=object),
            "history": _filled([request.history for request in requests]),
            "exclude": _filled([request.exclude for request in requests]),
            "k": np.array([[request.k] for request in requests], dtype=np.int64),
        }
        items, titles, because, scores, known, strange, user_known = self._session.run(None, feeds)
        answers = []
        for row, request in enumerate(requests):
            size = int(np.isfinite(scores[row, : request.k]).sum())
            notes = _notes(request, feeds["history"][row][strange[row]], bool(user_known[row, 0]), int(known[row, 0]))
            listed = {"items": items, "scores": scores, "titles": titles, "because": because}
            answers.append(Recommendation(**{name: tuple(column[row, :size].tolist()) for name, column in listed.items()}, notes=notes))
        return answers


def _notes(request: Request, strange: np.ndarray, user_known: bool, known: int) -> tuple[str, ...]:
    notes = []
    if len(strange):
        names = ", ".join(repr(name) for name in strange[:_NAMED]) + (", ..." if len(strange) > _NAMED else "")
        are = "is no item" if len(strange) == 1 else "are no items"
        notes.append(f"history: {names} {are} that the model knows, and left aside; it may be newer than the model")
    if request.user and not user_known and not request.history:
        notes.append(f"user {request.user!r} is not known and there is no history: the answer is what is popular; send a history")
    elif not known:
        notes.append("there is no history that the model knows: the answer is what is popular")
    return tuple(notes)


def _filled(lists: Sequence[Sequence[str]]) -> np.ndarray:
    """Rows of text of one length, filled with empty text before the first."""
    width = max(1, max(map(len, lists), default=1))
    table = np.full((len(lists), width), "", dtype=object)
    for row, items in enumerate(lists):
        table[row, width - len(items) :] = items
    return table


def _ids(name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    values = fields.get(name)
    if values is None:
        return ()
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, (Sequence, np.ndarray)):
        raise BadInput(name, None, f"is {shown(values)}; it is a list of item ids, oldest first")
    if len(values) > MOST_ITEMS:
        raise BadInput(name, None, f"has {len(values):,} items; {MOST_ITEMS:,} are allowed")
    return tuple(_id(name, value) for value in values)


def _id(name: str, value: Any) -> str:
    """As training reads ids: whole numbers without a point, text without blanks around it."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and math.isfinite(value):
        return str(int(value)) if isinstance(value, (int, np.integer)) else name_of_number(float(value))
    raise BadInput(name, None, f"holds {shown(value)}, which is no id; ids are text or numbers")
