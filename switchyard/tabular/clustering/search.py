"""`choose_clusters`: how many groups there are, by whether they are found again, and whether there are any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score, silhouette_score

from switchyard.tabular.clustering.centres import centres_of, squared_distances
from switchyard.tabular.clustering.null import same_columns_and_correlations

TRIED_ROWS = 600
"""Of the tables that tell whether there are groups at all: the table's own, and twenty without."""
MOST_ROWS = 3_000
"""Of what the number of groups is chosen by."""
NULLS = 19
"""Tables without groups that the table is held against."""
DEVIATIONS = 3.0
"""How far above the mean of these tables, in their standard deviations, groups must be; docs/clustering.md has what that was seen to do."""
FEWEST = 10
"""Rows of the smallest group, where there are enough for that."""
_RESAMPLES, _FEW_RESAMPLES = 10, 4
_STARTS = 3
_MARGIN = 0.02
"""Stabilities that are as close are equal, and the silhouette decides."""


@dataclass(frozen=True)
class Tried:
    """A number of groups and what came of it."""

    clusters: int
    stability: float
    """Mean adjusted Rand index of the groups of all rows and those of resamples of half of them."""
    silhouette: float
    smallest: int
    """Rows of the smallest group."""


@dataclass(frozen=True)
class Choice:
    """How many groups, and why."""

    clusters: int
    tried: tuple[Tried, ...]
    strength: float
    """The best product of stability and silhouette, of the rows that it is compared on."""
    strength_without: float
    """What tables without groups come to at most: the best of them, or three standard deviations above their mean."""

    @property
    def objection(self) -> str:
        """Why there are no groups; empty where there are."""
        if self.strength > self.strength_without:
            return ""
        return (
            f"they come to no more (stability times silhouette {self.strength:.3f}) than parts of one cloud with the same columns and "
            f"correlations do ({self.strength_without:.3f})"
        )

    @property
    def best(self) -> Tried:
        return next(found for found in self.tried if found.clusters == self.clusters)


def choose_clusters(X: np.ndarray, least: int, most: int, seed: int = 0) -> Choice:
    """Choose the number of groups of the rows of `X`, float of shape (n, m) without gaps, by k-means.

    First the stability, then, among those that are as stable, the silhouette. There are no groups where no number of groups is as
    strong as in tables with the same columns and correlations and nothing else. Columns that are only shuffled would not do: two
    heaps in each of two columns make stable groups of shuffled rows too, and halves of one long cloud are stable without being groups.
    """
    rng = np.random.default_rng(seed)
    rows = _drawn(X, MOST_ROWS, rng)
    numbers = [number for number in range(least, most + 1) if number <= len(np.unique(rows, axis=0)) and number * 2 <= len(rows)]
    tried = tuple(_tried(rows, number, _RESAMPLES, seed) for number in numbers)
    able = [found for found in tried if found.smallest >= min(FEWEST, len(rows) // (2 * found.clusters))] or list(tried)
    stable = max(found.stability for found in able)
    best = max((found for found in able if found.stability >= stable - _MARGIN), key=lambda found: found.silhouette)
    few = _drawn(rows, TRIED_ROWS, rng)
    ours = _strength(few, numbers, seed)
    nulls = np.array([_strength(same_columns_and_correlations(few, rng), numbers, seed) for _ in range(NULLS)])
    # Stronger than all of them is one in twenty by chance; what groups come to is far outside of what these tables scatter.
    without = float(max(nulls.max(), nulls.mean() + DEVIATIONS * nulls.std(ddof=1)))
    return Choice(best.clusters, tried, ours, without)


def _strength(rows: np.ndarray, numbers: list[int], seed: int) -> float:
    """The best product of stability and silhouette that any number of groups comes to."""
    best = 0.0
    for number in numbers:
        silhouette = _silhouette(rows, _groups(rows, number, seed))
        # A stability is one at most, and takes the time.
        if silhouette > best:
            best = max(best, silhouette * _stability(rows, number, _FEW_RESAMPLES, seed))
    return best


def _tried(rows: np.ndarray, clusters: int, resamples: int, seed: int) -> Tried:
    groups = _groups(rows, clusters, seed)
    stability = _stability(rows, clusters, resamples, seed)
    return Tried(clusters, stability, _silhouette(rows, groups), int(np.bincount(groups, minlength=clusters).min()))


def _groups(rows: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    return squared_distances(rows, centres_of(rows, clusters, seed, _STARTS)).argmin(axis=1)


def _stability(rows: np.ndarray, clusters: int, resamples: int, seed: int) -> float:
    whole, rng = _groups(rows, clusters, seed), np.random.default_rng(seed + clusters)
    found = []
    for number in range(resamples):
        half = rows[rng.permutation(len(rows))[: max(clusters, len(rows) // 2)]]
        again = squared_distances(rows, centres_of(half, clusters, seed + 1 + number, _STARTS)).argmin(axis=1)
        found.append(adjusted_rand_score(whole, again))
    return float(np.mean(found))


def _silhouette(rows: np.ndarray, groups: np.ndarray) -> float:
    return float(silhouette_score(rows, groups)) if 1 < len(np.unique(groups)) < len(rows) else -1.0


def _drawn(X: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    X = np.asarray(X, dtype=np.float64)
    return X if len(X) <= most else X[np.sort(rng.choice(len(X), most, replace=False))]
