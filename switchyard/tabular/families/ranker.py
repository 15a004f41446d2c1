"""`Ranker`: what a family of models that can learn the order of lists has; recommendations are put in order by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph


class Ranker(ABC):
    """Learns from lists of which some entries are right; what it learnt is a text."""

    @abstractmethod
    def learn(self, X: np.ndarray, right: np.ndarray, sizes: np.ndarray, rounds: int, seed: int) -> str:
        """What `rounds` of learning make of float `X` (n, m) and bool `right` (n,), lists of `sizes` one after the other."""

    @abstractmethod
    def score(self, learnt: str, X: np.ndarray) -> np.ndarray:
        """float64 of shape (n,): higher is earlier."""

    @abstractmethod
    def emit(self, graph: Graph, learnt: str, x: str) -> str:
        """The same of the float tensor `x`, as a double tensor of shape [n, 1]."""
