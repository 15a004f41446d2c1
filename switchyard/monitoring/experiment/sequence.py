"""`compare`: how much better one arm is than another, with an interval that holds at every look at once.

The interval is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, *Time-uniform
central limit theory and asymptotic confidence sequences*, Annals of Statistics 52, 2024 (arXiv:2103.06476), theorem
2.2, on Robbins' normal mixture; for two randomised arms its variance is that of the difference of means (section 3).
Whoever looks after every entity, and stops when the interval leaves zero, errs no more often than alpha: an ordinary
95 % interval looked at that often errs in a third of all tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Arm:
    """What is known of one arm: independent entities, each with one value."""

    count: int
    mean: float
    variance: float
    """Variance of one entity's value."""

    @classmethod
    def of(cls, values: np.ndarray, scale: float) -> Arm:
        """The interval of the entities' values, of shape (n,) with n above 0.

        `scale` squared is added to the sum of squares: as long as all of a few entities have had the same value, the
        variance seen is zero and would be believed. It is 1 for losses between 0 and 1, as if one entity had
        been right where it was wrong; its weight goes as the entities come in.
        """
        mean = float(values.mean())
        return cls(len(values), mean, float(((values - mean) ** 2).sum() + scale**2) / max(len(values) - 1, 1))


@dataclass(frozen=True)
class ImprovementInterval:
    """By how much the candidate is better: the champion's mean loss less the candidate's."""

    improvement: float
    lower: float
    upper: float
    candidate: Arm
    champion: Arm


def mixture(alpha: float, optimal_at: int) -> float:
    """rho squared of the mixture whose interval is tightest at `optimal_at` entities (the paper's appendix B.2)."""
    return (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / optimal_at


def half_width(count: int | np.ndarray, deviation: float | np.ndarray, alpha: float, optimal_at: int) -> float | np.ndarray:
    """Half the width of the interval around the mean of `count` values with standard deviation `deviation`.

    Parameters
    ----------
    count : int or ndarray
    deviation : float or ndarray
        In the unit of the values.
    alpha : float
        Chance that the true mean is ever outside, two-sided.
    optimal_at : int
        Entities at which the interval is tightest; set before the first look, and never after it.
    """
    rho2 = mixture(alpha, optimal_at)
    grown = count * rho2 + 1
    return deviation * np.sqrt(2 * grown / (count**2 * rho2) * np.log(np.sqrt(grown) / alpha))


def compare(candidate: np.ndarray, champion: np.ndarray, alpha: float, optimal_at: int, scale: float) -> ImprovementInterval:
    """The improvement of the candidate, and the interval that holds at every look.

    Parameters
    ----------
    candidate, champion : ndarray of shape (n_candidate,) and (n_champion,)
        A loss for each entity, the lower the better; none of them empty.
    alpha, optimal_at
        As of `half_width`; of both arms together.
    scale : float
        Of one loss, as of `Arm.of`.
    """
    return between(Arm.of(candidate, scale), Arm.of(champion, scale), alpha, optimal_at)


def between(candidate: Arm, champion: Arm, alpha: float, optimal_at: int) -> ImprovementInterval:
    """The interval of `compare` from what is known of the arms; where that is arrays, an entry for each look, so is what comes back."""
    total = candidate.count + champion.count
    deviation = np.sqrt(total * (candidate.variance / candidate.count + champion.variance / champion.count))
    width: Any = half_width(total, deviation, alpha, optimal_at)
    improvement = champion.mean - candidate.mean
    return ImprovementInterval(improvement, improvement - width, improvement + width, candidate, champion)
