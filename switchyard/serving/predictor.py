"""The `Predictor`: a decoded request in, a response's body out; knows nothing of HTTP, gRPC or Seldon."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from typing import Any

from switchyard.bundle import BadInput, Contract, Match, digest
from switchyard.bundle.examples import check_examples, read_examples
from switchyard.bundle.opening import read_scorer
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.predictionlog.journal import Journal
from switchyard.predictionlog.records import label_record, prediction_record
from switchyard.serving.answers import body_of, columns_of, logged
from switchyard.serving.errors import Refusal
from switchyard.serving.feedback import labels_of
from switchyard.serving.metrics import MARKS, Metrics
from switchyard.serving.payloads import Expected, parse
from switchyard.serving.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

_MOST_MARKED = 50
"""Columns or rows that a mark of an answer names."""


class Predictor:
    """Answers with the bundle that `settings` name.

    The bundle's examples are scored first, so that what serves has been seen to answer as it was built to.

    Raises
    ------
    bundle.examples.ExampleMismatch
        An example gets another answer than it must.
    SettingsError
        The bundle is not the one the settings ask for.
    """

    def __init__(self, settings: Settings) -> None:
        folder = Path(settings.bundle)
        self.digest = digest(folder)
        if settings.digest and settings.digest != self.digest:
            raise SettingsError(f"{folder} has digest {self.digest}, but {settings.digest} is to be served")
        self._scorer = read_scorer(folder)
        self.examples = check_examples(folder, self._scorer)
        self.signature = self._scorer.signature
        self.settings = settings
        self.tags = {"model": settings.name or self.signature.name, "version": settings.version, "digest": self.digest}
        self._origin = {**self.tags, "role": settings.role}
        self.example_rows = read_examples(folder)
        scores = [example["answer"].get("prediction", 0.0) for example in self.example_rows]
        self.metrics = Metrics(self.signature, self._origin, scores)
        names = frozenset(column.name for column in self.signature.columns)
        self._contract = Contract(self.signature, also=(settings.entity_column, settings.time_column))
        time = settings.time_column
        moments = self.signature.moments_in(time)
        requests = self.signature.task == RECOMMENDATION
        self._expected = Expected(names, self._contract.known, settings.max_rows, settings.entity_column, time, moments, requests)
        self._excluded = frozenset(settings.log_exclude)
        # The log has a place of its own for what happened.
        self._kept = self._contract.known - {self.signature.target}
        self._journal = Journal(settings.journal) if settings.log_url else None
        if self._journal is None:
            logger.warning("no SWITCHYARD_LOG_URL: predictions are not logged")

    def predict(self, message: Any, request_id: str | None = None, entity_id: str | None = None) -> dict[str, Any]:
        """The answer to `message`, a decoded JSON body.

        Parameters
        ----------
        message : dict
            In any of the forms of `switchyard.serving.payloads`.
        request_id, entity_id : str, optional
            From the request's headers; those in the message go before.

        Raises
        ------
        Refusal
            The request can't be answered, or its answer can't be logged.
        """
        request = parse(message, self._expected)
        try:
            match = self._contract.match(request.columns.keys())
            inputs = self._scorer.encode(request.columns)
        except BadInput as error:
            raise Refusal.of(error) from None
        answers = columns_of(self._scorer.answer(inputs), self.signature)
        identity = request.request_id or request_id or uuid.uuid4().hex
        if self._journal is not None:
            entities = request.entity_ids or ([entity_id] * request.rows if entity_id is not None else None)
            self._append(
                self._journal,
                prediction_record(
                    request_id=identity,
                    origin=self._origin,
                    inputs=self._known(request.logged),
                    answers=logged(answers),
                    entity_ids=entities,
                    event_times=request.event_times,
                    exclude=self._excluded,
                ),
            )
        self.metrics.scored(request.columns, answers, request.rows)
        return body_of(answers, request.form, identity, self.signature, self._marked(match, *self._scorer.unusual(inputs)))

    def _known(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Those of the columns that the log keeps: the table's, whether the model uses them or not."""
        if columns.keys() <= self._kept:
            return columns
        return {name: values for name, values in columns.items() if name in self._kept}

    def _marked(self, match: Match, unusual: tuple[str, ...], empty: tuple[int, ...]) -> dict[str, Any]:
        """The tags of an answer: the model's, and what a client should know of what it sent."""
        if not (match.unknown or match.absent or unusual or empty):
            return self.tags
        marks = dict(zip(MARKS, (match.unknown, match.absent, unusual, empty)))
        found = {mark: list(what[:_MOST_MARKED]) for mark, what in marks.items() if what}
        self.metrics.marked(found, unusual)
        return {**self.tags, **found}

    def feedback(self, message: Any) -> dict[str, Any]:
        """Take the labels in `message` into the log; the answer counts them.

        Raises
        ------
        Refusal
        """
        if self._journal is None:
            raise Refusal("feedback needs the prediction log: set SWITCHYARD_LOG_URL", status=503, reason="LOG_UNAVAILABLE")
        labels = labels_of(message, self.signature, self.settings.max_rows)
        for identity, value in labels:
            self._append(self._journal, label_record(identity, value))
        return {"jsonData": {"accepted": len(labels)}, "meta": {"puid": labels[0][0], "tags": self.tags}}

    def _append(self, journal: Journal, record: bytes) -> None:
        try:
            journal.append(record)
        except (OSError, ValueError) as error:
            logger.error("the prediction log's journal refuses a record: %s", error)
            raise Refusal("the prediction log can't be written; try again later", status=503, reason="LOG_UNAVAILABLE") from None

    def status(self) -> dict[str, Any]:
        """What is served, for the health check; Refusal where an answer could not be logged."""
        if self._journal is not None and not self._journal.is_writable():
            raise Refusal("the prediction log's journal can't be written", status=503, reason="LOG_UNAVAILABLE")
        return {"jsonData": {"status": "ready", "examples": self.examples, "log": self._journal is not None}, "meta": {"tags": self.tags}}
