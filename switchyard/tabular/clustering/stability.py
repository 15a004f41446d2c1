"""Whether groups are found again in a part of the rows, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from switchyard.tabular.clustering.finder import Finder, Found


def stability_of(rows: np.ndarray, finder: Finder, clusters: int, resamples: int, seed: int) -> float:
    """Mean adjusted Rand index of the groups of all rows, float of shape (n, m), and those of resamples of half of them."""
    from sklearn.metrics import adjusted_rand_score

    whole = finder.find(rows, clusters, seed)
    groups = whole.groups(rows)
    return float(np.mean([adjusted_rand_score(groups, again) for again in _found_again(rows, finder, clusters, resamples, seed, whole)]))


def stability_by_group(rows: np.ndarray, groups: np.ndarray, finder: Finder, clusters: int, resamples: int, seed: int) -> np.ndarray:
    """Of each of the `groups` (codes of shape (n,)) of `rows` the mean Jaccard index with what half of the rows find in its place.

    References
    ----------
    Hennig, *Cluster-wise assessment of cluster stability*, Computational Statistics & Data Analysis 52, 2007.
    """
    found = []
    for again in _found_again(rows, finder, clusters, resamples, seed, finder.find(rows, clusters, seed)):
        shared = shared_rows(groups, again, clusters)
        place = matched(groups, again, clusters)
        both = shared[np.arange(clusters), place]
        found.append(both / np.maximum(shared.sum(axis=1) + shared.sum(axis=0)[place] - both, 1))
    return np.mean(found, axis=0)


def silhouette_of(rows: np.ndarray, groups: np.ndarray) -> float:
    """The mean silhouette, -1 where there is one group only."""
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(rows, groups)) if 1 < len(np.unique(groups)) < len(rows) else -1.0


def shared_rows(ours: np.ndarray, theirs: np.ndarray, clusters: int) -> np.ndarray:
    """How many rows are in each group of the one (codes below `clusters`) and each of the other, of shape (clusters, clusters)."""
    shared = np.zeros((clusters, clusters))
    np.add.at(shared, (ours, theirs), 1)
    return shared


def matched(ours: np.ndarray, theirs: np.ndarray, clusters: int) -> np.ndarray:
    """The group of the others (their codes) for each of ours, so that as many rows as can be are in both: int64 of shape (clusters,)."""
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(-shared_rows(ours, theirs, clusters))[1])


def _found_again(rows: np.ndarray, finder: Finder, clusters: int, resamples: int, seed: int, whole: Found) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed + clusters)
    for number in range(resamples):
        half = rows[rng.permutation(len(rows))[: max(clusters, len(rows) // 2)]]
        yield finder.find(half, clusters, seed + 1 + number, like=whole).groups(rows)
