"""The `Predictor`: a decoded request in, a response's body out; knows nothing of HTTP, gRPC or Seldon."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from switchyard.bundle import BadInput, Contract, Match
from switchyard.bundle.examples import check_examples, read_examples
from switchyard.bundle.explainer import EXPLAINED, Explainer
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.predictionlog.journal import Journal
from switchyard.predictionlog.records import VERIFICATION, content_of, label_record, prediction_record
from switchyard.serving.answers import EXPLANATION, Columns, body_of, columns_of, explanation_of, logged
from switchyard.serving.errors import Refusal, bad_part
from switchyard.serving.feedback import labels_of
from switchyard.serving.metrics import MARKS, Metrics
from switchyard.serving.opening import opened
from switchyard.serving.payloads import MOST_EXPLAINED, Expected, Request, parse
from switchyard.serving.settings import Settings, SettingsError
from switchyard.serving.shared import Shared

logger = logging.getLogger(__name__)

Act = Callable[..., dict[str, Any]]

_MOST_MARKED = 50
"""Columns or rows that a mark of an answer names."""


def _shallow(act: Act) -> Act:
    """`act`, of which a message that is nested too deeply for what it does is the client's mistake."""

    @functools.wraps(act)
    def guarded(*arguments: Any, **options: Any) -> dict[str, Any]:
        try:
            return act(*arguments, **options)
        except RecursionError:
            raise bad_part("body", "a value is nested too deeply") from None

    return guarded


class Predictor:
    """Answers with the bundle that `settings` name.

    The bundle's examples are scored first, so that what serves has been seen to answer as it was built to.

    Parameters
    ----------
    settings : Settings
    shared : Shared, optional
        Of a server that has other models beside this one; else one of the predictor's own.

    Raises
    ------
    bundle.examples.ExampleMismatch
        An example gets another answer than it must.
    SettingsError
        The bundle is not the one the settings ask for, or not signed by whom they trust.
    ChangedBundle, BadSeal
        It is not what was signed, or the signature is none.
    """

    def __init__(self, settings: Settings, shared: Shared | None = None) -> None:
        bundle, shared = opened(settings), shared or Shared.of(settings)
        self.digest = bundle.digest
        self._scorer = bundle.scorer()
        folder = Path(settings.bundle)
        self.examples = check_examples(folder, self._scorer)
        self.signature = self._scorer.signature
        self.settings = settings
        self.tags = {"model": settings.name or self.signature.name, "version": settings.version, "digest": self.digest}
        self._origin = {**self.tags, "role": settings.role}
        self.example_rows = read_examples(folder)
        scores = [example["answer"].get("prediction", 0.0) for example in self.example_rows]
        self._explainer = Explainer(self._scorer, self.example_rows) if self.signature.task in EXPLAINED else None
        self._turns = shared.turns
        self._check_reasons(settings)
        self.metrics = Metrics(self.signature, self._origin, scores, shared.counters, shared.drain)
        names = frozenset(column.name for column in self.signature.columns)
        self._contract = Contract(self.signature, also=(settings.entity_column, settings.time_column))
        time = settings.time_column
        moments = self.signature.moments_in(time)
        requests = self.signature.task == RECOMMENDATION
        self._requests = requests
        self._expected = Expected(names, self._contract.known, settings.max_rows, settings.entity_column, time, moments, requests)
        self._excluded = frozenset(settings.log_exclude)
        # The log has a place of its own for what happened.
        self._kept = self._contract.known - {self.signature.target}
        self._journal, self._repeats = shared.journal, shared.repeats
        if self._journal is None:
            logger.warning("no SWITCHYARD_LOG_URL: predictions are not logged")

    @_shallow
    def predict(self, message: Any, request_id: str | None = None, entity_id: str | None = None) -> dict[str, Any]:
        """The answer to `message`, a decoded JSON body.

        Parameters
        ----------
        message : dict
            In any of the forms of `switchyard.serving.payloads`.
        request_id, entity_id : str, optional
            From the request's headers. An id in the message goes before; an entity in it must be the same.

        Raises
        ------
        Refusal
            The request can't be answered, or its answer can't be logged.
        """
        request = parse(message, self._expected)
        identity = request.request_id or request_id or uuid.uuid4().hex
        self._refuse_reserved(identity, request)
        entities = _entities(request, entity_id)
        match, inputs = self._encoded(request)
        answers = columns_of(self._scorer.answer(inputs), self.signature)
        # Before anything is logged, for it may be refused.
        reasons = self._reasons(request, inputs, answers.get("label")) if request.explain else {}
        if self._journal is not None:
            self._log(self._journal, identity, request, entities, answers)
        self.metrics.scored(request.columns, answers, request.rows)
        marked = self._marked(match, *self._scorer.unusual(inputs))
        return body_of({**answers, **reasons} if reasons else answers, request.form, identity, self.signature, marked)

    def explain(self, message: Any, request_id: str | None = None) -> dict[str, Any]:
        """The answer to `message` with its reasons; it is nobody's prediction, and is neither logged nor counted.

        Raises
        ------
        Refusal
            The request can't be answered, or another is being explained.
        """
        request = parse(message, self._expected)
        match, inputs = self._encoded(request)
        answers = columns_of(self._scorer.answer(inputs), self.signature)
        answers |= self._reasons(request, inputs, answers.get("label"))
        identity = request.request_id or request_id or uuid.uuid4().hex
        return body_of(answers, request.form, identity, self.signature, self._marked(match, *self._scorer.unusual(inputs)))

    def _encoded(self, request: Request) -> tuple[Match, dict[str, np.ndarray]]:
        try:
            return self._contract.match(request.columns.keys()), self._scorer.encode(request.columns)
        except BadInput as error:
            raise Refusal.of(error) from None

    def _reasons(self, request: Request, inputs: dict[str, np.ndarray], labels: list[str] | None) -> dict[str, Any]:
        if self._explainer is None:
            raise bad_part("explain", f"answers of a {self.signature.task} are not explained")
        if request.rows > MOST_EXPLAINED:
            raise bad_part("explain", f"answers to at most {MOST_EXPLAINED} rows are explained at once, and {request.rows} came")
        with self._turns.take():
            found = [self._explainer.explain(inputs, row) for row in range(request.rows)]
        made = [explanation_of(one, self._explainer.background, request.columns, row) for row, one in enumerate(found)]
        for explanation, reasons, label in zip(made, found, labels or ()):
            if label == self.settings.refusal:
                explanation["principal_reasons"] = reasons.principal(self._towards, self._actionable)
        return {EXPLANATION: made}

    def _check_reasons(self, settings: Settings) -> None:
        """Whether there are such a class and such columns, and which way an answer goes towards a refusal."""
        if settings.refusal and settings.refusal not in self.signature.classes:
            known = ", ".join(self.signature.classes) or "none, for it is a regression"
            raise SettingsError(f"serving.refusal is {settings.refusal!r}, which is no class of the model; those are {known}")
        known_columns = Contract(self.signature).known
        strange = [name for name in settings.actionable if name not in known_columns]
        if strange:
            raise SettingsError(f"serving.actionable names {strange[0]!r}, which is no column of the training table")
        self._actionable = frozenset(settings.actionable or (column.name for column in self.signature.columns))
        # Of two classes the positive one's probability is explained, of more that of the answered label.
        self._towards = -1.0 if len(self.signature.classes) == 2 and settings.refusal != self.signature.positive_class else 1.0

    def _refuse_reserved(self, identity: str, request: Request) -> None:
        """Only a deployment's proof may bear its id: what else did would be in no window and no count."""
        if not identity.startswith(VERIFICATION):
            return
        row = {name: values[0] for name, values in request.logged.items()}
        if request.rows != 1 or all(row != example["row"] for example in self.example_rows):
            raise bad_part("x-request-id", f"ids that begin with {VERIFICATION} are the deployment's own; send another")

    def _log(self, journal: Journal, identity: str, request: Request, entities: list[str | None] | None, answers: Columns) -> None:
        record = prediction_record(
            request_id=identity,
            origin=self._origin,
            inputs=self._known(request.logged),
            answers=logged(answers),
            entity_ids=entities,
            event_times=request.event_times,
            exclude=self._excluded,
        )
        if self._repeats is not None and not self._repeats.take(identity, content_of(record)):
            raise Refusal(
                f"request id {identity!r} was used for another request; send a new one",
                status=409,
                reason="ID_USED",
                column="x-request-id",
            )
        self._append(journal, record)

    def _known(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Those of the columns that the log keeps: the table's, whether the model uses them or not."""
        if columns.keys() <= self._kept:
            return columns
        return {name: values for name, values in columns.items() if name in self._kept}

    def _marked(self, match: Match, unusual: tuple[str, ...], empty: tuple[int, ...]) -> dict[str, Any]:
        """The tags of an answer: the model's, and what a client should know of what it sent."""
        # A request for recommendations says what it has to say; what it leaves out is nothing odd.
        absent = () if self._requests else match.absent
        if not (match.unknown or absent or unusual or empty):
            return self.tags
        marks = dict(zip(MARKS, (match.unknown, absent, unusual, empty)))
        found = {mark: list(what[:_MOST_MARKED]) for mark, what in marks.items() if what}
        self.metrics.marked(found, unusual)
        return {**self.tags, **found}

    @_shallow
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
        return log_status(self._journal, {"examples": self.examples}, self.tags)


def log_status(journal: Journal | None, content: dict[str, Any], tags: dict[str, Any]) -> dict[str, Any]:
    """The answer to a health check, with `content`; Refusal where an answer could not be logged."""
    if journal is not None and not journal.is_writable():
        raise Refusal("the prediction log's journal can't be written", status=503, reason="LOG_UNAVAILABLE")
    return {"jsonData": {"status": "ready", **content, "log": journal is not None}, "meta": {"tags": tags}}


def _entities(request: Request, asked: str | None) -> list[str | None] | None:
    """Who the rows are about: who is logged must be who chose the version in an experiment, so header and message agree."""
    if asked is None or request.entity_ids is None:
        return request.entity_ids or (None if asked is None else [asked] * request.rows)
    for row, entity in enumerate(request.entity_ids):
        if entity not in (None, asked):
            raise bad_part("header x-entity-id", f"says {asked!r} and the message {entity!r}; send one entity's rows, or no header", row)
    return [asked] * request.rows
