"""`ByDensities`: groups as what one of several Gaussian densities is likeliest for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from switchyard.tabular.clustering.finder import FEW_STARTS, Finder
from switchyard.tabular.clustering.mixtures import Mixture, can_be_mixed, mixture_of


class ByDensities(Finder):
    """A Gaussian mixture."""

    measure = "what each row gains by the mixture over one density, in nats"

    def can_find_in(self, X: np.ndarray) -> bool:
        return can_be_mixed(X)

    def find(self, X: np.ndarray, clusters: int, seed: int = 0, starts: int = FEW_STARTS, like: Any = None) -> Mixture:
        return mixture_of(X, clusters, seed, starts, like.covariance if isinstance(like, Mixture) else "")

    def strength(self, rows: np.ndarray, numbers: Sequence[int], seed: int) -> float:
        """The best gain in Bayesian information over one density, half of it for each row, with valleys between all groups."""
        one, best = self.find(rows, 1, seed, starts=1).bic or 0.0, 0.0
        for number in numbers:
            found = self.find(rows, number, seed, starts=1)
            gain = (one - (found.bic or 0.0)) / (2 * len(rows))
            if gain > best and found.apart:
                best = gain
        return best
