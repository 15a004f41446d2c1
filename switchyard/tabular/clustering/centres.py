"""Centres of groups, and distances from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from switchyard.tabular.clustering.finder import Found

MANY_ROWS = 20_000
"""From here on centres are found by batches of rows."""


@dataclass(frozen=True, eq=False)
class Centres(Found):
    """k centres over m features, of shape (k, m): a row is of the group of the nearest."""

    centres: np.ndarray

    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """Of each row of `X`, of shape (n, m), to each centre: float64 of shape (n, k)."""
        return squared_distances(X, self.centres)

    def groups(self, X: np.ndarray) -> np.ndarray:
        """The nearest centre of each row, int64 of shape (n,)."""
        return self.squared_distances(X).argmin(axis=1)


def centres_of(X: np.ndarray, clusters: int, seed: int = 0, starts: int = 10) -> np.ndarray:
    """The centres that k-means finds in `X`, of shape (n, m), with no gaps: float64 of shape (clusters, m)."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    X = np.asarray(X, dtype=np.float64)
    if len(X) > MANY_ROWS:
        found = MiniBatchKMeans(clusters, n_init=min(starts, 5), batch_size=4096, random_state=seed).fit(X)
    else:
        found = KMeans(clusters, n_init=starts, random_state=seed).fit(X)
    return np.asarray(found.cluster_centers_, dtype=np.float64)


def squared_distances(X: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Of each row of `X` to each centre, float64 of shape (n, n_centres)."""
    X = np.asarray(X, dtype=np.float64)
    return np.maximum((X**2).sum(axis=1)[:, None] - 2 * X @ centres.T + (centres**2).sum(axis=1), 0.0)
