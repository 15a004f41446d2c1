"""Centres of groups, and distances from them."""

from __future__ import annotations

import numpy as np

MANY_ROWS = 20_000
"""From here on centres are found by batches of rows."""


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
