"""`Pairs`: appended products, ratios, differences and sums of the numbers that boosting leans on most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from switchyard.tabular.families import BASELINE, FAMILIES
from switchyard.tabular.features.base import Computed
from switchyard.tabular.features.functions import finite
from switchyard.tabular.features.numeric import Bound
from switchyard.tabular.features.operators import Operator, apply

_SIGNS = {"Mul": "*", "Div": "/", "Sub": "-", "Add": "+"}
"""ONNX operators and how they are written."""
_COLUMNS, _KEPT = 6, 20
"""Numbers that are paired, and pairs that are kept: more of them cost time in every trial and latency in every answer."""
_ROWS = 20_000

Term = tuple[str, int, int]
"""Operator and the positions of its two operands."""


class Pairs(Computed):
    """The encoded columns and after them `a * b`, `a / b`, `a - b` or `a + b` of pairs of numbers.

    Trees cut one column at a time, so that a ratio costs them many cuts. Boosting of a few trees ranks the numbers by gain; the
    candidates are every pair of the first six in every operation, and boosting of as many trees on the columns and the candidates
    ranks these: the first twenty stay. Both look at evenly spaced rows, 20,000 at most, and at training rows only.

    What is divided by zero or overflows float64 is missing, and so is what is computed from a missing value.

    Parameters
    ----------
    positions : tuple of int
        Columns that may be paired.
    classification : bool
        Whether `y` holds class codes.
    seed : int

    Attributes
    ----------
    terms_ : list of (operator, left, right)
        What is appended, grouped by operator.
    """

    def __init__(self, positions: tuple[int, ...], classification: bool, seed: int = 0) -> None:
        self.positions = positions
        self.classification = classification
        self.seed = seed

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        assert y is not None
        step = -(-len(X) // _ROWS)
        X, y = X[::step], y[::step]
        numbers = np.array(self.positions)
        strongest = numbers[np.argsort(-self._gains(X, y)[numbers], kind="stable")][:_COLUMNS].tolist()
        candidates = [(name, left, right) for name in _SIGNS for left, right in combinations(strongest, 2)]
        made = _made(apply, X, candidates)
        gains = self._gains(np.column_stack([X, made]), y)[X.shape[1] :]
        best = np.argsort(-gains, kind="stable")[:_KEPT]
        self.terms_: list[Term] = [candidates[place] for place in sorted(best.tolist()) if gains[place] > 0]

    def _gains(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        classes = 0
        if self.classification:
            # A fold may lack a class.
            found, y = np.unique(y, return_inverse=True)
            classes = len(found)
        return FAMILIES[BASELINE].gains(X.astype("float32"), y, classes, self.seed)

    def compute(self, op: Operator, x: Any) -> Any:
        return op("Concat", x, _made(op, x, self.terms_), axis=1) if self.terms_ else x

    def appended_names(self, names: Sequence[str]) -> list[str]:
        return [f"{names[left]} {_SIGNS[name]} {names[right]}" for name, left, right in self.terms_]


def _made(op: Operator, x: Any, terms: Sequence[Term]) -> Any:
    """The columns of `terms`, which are grouped by operator."""
    parts = []
    for name in _SIGNS:
        places = np.array([term[1:] for term in terms if term[0] == name])
        if len(places):
            parts.append(op(name, *(op("Gather", x, side, axis=1) for side in places.T)))
    return Bound().compute(op, finite(op, op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]))
