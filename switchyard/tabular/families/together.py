"""What a fit that several processes make together has to know: of the others (`Together`), and of all rows' targets (`Target`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Together:
    """One of several processes that fit one model, each to its own rows.

    Attributes
    ----------
    rank : int
        Which one this is, from 0.
    addresses : tuple of str
        "host:port" by rank, where each may listen while it fits.
    """

    rank: int
    addresses: tuple[str, ...]

    def host(self, rank: int) -> str:
        """Where the process of a rank runs."""
        return self.addresses[rank].rpartition(":")[0]

    def port(self, rank: int) -> int:
        """What the process of a rank may listen at."""
        return int(self.addresses[rank].rpartition(":")[2])


@dataclass(frozen=True, eq=False)
class Target:
    """What a fit needs of the targets of all its rows, be they here or with others.

    Attributes
    ----------
    rows : int
    weight : float
        Mean of the weights, in their own unit; 1 where there are none.
    mean, variance : float
        Of a regression's target, weighted.
    counts : ndarray of shape (n_classes,)
        Rows of each class, with weights of mean one.
    """

    rows: int
    weight: float
    mean: float
    variance: float
    counts: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, weights: np.ndarray | None, n_classes: int) -> Self:
        """The target of a part: class codes where there are classes, else floats; `weights` in any unit, above zero."""
        weight = 1.0 if weights is None else float(np.asarray(weights, dtype=np.float64).mean())
        of_mean_one = None if weights is None else np.asarray(weights, dtype=np.float64) / weight
        if n_classes:
            return cls(len(y), weight, 0.0, 0.0, np.bincount(y, of_mean_one, n_classes).astype(np.float64))
        values = np.asarray(y, dtype=np.float64)
        mean = float(np.average(values, weights=of_mean_one))
        variance = float(values.var()) if weights is None else float(np.average((values - mean) ** 2, weights=of_mean_one))
        return cls(len(y), weight, mean, variance, np.zeros(0))

    @classmethod
    def merged(cls, parts: Sequence[Target]) -> Self:
        """The targets of the rows of all parts together."""
        rows = sum(part.rows for part in parts)
        shares = np.array([part.rows * part.weight for part in parts])
        weight = float(shares.sum()) / rows
        mean = float(np.average([part.mean for part in parts], weights=shares))
        variance = float(np.average([part.variance + (part.mean - mean) ** 2 for part in parts], weights=shares))
        counts = np.sum([part.counts * part.weight for part in parts], axis=0) / weight
        return cls(rows, weight, mean, variance, counts)
