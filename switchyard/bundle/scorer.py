"""The `Scorer`: rows in, answers out, the same in training's evaluation and in the serving container."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from switchyard.bundle.contract import Contract
from switchyard.bundle.encoding import MISSING, BadInput, categories_of, known_names, numbers_of
from switchyard.bundle.reading import converter
from switchyard.bundle.requests import Recommendation
from switchyard.bundle.signature import Column, Signature
from switchyard.bundle.texts import words_of

CHUNK = 16_384
"""Rows that go through the graph at once: bounds memory."""
_CHUNK_OF_TEXTS = 1_024
"""The same where there are texts, which have a number for each term there."""

_WIDENED = {"numeric": 0.1, "datetime": 1.0}
"""Of the range of training, what is added to either side before a value is far outside: time goes on, numbers need not."""

Columns = Mapping[str, "Sequence[Any] | np.ndarray"]


@dataclass(frozen=True)
class Answer:
    """What a model says of n rows. Fields of the other kind of task are None."""

    probabilities: np.ndarray | None = None
    """Calibrated, float64 of shape (n, n_classes), columns as in `Signature.classes`."""
    label_index: np.ndarray | None = None
    """int64 of shape (n,): by threshold for a binary task, else the most probable class."""
    labels: list[str] | None = None
    prediction: np.ndarray | None = None
    """float64 of shape (n,), in units of the target."""
    lower: np.ndarray | None = None
    """Lower end of the conformal interval, float64 of shape (n,)."""
    upper: np.ndarray | None = None
    quantiles: np.ndarray | None = None
    """float64 of shape (n, n_levels), columns as in `Signature.quantiles`; None where the model has none."""
    members: np.ndarray | None = None
    """Which classes are in the conformal set of each row, bool of shape (n, n_classes); None where the model has no sets."""
    distance: np.ndarray | None = None
    """Of each row to the centre of its group, float64 of shape (n,); None where the model has no distances."""
    unlike: np.ndarray | None = None
    """Whether that is beyond what training saw, bool of shape (n,)."""
    recommendations: list[Recommendation] | None = None


def _usual(column: Column) -> tuple[float, float]:
    """The least and the most that a value of the column may be to be like training's: its range, widened on either side."""
    if column.minimum is None or column.maximum is None:
        return -np.inf, np.inf
    margin = _WIDENED.get(column.kind, 0.0) * (column.maximum - column.minimum)
    return column.minimum - margin, column.maximum + margin


def _named(column: Column) -> Callable[[Any], str]:
    """What reads a value of a categorical input: a name, or the words of a text."""
    convert = converter(column.reading)
    return convert if column.kind != "text" else lambda value: words_of(convert(value))


class Scorer:
    """Scores with the bundle in `folder`.

    Parameters
    ----------
    folder : str or Path
        Holds model.onnx and signature.json.
    threads : int
        Of onnxruntime. One is the fastest for single rows.

    Attributes
    ----------
    signature : Signature
    contract : Contract
        Which columns must come and which may.
    """

    def __init__(self, folder: str | Path, threads: int = 1) -> None:
        self._open((Path(folder) / "model.onnx").read_bytes(), Signature.read(folder), threads)

    def score_frame(self, frame: Any) -> Answer:
        """The answers for a DataFrame in canonical types; other columns than the model's are left aside.

        Raises
        ------
        BadInput
            A column of the model is missing.
        """
        return self.score({column.name: frame[column.name].to_numpy() for column in self.signature.columns if column.name in frame.columns})

    @classmethod
    def of(cls, model: bytes, signature: Signature, threads: int = 1) -> Scorer:
        """A scorer from a graph in memory."""
        scorer = cls.__new__(cls)
        scorer._open(model, signature, threads)
        return scorer

    def _open(self, model: bytes, signature: Signature, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.signature = signature
        self._numeric, self._categorical = signature.numeric, signature.categorical
        self._usual = np.array([_usual(column) for column in self._numeric]).reshape(-1, 2).T
        self.contract = Contract(signature)
        self._plan = tuple((column.name, converter(column.reading)) for column in self._numeric)
        self._category_plan = tuple(
            (column.name, known_names(column.reading, column.categories), _named(column)) for column in self._categorical
        )
        self._chunk = _CHUNK_OF_TEXTS if any(column.kind == "text" for column in signature.columns) else CHUNK

    def encode(self, columns: Columns) -> dict[str, np.ndarray]:
        """The graph's inputs for `columns`.

        Parameters
        ----------
        columns : mapping of column name to sequence or ndarray of shape (n,)
            Values as each column's reading takes them: numbers as numbers or text as training had it; moments as
            training had them, ISO 8601 or datetime64; booleans as true/false, 0/1 or their text; categories as text,
            numbers or booleans; missing as None, NaN or a word that counts as such. Other columns than the model's are
            left aside; an optional one that is absent is missing in every row.

        Returns
        -------
        dict
            `numeric` float64 of shape (n, n_numeric) and `categorical` object of str of shape (n, n_categorical),
            each only where the model has such columns.

        Raises
        ------
        BadInput
            Names the columns that are missing, or the column and the row of the first fault.
        """
        columns, rows = self._complete(columns)
        if rows == 1:
            return self._encode_row(columns)
        inputs: dict[str, np.ndarray] = {}
        if self._numeric:
            inputs["numeric"] = numeric = np.empty((rows, len(self._numeric)), dtype=np.float64)
            for position, column in enumerate(self._numeric):
                numeric[:, position] = numbers_of(column.name, column.reading, columns[column.name])
        if self._categorical:
            inputs["categorical"] = categorical = np.empty((rows, len(self._categorical)), dtype=object)
            for position, (name, known, convert) in enumerate(self._category_plan):
                categorical[:, position] = categories_of(name, convert, known, columns[name])
        return inputs

    def _complete(self, columns: Columns) -> tuple[Columns, int]:
        """The columns with nulls for optional ones that did not come, and the number of rows."""
        absent = self.contract.match(columns.keys()).absent
        rows, first = None, ""
        for column in self.signature.columns:
            if column.name in absent:
                continue
            values = columns[column.name]
            if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
                raise BadInput(column.name, None, "must be a list with one value for each row")
            if rows is None:
                rows, first = len(values), column.name
            elif len(values) != rows:
                raise BadInput(column.name, None, f"has {len(values)} values, but {first!r} has {rows}")
        rows = rows or 0
        return ({**columns, **dict.fromkeys(absent, [None] * rows)} if absent else columns), rows

    def _encode_row(self, columns: Columns) -> dict[str, np.ndarray]:
        inputs: dict[str, np.ndarray] = {}
        name = ""
        try:
            if self._plan:
                row: list[Any] = []
                for name, convert in self._plan:
                    row.append(convert(columns[name][0]))
                inputs["numeric"] = np.array([row], dtype=np.float64)
            if self._category_plan:
                row = []
                for name, known, convert in self._category_plan:
                    value = columns[name][0]
                    row.append(known[value] if value.__class__ is str and value in known else convert(value))
                inputs["categorical"] = np.array([row], dtype=object)
        except ValueError as error:
            raise BadInput(name, 0, str(error)) from None
        return inputs

    def score(self, columns: Columns) -> Answer:
        """The answers for `columns`, which are as in `encode`; n may be 0."""
        return self.answer(self.encode(columns))

    def unusual(self, inputs: Mapping[str, np.ndarray]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """What `encode` made that is nothing like training's rows: columns with a value far outside, and rows that hold nothing."""
        numeric, categorical = inputs.get("numeric"), inputs.get("categorical")
        names: tuple[str, ...] = ()
        if numeric is not None:
            outside = (numeric < self._usual[0]) | (numeric > self._usual[1])
            if np.count_nonzero(outside):
                names = tuple(column.name for column, found in zip(self._numeric, outside.any(axis=0)) if found)
            # Most rows have a first value, and need no second look.
            if len(numeric) == 1 and numeric[0, 0] == numeric[0, 0]:
                return names, ()
        given = [~np.isnan(numeric)] if numeric is not None else []
        given += [categorical != MISSING] if categorical is not None else []
        empty = ~np.concatenate(given, axis=1).any(axis=1)
        return names, tuple(np.flatnonzero(empty).tolist())

    def answer(self, inputs: Mapping[str, np.ndarray]) -> Answer:
        """The answers for what `encode` made."""
        rows = len(next(iter(inputs.values())))
        if rows == 0:
            return self._empty()
        if rows <= self._chunk:
            return self._answer(self._session.run(None, inputs))
        parts = [
            self._session.run(None, {name: block[start : start + self._chunk] for name, block in inputs.items()})
            for start in range(0, rows, self._chunk)
        ]
        return self._answer([np.concatenate(blocks) for blocks in zip(*parts)])

    def _answer(self, blocks: Sequence[np.ndarray]) -> Answer:
        found = dict(zip(self._outputs, blocks))
        if self.signature.classes:
            classes, index = self.signature.classes, found["label"]
            sets, probabilities = self.signature.sets, found["probabilities"]
            members = None if sets is None else sets.members(probabilities)
            unlike, distance = self.signature.unlike, found.get("distance")
            marks = None if unlike is None or distance is None else unlike.marks(distance, index)
            labels = [classes[code] for code in index.tolist()]
            return Answer(probabilities, index, labels, members=members, distance=distance, unlike=marks)
        levels = self.signature.quantiles
        quantiles = None if levels is None else levels.values(found["prediction"])
        return Answer(prediction=found["prediction"], lower=found.get("lower"), upper=found.get("upper"), quantiles=quantiles)

    def _empty(self) -> Answer:
        if self.signature.classes:
            none = np.empty((0, len(self.signature.classes)))
            members = none.astype(bool) if self.signature.sets else None
            distance, unlike = (np.empty(0), np.empty(0, dtype=bool)) if self.signature.unlike else (None, None)
            return Answer(none, np.empty(0, dtype=np.int64), [], members=members, distance=distance, unlike=unlike)
        bound = np.empty(0) if self.signature.interval else None
        quantiles = None if self.signature.quantiles is None else np.empty((0, len(self.signature.quantiles.levels)))
        return Answer(prediction=np.empty(0), lower=bound, upper=bound, quantiles=quantiles)
