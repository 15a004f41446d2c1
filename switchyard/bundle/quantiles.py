"""`Quantiles`: values that a share of the outcomes lies below, from the prediction and what lay around predictions like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

QUANTILE = "quantile_"
"""What the columns of a batch and of pyfunc are called, before the level."""


@dataclass(frozen=True)
class Quantiles:
    """How far each quantile lies from the prediction, where that is small and where it is large.

    Attributes
    ----------
    levels : tuple of float
        Shares of outcomes, rising, each in (0, 1).
    at : tuple of float
        Predictions, rising, at which the distances are known; between them they lie on a line, beyond them they are those of the end.
    offsets : tuple of tuple of float
        For each of them, by level, what is added to the prediction; rising, so that quantiles never cross.
    floor : float or None
        No quantile is below this; 0 of counts.
    """

    levels: tuple[float, ...]
    at: tuple[float, ...]
    offsets: tuple[tuple[float, ...], ...]
    floor: float | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self | None:
        """What `dataclasses.asdict` made of one, read from JSON."""
        if kept is None:
            return None
        return cls(tuple(kept["levels"]), tuple(kept["at"]), tuple(map(tuple, kept["offsets"])), kept["floor"])

    @property
    def names(self) -> tuple[str, ...]:
        """The levels as answers call them."""
        return tuple(f"{level:g}" for level in self.levels)

    def values(self, predictions: np.ndarray) -> np.ndarray:
        """The quantiles around `predictions` of shape (n,): float64 of shape (n, n_levels), rising in each row."""
        predictions = np.asarray(predictions, dtype=np.float64).reshape(-1)
        found = np.column_stack([predictions + np.interp(predictions, self.at, offsets) for offsets in zip(*self.offsets)])
        found = found if self.floor is None else np.maximum(found, self.floor)
        # The last bit of a sum or of an interpolation may fall where the exact one would not.
        return np.maximum.accumulate(found, axis=1)

    @property
    def words(self) -> str:
        """What is promised, for people."""
        return f"values that {', '.join(f'{level * 100:g}' for level in self.levels)} % of the outcomes lie below"
