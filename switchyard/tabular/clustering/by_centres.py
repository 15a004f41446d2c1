"""`ByCentres`: groups as what is nearest to one centre."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from switchyard.tabular.clustering.centres import Centres, centres_of
from switchyard.tabular.clustering.finder import FEW_STARTS, Finder
from switchyard.tabular.clustering.stability import silhouette_of, stability_of

_RESAMPLES = 4


class ByCentres(Finder):
    """k-means."""

    measure = "stability times silhouette"

    def find(self, X: np.ndarray, clusters: int, seed: int = 0, starts: int = FEW_STARTS, like: Any = None) -> Centres:
        return Centres(centres_of(X, clusters, seed, starts))

    def strength(self, rows: np.ndarray, numbers: Sequence[int], seed: int) -> float:
        """The best product of stability and silhouette."""
        best = 0.0
        for number in numbers:
            silhouette = silhouette_of(rows, self.find(rows, number, seed).groups(rows))
            # A stability is one at most, and takes the time.
            if silhouette > best:
                best = max(best, silhouette * stability_of(rows, self, number, _RESAMPLES, seed))
        return best
