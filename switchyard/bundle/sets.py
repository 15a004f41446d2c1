"""`Sets`: which classes an answer can't rule out, so that the true one is among them as often as was promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

REVIEW, ANSWER = "review", "answer"
"""What an answer's `decision` says: whether a person should look at the row, or the label stands."""


@dataclass(frozen=True)
class Sets:
    """The conformal sets of a classification: every class whose probability reaches its least one.

    Attributes
    ----------
    coverage : float
        Share of rows whose true class the set is made to hold, in (0, 1).
    each_class : bool
        Whether that holds for the rows of each class by themselves, or for all rows together.
    least : tuple of float
        By class, in the order of `Signature.classes`: the smallest calibrated probability with which it is in the set.
    review_above : int or None
        Sets of more classes than this, and empty ones, are for a person to look at; None where nobody asked for that.
    """

    coverage: float
    each_class: bool
    least: tuple[float, ...]
    review_above: int | None = None

    @classmethod
    def of(cls, kept: dict[str, Any] | None) -> Self | None:
        """What `dataclasses.asdict` made of one, read from JSON."""
        return None if kept is None else cls(**{**kept, "least": tuple(kept["least"])})

    def members(self, probabilities: np.ndarray) -> np.ndarray:
        """Which classes are in the set of each row: bool, of the shape of `probabilities`, (n, n_classes)."""
        return probabilities >= np.array(self.least)

    def decisions(self, members: np.ndarray) -> list[str] | None:
        """`review` or `answer` for each row of `members`; None where nobody asked for that."""
        if self.review_above is None:
            return None
        sizes = members.sum(axis=1)
        return np.where((sizes == 0) | (sizes > self.review_above), REVIEW, ANSWER).tolist()

    @property
    def words(self) -> str:
        """What is promised, for people."""
        return f"{self.coverage:.0%} of true classes" + (", in each class" if self.each_class else "")
