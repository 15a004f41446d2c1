"""Raw columns as a matrix of numbers and back, so that explainers can mix rows and the bundle can score them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from switchyard.tabular.report.words import clipped
from switchyard.tabular.tables.schema import MISSING, Column
from switchyard.tabular.tables.table import model_values


@dataclass(frozen=True)
class Coding:
    """How the columns of a model become a float64 matrix: numbers and epoch seconds as they are, categories as codes."""

    columns: tuple[Column, ...]
    categories: dict[str, np.ndarray]
    """Column name -> its categories in the order of their codes."""

    @classmethod
    def of(cls, columns: tuple[Column, ...], *frames: pd.DataFrame) -> Coding:
        """A coding that knows every category in the canonical `frames`."""
        categories = {}
        for column in columns:
            if column.kind in ("categorical", "text"):
                seen = set().union(*(frame[column.name].dropna().unique() for frame in frames))
                categories[column.name] = np.array([*sorted(seen), MISSING], dtype=object)
        return cls(columns, categories)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Canonical rows as a matrix of shape (n, n_columns)."""
        matrix = np.empty((len(frame), len(self.columns)))
        for position, column in enumerate(self.columns):
            if column.name in self.categories:
                names = frame[column.name].fillna(MISSING)
                matrix[:, position] = pd.Index(self.categories[column.name]).get_indexer(names)
            else:
                matrix[:, position] = model_values(frame[column.name], column)
        return matrix

    def decode(self, matrix: np.ndarray) -> dict[str, np.ndarray]:
        """The matrix as columns a `bundle.Scorer` takes."""
        return {
            name: self.categories[name][matrix[:, position].astype("int64")] if name in self.categories else matrix[:, position]
            for position, name in enumerate(self.names)
        }

    def shown(self, position: int, value: float) -> str:
        """One coded value for people."""
        column = self.columns[position]
        if column.name in self.categories:
            category = self.categories[column.name][int(value)]
            return "missing" if category == MISSING else clipped(str(category))
        if np.isnan(value):
            return "missing"
        if column.kind == "datetime":
            return str(np.datetime64(int(value), "s").astype("datetime64[D]"))
        return str(int(value)) if value.is_integer() and abs(value) < 1e12 else f"{value:.6g}"
