"""The `Explainer`: why an answer is what it is, as contributions of the columns that add up to it.

They are Shapley values against the bundle's own examples, rows of the holdout that its digest covers: the answer less the mean
answer of those rows is shared out among the columns. Up to `EXACT` columns every coalition is scored; of more, orders are
sampled several times over, and how far the samples are apart is the stated error.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from switchyard.bundle.examples import rows_of_a_table
from switchyard.bundle.scorer import Scorer
from switchyard.bundle.shapley import MOST_PLAYERS, Function, combined, shapley_values

EXPLAINED = ("binary", "multiclass", "regression")
"""Tasks whose answers are a number of a row's columns."""
EXACT = 6
"""Columns up to which every coalition is scored."""
_CALLS, _FEWEST, _MOST = 700, 2, 8
"""Rows scored for one explanation, about, and how often the orders are sampled at least and at most."""


@dataclass(frozen=True)
class Contribution:
    """What one column adds to an answer, in the answer's unit."""

    column: str
    amount: float
    error: float
    """Standard error of the sampling; 0 where nothing was sampled."""


@dataclass(frozen=True)
class Reasons:
    """One answer, shared out among the columns: `base` and all contributions add up to `value`."""

    explained: str
    """What the value is: "probability of yes", or the target's name."""
    value: float
    base: float
    """Mean answer of the background."""
    contributions: tuple[Contribution, ...]
    """The largest first."""

    def principal(self, sign: float, among: Collection[str], most: int = 4) -> list[str]:
        """The columns of `among` that moved the answer most in the direction of `sign`, the strongest first."""
        return [part.column for part in self.contributions if sign * part.amount > 0 and part.column in among][:most]

    def words(self, shown: Mapping[str, Any], most: int = 3) -> str:
        """The columns that moved the answer most, as a sentence; `shown` are their values as they came."""
        parts = [_moved(part, shown.get(part.column)) for part in self.contributions[:most] if part.amount]
        return f"{self.explained} is {self.value:.4g} and {self.base:.4g} on average; " + ("; ".join(parts) or "no column moves it")


def _moved(part: Contribution, value: Any) -> str:
    said = "being missing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)[:60]
    return f"{part.column} ({said}) {'raises' if part.amount > 0 else 'lowers'} it by {abs(part.amount):.3g}"


class Explainer:
    """Explains what `scorer` answers.

    Parameters
    ----------
    scorer : Scorer
    examples : sequence of dict
        Of its bundle, with `row`: those that are rows of a table are the background, so the digest covers it.

    Attributes
    ----------
    background : int
        Rows of the background.
    names : tuple of str
        The columns of the model.
    """

    def __init__(self, scorer: Scorer, examples: Sequence[Mapping[str, Any]]) -> None:
        self._scorer, self._signature = scorer, scorer.signature
        rows = rows_of_a_table(examples, scorer.signature)
        self._inputs = scorer.encode({column.name: [row[column.name] for row in rows] for column in self._signature.columns})
        self._names = [column.name for column in (*self._signature.numeric, *self._signature.categorical)]
        self.names = tuple(column.name for column in self._signature.columns)
        self.background = len(rows)

    def explain(self, inputs: Mapping[str, np.ndarray], row: int) -> Reasons:
        """The reasons of the answer to one row of `inputs`, which are as `Scorer.encode` makes them."""
        output, explained = self._output(inputs, row)
        matrix, function = self._coded(inputs, row, output)
        one, background = matrix[0], matrix[1:]
        if len(one) <= EXACT:
            values, value, base = _exact(function, one, background)
            errors = np.zeros(len(one))
        else:
            width = min(len(one), MOST_PLAYERS) * len(background)
            repeats = min(max(_CALLS // width, _FEWEST), _MOST)
            halves, means, outputs = shapley_values(function, np.repeat(matrix[:1], repeats, axis=0), background, 0)
            samples = combined(halves, len(background))[:, :, 0]
            values, errors = samples.mean(axis=0), samples.std(axis=0, ddof=1) / repeats**0.5
            value, base = float(outputs[0, 0]), float(means[0])
        order = np.argsort(-np.abs(values), kind="stable").tolist()
        parts = tuple(Contribution(self._names[at], float(values[at]), float(errors[at])) for at in order)
        return Reasons(explained, value, base, parts)

    def _output(self, inputs: Mapping[str, np.ndarray], row: int) -> tuple[int, str]:
        """Which output is explained, and what it is called: the positive class's, that of the answered label, or the prediction."""
        classes = self._signature.classes
        if not classes:
            return 0, self._signature.target
        code = 1
        if len(classes) > 2:
            index = self._scorer.answer({name: block[row : row + 1] for name, block in inputs.items()}).label_index
            code = int(index[0]) if index is not None else 0
        return code, f"probability of {classes[code]}"

    def _coded(self, inputs: Mapping[str, np.ndarray], row: int, output: int) -> tuple[np.ndarray, Function]:
        """The row and below it the background as numbers, categories by their places, and the model as a function of such."""
        blocks, vocabularies, split = [], [], 0
        if "numeric" in inputs:
            blocks.append(np.vstack([inputs["numeric"][row : row + 1], self._inputs["numeric"]]))
            split = blocks[0].shape[1]
        if "categorical" in inputs:
            for values in np.vstack([inputs["categorical"][row : row + 1], self._inputs["categorical"]]).T:
                places = {value: place for place, value in enumerate(dict.fromkeys(values.tolist()))}
                vocabularies.append(np.array(list(places), dtype=object))
                blocks.append(np.array([[float(places[value])] for value in values]))

        def function(matrix: np.ndarray) -> np.ndarray:
            made: dict[str, np.ndarray] = {"numeric": np.ascontiguousarray(matrix[:, :split])} if split else {}
            if vocabularies:
                codes = matrix[:, split:].astype(np.int64)
                made["categorical"] = np.stack([names[codes[:, at]] for at, names in enumerate(vocabularies)], axis=1)
            answer = self._scorer.answer(made)
            if answer.probabilities is not None:
                return answer.probabilities[:, output : output + 1]
            return np.asarray(answer.prediction).reshape(-1, 1)

        return np.hstack(blocks), function


def _exact(function: Function, row: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Shapley values by their definition, of shape (n_columns,), with the answer to the row and the mean of the background."""
    size = len(row)
    coalitions = (np.arange(2**size)[:, None] >> np.arange(size)) & 1 == 1
    points = np.where(coalitions[:, None, :], row, background[None])
    worth = function(points.reshape(-1, size)).reshape(2**size, len(background)).mean(axis=1)
    share = np.array([factorial(count) * factorial(size - count - 1) / factorial(size) for count in range(size)])
    values = np.empty(size)
    for column in range(size):
        without = np.flatnonzero(~coalitions[:, column])
        values[column] = share[coalitions[without].sum(axis=1)] @ (worth[without + 2**column] - worth[without])
    return values, float(worth[-1]), float(worth[0])
