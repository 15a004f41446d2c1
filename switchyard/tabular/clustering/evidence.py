"""`evidence_of`: whether an algorithm finds in a table what tables without groups do not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.clustering.finder import Finder
from switchyard.tabular.clustering.null import same_columns_and_correlations

NULLS = 19
"""Tables without groups that the table is held against."""
DEVIATIONS = 3.0
"""How far above the mean of these tables, in their standard deviations, groups must be; docs/clustering.md has what that was seen to do."""


@dataclass(frozen=True)
class Evidence:
    """What an algorithm finds, and what it finds where there is nothing."""

    finder: Finder
    strength: float
    """The best that any number of groups comes to."""
    without: float
    """What tables without groups come to at most: the best of them, or three standard deviations above their mean."""
    alone: bool = False
    """Whether there is one number to go by, so that a table with the same column is the same table."""

    @property
    def holds(self) -> bool:
        """Whether there are groups."""
        return self.strength > self.without

    @property
    def objection(self) -> str:
        """Why there are none, where there are none."""
        if self.alone:
            return "a single column says nothing of rows that are alike in several; give more of them"
        if self.strength <= 0:
            return f"{self.finder.measure} is nothing, for no valley lies between them"
        return (
            f"they come to no more ({self.finder.measure} {self.strength:.3f}) than parts of one cloud with the same columns and "
            f"correlations do ({self.without:.3f})"
        )


def evidence_of(rows: np.ndarray, finder: Finder, numbers: Sequence[int], seed: int, rng: np.random.Generator) -> Evidence:
    """Hold `rows`, of shape (n, m), against tables with the same columns and correlations and nothing else.

    Columns that are only shuffled would not do: two heaps in each of two columns make stable groups of shuffled rows too, and
    halves of one long cloud are stable without being groups.
    """
    if np.count_nonzero(np.ptp(rows, axis=0)) == 1:
        return Evidence(finder, 0.0, 0.0, alone=True)
    ours = finder.strength(rows, numbers, seed)
    if ours <= 0:
        return Evidence(finder, 0.0, 0.0)
    nulls = np.array([finder.strength(same_columns_and_correlations(rows, rng), numbers, seed) for _ in range(NULLS)])
    # Stronger than all of them is one in twenty by chance; what groups come to is far outside of what these tables scatter.
    return Evidence(finder, ours, float(max(nulls.max(), nulls.mean() + DEVIATIONS * nulls.std(ddof=1))))
