"""What a table looked like to the model, and what the model said: counted while it goes by, memory flat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import Answer, Column, Signature
from switchyard.bundle.encoding import MISSING
from switchyard.tabular.report.curves import bars_between
from switchyard.tabular.storable import Record

_SAMPLE = 20_000
_BINS = 20
_MOST_ANSWERS = 200_000


class ColumnCount(Record):
    """One column of the model."""

    name: str
    kind: str
    missing: int
    trained_missing: float
    """Share in training, 0..1."""
    unknown: int = 0
    """Categories that training did not see."""
    outside: int = 0
    """Numbers outside the range of training."""

    def __add__(self, other: ColumnCount) -> ColumnCount:
        """The same column in more rows."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("missing", "unknown", "outside")}
        return self.model_copy(update=sums)


class InputCounts:
    """Counts over the graph's inputs."""

    def __init__(self, signature: Signature) -> None:
        self.rows = 0
        self._signature = signature
        self._counts = {column.name: [0, 0, 0] for column in signature.columns}
        self._unseen: dict[str, dict[str, bool]] = {column.name: {MISSING: False} for column in signature.columns if column.seen}

    def add(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Count the rows of `Scorer.encode`."""
        self.rows += len(next(iter(inputs.values())))
        for column in self._signature.columns:
            values, counts = inputs[column.input][:, column.position], self._counts[column.name]
            if column.input == "categorical":
                counted = pc.value_counts(pa.array(values, pa.string()))
                distinct, times = counted.field("values").to_pylist(), counted.field("counts").to_numpy()
                counts[0] += int(times[[name == MISSING for name in distinct]].sum())
                counts[1] += int(times[self._is_unseen(column, distinct)].sum())
                continue
            counts[0] += int(np.isnan(values).sum())
            if column.minimum is not None and column.maximum is not None:
                counts[2] += int(((values < column.minimum) | (values > column.maximum)).sum())

    def _is_unseen(self, column: Column, values: list[str]) -> np.ndarray:
        """Of distinct values, shape (n,), bool. What was asked once is kept up to a limit, so that memory stays flat."""
        if column.seen is None:
            return np.zeros(len(values), dtype=bool)
        answered = self._unseen[column.name]
        asked = [value for value in values if value not in answered]
        fresh = dict(zip(asked, column.seen.unseen(asked).tolist(), strict=True))
        found = np.array([fresh[value] if value in fresh else answered[value] for value in values], dtype=bool)
        if len(answered) < _MOST_ANSWERS:
            answered.update(fresh)
        return found

    def columns(self) -> tuple[ColumnCount, ...]:
        """The counts so far."""
        found = []
        for column in self._signature.columns:
            missing, unknown, outside = self._counts[column.name]
            one = ColumnCount(
                name=column.name, kind=column.kind, missing=missing, trained_missing=column.missing, unknown=unknown, outside=outside
            )
            found.append(one)
        return tuple(found)


class AnswerCounts:
    """Distribution of the predictions. Quantiles and bins are of a random sample where there are more than 20,000."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self.rows, self._sum, self._squares = 0, 0.0, 0.0
        self._least, self._most = np.inf, -np.inf
        self._labels = np.zeros(len(signature.classes), dtype=np.int64)
        self._probabilities = np.zeros(len(signature.classes))
        self._sample, self._random = np.empty(0), np.random.default_rng(0)
        self._keys = np.empty(0)

    def add(self, answer: Answer) -> None:
        """Count some answers."""
        if answer.probabilities is not None and answer.label_index is not None:
            probabilities = answer.probabilities.astype(np.float64)
            self._labels += np.bincount(answer.label_index, minlength=len(self._labels))
            self._probabilities += probabilities.sum(axis=0)
            positive = self._signature.positive_class
            values = (
                probabilities[:, self._signature.classes.index(positive)]
                if positive in self._signature.classes
                else probabilities[np.arange(len(probabilities)), answer.label_index]
            )
        else:
            assert answer.prediction is not None
            values = answer.prediction.reshape(-1).astype(np.float64)
        self.rows += len(values)
        self._sum, self._squares = self._sum + float(values.sum()), self._squares + float((values**2).sum())
        self._least, self._most = min(self._least, float(values.min())), max(self._most, float(values.max()))
        # Each row draws a key; those of the smallest keys are a random sample of all rows so far.
        sample, keys = np.concatenate([self._sample, values]), np.concatenate([self._keys, self._random.random(len(values))])
        kept = np.argsort(keys)[:_SAMPLE]
        self._sample, self._keys = sample[kept], keys[kept]

    def distribution(self) -> dict[str, dict[str, int | float]]:
        """Of the labels and their mean probabilities; and of the score: the positive class's probability, the label's where
        there are more than two classes, the prediction in a regression. Empty where nothing was counted."""
        if not self.rows:
            return {}
        mean = self._sum / self.rows
        deviation = max(0.0, self._squares / self.rows - mean**2) ** 0.5
        quantiles = {f"q{share:02d}": float(np.quantile(self._sample, share / 100)) for share in (5, 25, 50, 75, 95)}
        found = {"score": {"mean": mean, "std": deviation, "min": self._least, "max": self._most, **quantiles}}
        if self._signature.classes:
            names = self._signature.classes
            found["labels"] = {name: int(count) for name, count in zip(names, self._labels, strict=True)}
            found["probabilities"] = {name: float(total) / self.rows for name, total in zip(names, self._probabilities, strict=True)}
        return found

    def histogram(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Edges of the score's bins, and the share of the rows in each; none where nothing was counted."""
        if not self.rows:
            return (), ()
        within = (0.0, 1.0) if self._signature.classes else bars_between(self._least, self._most, _BINS)
        counts, edges = np.histogram(self._sample, bins=_BINS, range=within)
        return tuple(edges.tolist()), tuple((counts / max(1, counts.sum())).tolist())
