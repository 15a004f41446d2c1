"""`Unlike`: from which distance on a row is of none of the groups, though one is always the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True)
class Unlike:
    """How far the rows of each group lay from its centre in training.

    Attributes
    ----------
    rate : float
        Share of each group's training rows that lay farther out, in (0, 1).
    farthest : tuple of float
        By class, in the order of `Signature.classes`: the distance beyond which a row is unlike all groups.
    """

    rate: float
    farthest: tuple[float, ...]

    @classmethod
    def of(cls, kept: dict[str, Any] | None) -> Self | None:
        """What `dataclasses.asdict` made of one, read from JSON."""
        return None if kept is None else cls(**{**kept, "farthest": tuple(kept["farthest"])})

    def marks(self, distances: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Whether each row is unlike all groups: bool of shape (n,), from its distance to the centre of its group, and its group's code."""
        return distances > np.array(self.farthest)[groups]

    @property
    def words(self) -> str:
        """What is promised, for people."""
        return f"farther from the centre of its group than all but {self.rate:.1%} of the group's training rows"
