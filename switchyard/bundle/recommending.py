"""`RecommendingScorer` and `RequestScorer`: from requests to items, by the graph of a recommendation.

The graph holds the catalogue with its titles and the histories that are known, so text goes in and comes out; it is described
where it is made, `switchyard.tabular.recommendation.export`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from switchyard.bundle.contract import Contract
from switchyard.bundle.encoding import BadInput
from switchyard.bundle.requests import KEYS, Recommendation, Request
from switchyard.bundle.scorer import Answer, Columns, Scorer
from switchyard.bundle.signature import RECOMMENDATION, Column, Signature
from switchyard.bundle.traits import KEY, Traits

CHUNK = 64
"""Requests that go through the graph at once: bounds memory."""
_KINDS = ("id", "ids", "ids", "count", "attributes")
_LISTED = ("items", "scores", "titles", "because")
COLUMNS = tuple(Column(name, kind, "", place, optional=True) for place, (name, kind) in enumerate(zip(KEYS, _KINDS)))
"""Of the signature: a row is a request."""
_NAMED = 5


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
        self._outputs = [output.name for output in self._session.get_outputs()]
        kept = self._session.get_modelmeta().custom_metadata_map.get(KEY)
        self._traits = None if kept is None else Traits.from_json(kept)

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
        words = [_words(request, self._traits) for request in requests]
        if self._traits is not None:
            feeds["attributes"] = _filled([found for found, _ in words])
        found = dict(zip(self._outputs, self._session.run(None, feeds)))
        answers = []
        for row, request in enumerate(requests):
            size = int(np.isfinite(found["scores"][row, : request.k]).sum())
            strange = feeds["history"][row][found["strange"][row]]
            alike = "described" in found and bool(found["described"][row, 0])
            notes = _notes(request, strange, bool(found["user_known"][row, 0]), int(found["known"][row, 0]), alike)
            listed = {name: tuple(found[name][row, :size].tolist()) for name in _LISTED}
            answers.append(Recommendation(**listed, notes=(*notes, *words[row][1])))
        return answers


class RequestScorer(Scorer):
    """A `RecommendingScorer` behind the face of a `Scorer`: a row is a request, its columns are `KEYS`."""

    def _open(self, model: bytes, signature: Signature, threads: int) -> None:
        self._recommending = RecommendingScorer(model, threads)
        self.signature = signature
        self.contract = Contract(signature)

    def encode(self, columns: Columns) -> dict[str, Any]:
        """The requests, under `requests`.

        Raises
        ------
        BadInput
            Names the field and the row of the first fault.
        """
        columns, rows = self._complete(columns)
        found = []
        for row in range(rows):
            try:
                found.append(Request.of({name: columns[name][row] for name in KEYS if name in columns}))
            except BadInput as error:
                raise BadInput(error.column, row, error.problem) from None
        return {"requests": found}

    def unusual(self, inputs: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Nothing: what is odd about a request is in the notes of its answer."""
        return (), ()

    def answer(self, inputs: Mapping[str, Any]) -> Answer:
        """What `encode` made, answered."""
        return Answer(recommendations=self._recommending.recommend(inputs["requests"]))


def signature_of_requests(name: str, item: str, metric: str, trained_until: str | None) -> Signature:
    """The signature of a recommender; `item` is the column of the training table that is predicted."""
    return Signature(name=name, task=RECOMMENDATION, target=item, columns=COLUMNS, metric=metric, trained_until=trained_until)


def _words(request: Request, traits: Traits | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What describes who asks, and notes on what does not."""
    if not request.attributes:
        return (), ()
    if traits is None:
        return (), ("attributes: the model goes by none of the user's, and they are left aside",)
    return traits.words(request.attributes)


def _notes(request: Request, strange: np.ndarray, user_known: bool, known: int, alike: bool) -> tuple[str, ...]:
    popular = "what is popular among users described alike" if alike else "what is popular"
    notes = []
    if len(strange):
        names = ", ".join(repr(name) for name in strange[:_NAMED]) + (", ..." if len(strange) > _NAMED else "")
        are = "is no item" if len(strange) == 1 else "are no items"
        notes.append(f"history: {names} {are} that the model knows, and left aside; it may be newer than the model")
    if request.user and not user_known and not request.history:
        notes.append(f"user {request.user!r} is not known and there is no history: the answer is {popular}; send a history")
    elif not known:
        notes.append(f"there is no history that the model knows: the answer is {popular}")
    return tuple(notes)


def _filled(lists: Sequence[Sequence[str]]) -> np.ndarray:
    """Rows of text of one length, filled with empty text before the first."""
    width = max(1, max(map(len, lists), default=1))
    table = np.full((len(lists), width), "", dtype=object)
    for row, items in enumerate(lists):
        table[row, width - len(items) :] = items
    return table
