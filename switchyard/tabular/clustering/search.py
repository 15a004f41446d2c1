"""`choose_groups`: by which algorithm and how many groups, by whether they are found again, and whether there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from switchyard.tabular.clustering.evidence import Evidence, evidence_of
from switchyard.tabular.clustering.finder import Finder
from switchyard.tabular.clustering.stability import silhouette_of, stability_of

TRIED_ROWS = 600
"""Of the tables that tell whether there are groups at all: the table's own, and nineteen without."""
MOST_ROWS = 3_000
"""Of what algorithm and number of groups are chosen by."""
FEWEST = 10
"""Rows of the smallest group, where there are enough for that."""
RESAMPLES = 10
_MARGIN = 0.02
"""Stabilities that are as close are equal, and something else decides."""


@dataclass(frozen=True)
class Tried:
    """A number of groups by an algorithm, and what came of it."""

    finder: Finder
    clusters: int
    stability: float
    """Mean adjusted Rand index of the groups of all rows and those of resamples of half of them."""
    silhouette: float
    smallest: int
    """Rows of the smallest group."""
    bic: float | None = None
    """Of a mixture the Bayesian information criterion; less is better."""


@dataclass(frozen=True)
class Choice:
    """Which algorithm found how many groups, and why it was chosen."""

    best: Tried
    tried: tuple[Tried, ...]
    """Mixtures only where a valley lies between their groups."""
    evidence: tuple[Evidence, ...]
    """For each algorithm."""

    @property
    def objection(self) -> str:
        """Why there are no groups; empty where there are."""
        return "" if any(one.holds for one in self.evidence) else self.evidence[0].objection

    @property
    def ground(self) -> Evidence:
        """The evidence for the algorithm that was chosen."""
        return next(one for one in self.evidence if one.finder == self.best.finder)


def choose_groups(X: np.ndarray, least: int, most: int, seed: int, finders: Sequence[Finder]) -> Choice:
    """Choose algorithm and number of the groups of the rows of `X`, float of shape (n, m) without gaps.

    For each algorithm the most stable number and, among those that are as stable, the one with the best silhouette or, of mixtures,
    the least Bayesian information criterion. Then the more stable algorithm and, of two that are as stable, the one with the better
    silhouette. Only algorithms count that find more than in tables with the same columns and correlations and nothing else; there
    are no groups where none does.
    """
    # Thousands of small fits: threads would wait for each other longer than they work.
    with threadpool_limits(1):
        return _chosen(X, least, most, seed, finders)


def _chosen(X: np.ndarray, least: int, most: int, seed: int, finders: Sequence[Finder]) -> Choice:
    rng = np.random.default_rng(seed)
    rows = _drawn(X, MOST_ROWS, rng)
    numbers = [number for number in range(least, most + 1) if number <= len(np.unique(rows, axis=0)) and number * 2 <= len(rows)]
    finders = [finder for finder in finders if finder.can_find_in(rows)] or list(finders)
    tried = [found for finder in finders for found in _tried(rows, finder, numbers, seed, alone=len(finders) == 1)]
    few = _drawn(rows, TRIED_ROWS, rng)
    evidence = tuple(evidence_of(few, finder, numbers, seed, rng) for finder in finders if any(found.finder == finder for found in tried))
    firsts = [_best([found for found in tried if found.finder == one.finder], len(rows)) for one in evidence]
    sure = [first for first, one in zip(firsts, evidence) if one.holds] or firsts
    stable = max(first.stability for first in sure)
    best = max((first for first in sure if first.stability >= stable - _MARGIN), key=lambda first: first.silhouette)
    return Choice(best, tuple(tried), evidence)


def _tried(rows: np.ndarray, finder: Finder, numbers: Sequence[int], seed: int, alone: bool) -> list[Tried]:
    """Each number of groups; of mixtures those with valleys, or all where there are none and no other algorithm is asked."""
    found = {number: finder.find(rows, number, seed) for number in numbers}
    apart = [number for number, one in found.items() if one.apart]
    tried = []
    for number in apart or (numbers if alone else ()):
        groups, one = found[number].groups(rows), found[number]
        tried.append(
            Tried(
                finder,
                number,
                stability_of(rows, finder, number, RESAMPLES, seed),
                silhouette_of(rows, groups),
                int(np.bincount(groups, minlength=number).min()),
                one.bic,
            )
        )
    return tried


def _best(tried: Sequence[Tried], rows: int) -> Tried:
    able = [found for found in tried if found.smallest >= min(FEWEST, rows // (2 * found.clusters))] or tried
    stable = max(found.stability for found in able)
    close = [found for found in able if found.stability >= stable - _MARGIN]
    return max(close, key=lambda found: found.silhouette if found.bic is None else -found.bic)


def _drawn(X: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    X = np.asarray(X, dtype=np.float64)
    return X if len(X) <= most else X[np.sort(rng.choice(len(X), most, replace=False))]
