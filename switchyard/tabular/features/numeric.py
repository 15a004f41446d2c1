"""Numeric columns: `Bound`, `Impute`, `Products` (interactions and polynomials) and `Scale`, a whole block at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from math import comb
from typing import Any

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from switchyard.tabular.features.base import Computed, target_columns
from switchyard.tabular.features.operators import DOUBLE, Operator

_LARGEST = 1e38
_MAX_TERMS = 200
_SCORED_ROWS = 20_000
_SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


class Bound(Computed):
    """Numbers beyond 1e38 moved onto it: models take float32, where they would be infinite."""

    def compute(self, op: Operator, x: Any) -> Any:
        return op("Clip", x, np.float64(-_LARGEST), np.float64(_LARGEST))


class Impute(Computed):
    """Gaps filled with a statistic of the training rows, and a column beside it that says where the gap was.

    Parameters
    ----------
    strategies : tuple of {"none", "mean", "median"}
        For each of the first columns of the block; those after them are left as they are. "none" keeps NaN.
    indicator : bool
        Append a 0/1 column for each imputed column that had gaps in the training rows: being missing may itself tell.
    """

    def __init__(self, strategies: tuple[str, ...], indicator: bool = True) -> None:
        self.strategies = strategies
        self.indicator = indicator

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.fill_ = np.full(X.shape[1], np.nan)
        gaps = np.isnan(X)
        for position, strategy in enumerate(self.strategies):
            if strategy != "none":
                seen = X[~gaps[:, position], position]
                statistic = np.mean if strategy == "mean" else np.median
                self.fill_[position] = statistic(seen) if len(seen) else 0.0
        self.indicated_ = np.flatnonzero(~np.isnan(self.fill_) & gaps.any(axis=0)) if self.indicator else np.array([], dtype=int)

    def compute(self, op: Operator, x: Any) -> Any:
        gaps = op("IsNaN", x)
        filled = op("Where", gaps, self.fill_, x)
        if not len(self.indicated_):
            return filled
        return op("Concat", filled, op("Cast", op("Gather", gaps, self.indicated_, axis=1), to=DOUBLE), axis=1)

    def appended_names(self, names: Sequence[str]) -> list[str]:
        return [f"{names[position]} is missing" for position in self.indicated_]


class Products(Computed):
    """Appended products of columns: the strongest pairs, and all powers and mixed terms up to a degree.

    Parameters
    ----------
    positions : tuple of int
        Columns that may take part.
    classification : bool
        Whether `y` holds class codes.
    interactions : int
        Pairs of different columns to multiply: those whose centred product is most correlated with the target.
    degree : {1, 2, 3}
        Terms of degree 2 up to this one, of as many columns as make at most 200 terms; the columns most correlated
        with the target go first.
    """

    def __init__(self, positions: tuple[int, ...], classification: bool, interactions: int = 0, degree: int = 1) -> None:
        self.positions = positions
        self.classification = classification
        self.interactions = interactions
        self.degree = degree

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        assert y is not None
        step = max(1, len(X) // _SCORED_ROWS)
        columns = _standardised(X[::step][:, self.positions])
        targets = _standardised(target_columns(y[::step], self.classification))
        terms = self._strongest_pairs(columns, targets) + self._monomials(columns, targets)
        self.terms_ = [tuple(self.positions[i] for i in term) for term in dict.fromkeys(terms)]

    def _strongest_pairs(self, columns: np.ndarray, targets: np.ndarray) -> list[tuple[int, ...]]:
        scores: dict[tuple[int, ...], float] = {}
        for i in range(columns.shape[1] - 1 if self.interactions else 0):
            association = _association(_standardised(columns[:, [i]] * columns[:, i + 1 :]), targets)
            scores.update({(i, i + 1 + j): value for j, value in enumerate(association)})
        return sorted(scores, key=lambda pair: (-scores[pair], pair))[: self.interactions]

    def _monomials(self, columns: np.ndarray, targets: np.ndarray) -> list[tuple[int, ...]]:
        if self.degree == 1:
            return []
        width = max(k for k in range(1, columns.shape[1] + 1) if comb(k + self.degree, self.degree) - 1 - k <= _MAX_TERMS)
        strongest = sorted(np.argsort(-_association(columns, targets), kind="stable")[:width].tolist())
        degrees = range(2, self.degree + 1)
        return [term for degree in degrees for term in combinations_with_replacement(strongest, degree)]

    def compute(self, op: Operator, x: Any) -> Any:
        parts = [x]
        for degree in (2, 3):
            terms = np.array([term for term in self.terms_ if len(term) == degree])
            if len(terms):
                factors = [op("Gather", x, terms[:, i], axis=1) for i in range(degree)]
                product = op("Mul", factors[0], factors[1])
                parts.append(op("Mul", product, factors[2]) if degree == 3 else product)
        return op("Concat", *parts, axis=1) if len(parts) > 1 else x

    def appended_names(self, names: Sequence[str]) -> list[str]:
        ordered = sorted(self.terms_, key=len)
        return [" * ".join(names[position] for position in term) for term in ordered]


def _standardised(columns: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and standard deviation 1, 0 where missing or constant."""
    present = ~np.isnan(columns)
    count = np.maximum(present.sum(axis=0), 1)
    mean = np.where(present, columns, 0.0).sum(axis=0) / count
    centred = np.where(present, columns - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / count)
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 1e-12)


def _association(columns: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Largest absolute correlation of each standardised column with any standardised target, rounded so that equals tie."""
    return np.round(np.abs(columns.T @ targets).max(axis=1) / len(columns), 12)


class Scale(Computed):
    """Columns shifted and stretched by scikit-learn's scalers, one choice for each column.

    Parameters
    ----------
    kinds : tuple of {"none", "standard", "minmax", "robust"}
        For each of the first columns of the block.
    rest : {"none", "standard", "minmax", "robust"}
        For the columns appended after them.
    """

    def __init__(self, kinds: tuple[str, ...], rest: str = "none") -> None:
        self.kinds = kinds
        self.rest = rest

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.center_ = np.zeros(X.shape[1])
        self.scale_ = np.ones(X.shape[1])
        kinds = np.array([*self.kinds, *[self.rest] * (X.shape[1] - len(self.kinds))])
        for kind, scaler_class in _SCALERS.items():
            chosen = np.flatnonzero(kinds == kind)
            if len(chosen):
                scaler = scaler_class().fit(X[:, chosen])
                if kind == "minmax":
                    self.center_[chosen], self.scale_[chosen] = scaler.data_min_, 1.0 / scaler.scale_
                else:
                    self.center_[chosen] = scaler.mean_ if kind == "standard" else scaler.center_
                    self.scale_[chosen] = scaler.scale_

    def compute(self, op: Operator, x: Any) -> Any:
        return op("Div", op("Sub", x, self.center_), self.scale_)
