"""`Finder`: an algorithm that finds groups, as the family has it that serves what was found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FEW_STARTS = 3
"""Where many fits are compared; what is served is found from more."""


class Found(ABC):
    """Groups that were found in some rows."""

    bic: float | None = None
    """Bayesian information criterion of these rows, where groups are densities; less is better."""

    @abstractmethod
    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """Squared distance of each row of `X`, of shape (n, m), to each group's centre: float64 of shape (n, k)."""

    @abstractmethod
    def groups(self, X: np.ndarray) -> np.ndarray:
        """The group of each row, int64 of shape (n,)."""

    @property
    def apart(self) -> bool:
        """Whether anything lies between the groups, where the algorithm can say so."""
        return True


@dataclass(frozen=True)
class Finder(ABC):
    """An algorithm.

    Attributes
    ----------
    family : str
        By which its groups are served.
    title : str
        What reports call it.
    """

    family: str
    title: str

    measure = ""
    """What `strength` is, in words."""

    def can_find_in(self, X: np.ndarray) -> bool:
        """Whether it can say anything of `X`, of shape (n, m)."""
        return True

    @abstractmethod
    def find(self, X: np.ndarray, clusters: int, seed: int = 0, starts: int = FEW_STARTS, like: Any = None) -> Found:
        """The groups in `X`, of shape (n, m) with no gaps; `like` are those of more rows, of which these are a part."""

    @abstractmethod
    def strength(self, rows: np.ndarray, numbers: Sequence[int], seed: int) -> float:
        """How strong the groups of `rows` are at best, of any of these numbers; 0 where there are none."""
