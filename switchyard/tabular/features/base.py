"""`Computed`: the base of transformers that say once what they compute, for numpy and ONNX alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from switchyard.tabular.features.operators import Operator, apply


def matrix(frame: pd.DataFrame | np.ndarray) -> np.ndarray:
    """The columns of a block as one array: float64 of numbers, object of categories."""
    if isinstance(frame, np.ndarray):
        return frame
    return frame.to_numpy(object if any(pd.api.types.is_object_dtype(dtype) for dtype in frame.dtypes) else "float64")


def target_columns(y: np.ndarray, classification: bool) -> np.ndarray:
    """The target as numbers to correlate with or regress on: one column, or an indicator for each of many classes."""
    classes = np.unique(y)
    if not classification or len(classes) <= 2:
        return y.astype("float64").reshape(-1, 1)
    return (y.reshape(-1, 1) == classes).astype("float64")


class Computed(TransformerMixin, BaseEstimator):
    """A transformer whose `transform` is `compute` on arrays."""

    def fit(self, X: pd.DataFrame | np.ndarray, y: np.ndarray | None = None) -> Computed:
        """Learn from the training rows `X` of shape (n, k) and the targets `y` (codes or floats) of shape (n,)."""
        self.n_features_in_ = X.shape[1]
        self.learn(matrix(X), None if y is None else np.asarray(y))
        return self

    def transform(self, X: pd.DataFrame | np.ndarray) -> np.ndarray:
        """The new columns, shape (n, n_out)."""
        return self.compute(apply, matrix(X))

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        """What `fit` does beyond keeping the shape; nothing by default."""

    @abstractmethod
    def compute(self, op: Operator, x: Any) -> Any:
        """The transformation of `x`, shape (n, k), in ONNX operators."""

    def appended_names(self, names: Sequence[str]) -> list[str]:
        """Names of the columns that `compute` puts after those it was given."""
        return []

    def get_feature_names_out(self, input_features: Sequence[str]) -> np.ndarray:
        """Names of the columns after the transformation, given those before it."""
        names = list(input_features)
        return np.array(names + self.appended_names(names), dtype=object)


class Take(Computed):
    """The columns at `positions`, in that order, as one float64 block."""

    def __init__(self, positions: tuple[int, ...]) -> None:
        self.positions = positions

    def compute(self, op: Operator, x: Any) -> Any:
        if self.positions == tuple(range(self.n_features_in_)):
            return x
        return op("Gather", x, np.array(self.positions), axis=1)

    def get_feature_names_out(self, input_features: Sequence[str]) -> np.ndarray:
        return np.array([input_features[position] for position in self.positions], dtype=object)
