"""`Metrics`: what a server counts, and its text for Prometheus."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from switchyard.bundle import Signature
from switchyard.bundle.encoding import is_missing
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.serving.counters import SharedCounters
from switchyard.serving.exposition import head, labelled, shown

if TYPE_CHECKING:
    from switchyard.predictionlog import DrainProgress

LATENCIES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_DECILES = tuple(step / 10 for step in range(1, 11))
_PATHS = ("predictions", "feedback", "explanations")
EXPLANATIONS = "explanations"
"""What is counted and not timed."""
MARKS = ("unknown_columns", "absent_columns", "unusual_columns", "empty_rows")
"""Tags by which an answer tells what was odd about its request."""
_CODES = (200, 400, 404, 405, 413, 429, 500, 503)
_LOG = {
    "log_waiting_bytes": ("gauge", "In the journal and not yet in the database.", "waiting_bytes"),
    "log_connected": ("gauge", "1 while the database takes what the journal has.", "connected"),
    "log_failures_total": ("counter", "Attempts that the database refused or did not answer.", "failures"),
    "log_records_total": ("counter", "Journal records carried into the database.", "records"),
    "log_rejected_total": ("counter", "Journal records that the database will never take.", "rejected"),
    "log_torn_bytes_total": ("counter", "Journal bytes that belong to no whole record.", "torn_bytes"),
}
_LOG_SEEN = "log_drain_seen_timestamp_seconds"


class DrainCounts:
    """What the log's writer last reported, for all processes of a server: make it before the fork."""

    def __init__(self) -> None:
        self._counters = SharedCounters(len(_LOG) + 1)

    def put(self, progress: DrainProgress) -> None:
        """Take over what the drain reports."""
        for index, (_, _, attribute) in enumerate(_LOG.values()):
            self._counters.put(index, float(getattr(progress, attribute)))
        self._counters.put(len(_LOG), time.time())

    def lines(self) -> list[str]:
        """The log writer's numbers in Prometheus' text format."""
        families = [
            *((name, kind, text) for name, (kind, text, _) in _LOG.items()),
            (_LOG_SEEN, "gauge", "When the log's writer last reported."),
        ]
        return [line for family, value in zip(families, self._counters.sums()) for line in plain(*family, value)]


def plain(name: str, kind: str, text: str, value: float) -> list[str]:
    """A number without labels in Prometheus' text format."""
    return [*head(f"switchyard_{name}", kind, text), f"switchyard_{name} {shown(value)}"]


class Metrics:
    """Counts of one model, shared by its server's processes: make it before the fork, or with counters that all of them have.

    Parameters
    ----------
    signature : Signature
    labels : mapping
        Stand with `switchyard_model_info`: model, version, digest, role.
    scores : sequence of float
        Answers to the bundle's examples; their spread sets a regression's buckets.
    counters : callable, optional
        Makes the counters of so many numbers.
    drain : DrainCounts, optional
        Of the log's writer, where there is one.
    """

    def __init__(
        self,
        signature: Signature,
        labels: Mapping[str, str],
        scores: Sequence[float] = (),
        counters: Callable[[int], SharedCounters] = SharedCounters,
        drain: DrainCounts | None = None,
    ) -> None:
        self._signature, self._info = signature, dict(labels, task=signature.task)
        self._series: list[tuple[str, str]] = []
        self._requests = {(path, code): self._new("requests_total", path=path, code=str(code)) for path in _PATHS for code in _CODES}
        self._latency = self._histogram("request_seconds", LATENCIES)
        self._marks = {mark: self._new("requests_marked_total", mark=mark) for mark in MARKS}
        self._rows = self._new("rows_total")
        self._labels = {name: self._new("predictions_total", label=name) for name in signature.classes}
        self._edges = _DECILES if signature.classes else _spread(scores)
        self._score = self._histogram("score", self._edges)
        self._missing = tuple((column.name, self._new("input_missing_total", column=column.name)) for column in signature.columns)
        self._unusual = {column.name: self._new("input_unusual_total", column=column.name) for column in signature.numeric}
        self._positive = signature.positive_class if signature.task == "binary" else None
        self._counters = counters(len(self._series))
        self.drain = drain or DrainCounts()

    def _new(self, name: str, **labels: str) -> int:
        self._series.append((name, labelled(labels)))
        return len(self._series) - 1

    def _histogram(self, name: str, edges: Sequence[float]) -> int:
        """Index of the first bucket; +Inf and the sum follow the last."""
        first = [self._new(f"{name}_bucket", le=f"{edge:g}") for edge in edges] + [self._new(f"{name}_bucket", le="+Inf")]
        self._new(f"{name}_sum")
        return first[0]

    def request(self, path: str, code: int, seconds: float) -> None:
        """Count a request to predictions, explanations or feedback, answered with `code` after `seconds`."""
        index = self._requests.get((path, code), self._requests[path, 500])
        if path == EXPLANATIONS:
            # They take many times as long, and would be taken for slow predictions.
            self._counters.add((index, 1.0))
            return
        latency = self._latency + bisect_left(LATENCIES, seconds)
        self._counters.add((index, 1.0), (latency, 1.0), (self._latency + len(LATENCIES) + 1, seconds))

    def scored(self, inputs: Mapping[str, Sequence[Any]], answers: Mapping[str, Any], rows: int) -> None:
        """Count scored rows: labels, the spread of the scores, missing inputs."""
        changes = [(self._rows, float(rows))]
        for label in answers.get("label") or ():
            changes.append((self._labels[label], 1.0))
        scores = self._scores(answers)
        changes += [(self._score + bisect_left(self._edges, score), 1.0) for score in scores]
        changes.append((self._score + len(self._edges) + 1, float(sum(scores))))
        for name, index in self._missing:
            values = inputs.get(name)
            missing = rows if values is None else sum(map(is_missing, values))
            if missing:
                changes.append((index, float(missing)))
        self._counters.add(*changes)

    def marked(self, marks: Iterable[str], unusual: Iterable[str] = ()) -> None:
        """Count an answer with marks in its tags, and by column those with a value far outside of training's."""
        changes = [self._marks[mark] for mark in marks] + [self._unusual[name] for name in unusual]
        self._counters.add(*((index, 1.0) for index in changes))

    def _scores(self, answers: Mapping[str, Any]) -> list[float]:
        if self._positive is not None:
            return [row[self._positive] for row in answers["probabilities"]]
        if self._signature.task == RECOMMENDATION:
            return [row[0] for row in answers["scores"] if row]
        return answers["confidence"] if self._signature.classes else answers["prediction"]

    def text(self) -> str:
        """All metrics in Prometheus' text format."""
        sums = self._counters.sums()
        for first, edges in ((self._latency, LATENCIES), (self._score, self._edges)):
            for index in range(first + 1, first + len(edges) + 1):
                sums[index] += sums[index - 1]
        lines: list[str] = []
        for name, kind, text in self._families():
            lines += head(f"switchyard_{name}", kind, text)
            for (series, labels), value in zip(self._series, sums):
                if series == name or (kind == "histogram" and series in (f"{name}_bucket", f"{name}_sum")):
                    lines.append(f"switchyard_{series}{labels} {shown(value)}")
                    if labels == '{le="+Inf"}':
                        lines.append(f"switchyard_{name}_count {shown(value)}")
        info = head("switchyard_model_info", "gauge", "The model that is served.")
        return "\n".join([*lines, *self.drain.lines(), *info, f"switchyard_model_info{labelled(self._info)} 1", ""])

    def _families(self) -> list[tuple[str, str, str]]:
        score = "Probability of the positive class or of the label of several; prediction of a regression; score of the first item."
        return [
            ("requests_total", "counter", "Requests by path and status."),
            ("request_seconds", "histogram", "From the request's body read to the answer written, in seconds."),
            ("requests_marked_total", "counter", "Answers whose tags tell what was odd about the request."),
            ("rows_total", "counter", "Rows scored."),
            *([("predictions_total", "counter", "Rows by predicted label.")] if self._labels else []),
            ("score", "histogram", score),
            ("input_missing_total", "counter", "Rows in which a column had no value."),
            ("input_unusual_total", "counter", "Answers to rows in which a column was far outside of training's range."),
        ]


def _spread(scores: Sequence[float]) -> tuple[float, ...]:
    """Up to ten bucket edges from the smallest to the largest of `scores`."""
    if not scores:
        return (0.0,)
    low, high = min(scores), max(scores)
    return tuple(dict.fromkeys(low + (high - low) * step / 9 for step in range(10)))
