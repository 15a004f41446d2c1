"""Intervals of single scores that hold on twenty rows as on twenty thousand.

A percentile interval takes the resamples for all that could have been: of a perfect score on 20 rows it says 1.0 to 1.0. So of the
resamples only the spread is taken, put on the scale on which a score of its kind is even (`benchmarks/honesty.py` measures how often
each covers what fresh rows show).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from switchyard.tabular.evaluation.predictions import Predictions

_SHARES = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "roc_auc",
        "average_precision",
        "precision",
        "recall",
        "f1",
        "coverage",
        "set_coverage",
        "hit_rate_at_10",
    }
)
"""Between 0 and 1."""
PINBALL, BELOW, WITHIN = "pinball", "below_", "within_"
"""How scores of quantiles begin: a loss, and two shares."""
_LOSSES = frozenset({"log_loss", "brier", "rmse", "mse", "mae", "poisson_deviance", "tweedie_deviance"})
"""From 0 on."""
_BY_CLASS = frozenset({"roc_auc", "balanced_accuracy", "average_precision"})
_OF_ONE = frozenset({"precision", "recall", "f1"})
_WEIGHTED = "_weighted"
_LEAST_FREEDOM = 2.5
_LEAST = 1e-15


@dataclass(frozen=True)
class Support:
    """How many rows stand behind a score that know nothing of each other.

    Parameters
    ----------
    rows : int
        Rows, or groups of rows that belong together; of weighted ones as many as rows of equal weight would say as much.
    classes : dict of str to int
        Rows of each class, in order, the positive one of two last; empty for a regression.
    mistake : float
        The log loss of a row of none of these, were its likeliest class the wrong one: what the model would lose by an answer of the
        usual sureness. 0 where the answers are not known.
    """

    rows: int
    classes: dict[str, int]
    mistake: float = 0.0

    @classmethod
    def of(
        cls,
        truth: np.ndarray,
        classes: tuple[str, ...],
        groups: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        answers: Predictions | None = None,
    ) -> Self:
        """Of a holdout: `truth` as codes into `classes` or, without classes, numbers; `groups` and `weights` as `Resampler` has them.

        Of one model's `answers` the log loss knows what a mistake would cost.

        References
        ----------
        The effective number of weighted rows: Kish, *Survey Sampling*, 1965.
        """
        sizes = np.bincount(truth, minlength=len(classes)).tolist() if classes else []
        if weights is None:
            rows = len(truth) if groups is None else len(np.unique(groups))
        else:
            rows = _effective(weights if groups is None else np.bincount(groups, weights))
            sizes = [_effective(weights[truth == code]) for code in range(len(sizes))]
        known = answers is not None and answers.probabilities is not None and len(truth) > 0
        return cls(rows, dict(zip(classes, sizes, strict=True)), _mistake(answers.probabilities, weights) if known else 0.0)

    def behind(self, name: str) -> int:
        """The rows that score `name` turns on: of its class, or as many as classes like the rarest would have."""
        label, _, score = name.rpartition(":")
        counts = [count for count in self.classes.values() if count]
        if not counts or score not in _BY_CLASS | _OF_ONE:
            return self.rows
        if label:
            return min(self.rows, max(1, self.classes[label]))
        if score in _BY_CLASS:
            return min(self.rows, len(counts) * min(counts))
        return min(self.rows, max(1, list(self.classes.values())[-1])) if len(self.classes) == 2 else self.rows


def _mistake(probabilities: np.ndarray, weights: np.ndarray | None) -> float:
    return float(np.average(-np.log(np.maximum(1 - probabilities.max(axis=1), _LEAST)), weights=weights))


def _effective(weights: np.ndarray) -> int:
    return max(1, round(float(weights.sum() ** 2 / (weights**2).sum()))) if len(weights) else 0


def interval(name: str, value: float, draws: np.ndarray, confidence: float, support: Support) -> tuple[float, float]:
    """Ends of the interval of score `name`.

    Parameters
    ----------
    name : str
        Of the score; of one class as "label:name".
    value : float
        On the rows themselves.
    draws : ndarray of shape (n_resamples,)
        On resamples, all finite, two at least.
    confidence : float
    support : Support

    References
    ----------
    Shares: Wilson, *J. Am. Stat. Assoc.* 22, 1927, for as many rows as would give a mean of this spread; of an area under the ROC curve
    this is what Newcombe recommends (*Stat. Med.* 25, 2006, method 5), and like his it has a width where the classes are separated. Log
    loss: the resamples with one row more, by which nothing is lost at the lower end and a mistake is made at the upper one, weighing as
    rows of a Bayesian bootstrap do: of twenty answers that are right one in seven may be wrong, whatever they show. Of zeros and ones
    it is the interval of Clopper and Pearson (Gaffke, *Math. Methods Stat.* 14, 2005; Learned-Miller & Thomas, *A New Confidence
    Interval for the Mean of a Bounded Random Variable*, 2019). Other losses: Student's t on the logarithm, with fewer degrees of
    freedom the more skewed the resamples are, for then the spread itself is uncertain. R2: the same on 1 - R2. Others: percentiles.
    """
    score = name.rpartition(":")[2].removesuffix(_WEIGHTED)
    if (score in _SHARES or score.startswith((BELOW, WITHIN))) and 0 <= value <= 1:
        return _wilson(value, _spread(draws, support), support.behind(name), confidence)
    if score == "log_loss" and support.mistake > 0:
        return _with_one_more(value, draws, support, confidence)
    if (score in _LOSSES or score.startswith(PINBALL)) and value > 0:
        return _on_logarithm(value, draws, support, confidence)
    if score == "r2" and value < 1:
        low, high = _on_logarithm(1 - value, 1 - draws, support, confidence)
        return 1 - high, 1 - low
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _wilson(value: float, spread: float, rows: int, confidence: float) -> tuple[float, float]:
    from scipy import stats

    z = stats.norm.ppf((1 + confidence) / 2)
    n = min(rows, value * (1 - value) / spread**2) if spread > 0 and 0 < value < 1 else rows
    if value in (0.0, 1.0):
        other = float(z**2 / (n + z**2))
        return (0.0, other) if value == 0 else (1 - other, 1.0)
    middle = value + z**2 / (2 * n)
    half = z * np.sqrt(value * (1 - value) / n + (z / (2 * n)) ** 2)
    return max(0.0, float((middle - half) / (1 + z**2 / n))), min(1.0, float((middle + half) / (1 + z**2 / n)))


def _with_one_more(value: float, draws: np.ndarray, support: Support, confidence: float) -> tuple[float, float]:
    from scipy import stats

    # The draws stand in no order, so weights that do are independent of them.
    weight = stats.beta.ppf((np.arange(len(draws)) + 0.5) / len(draws), 1, support.rows)
    without = (1 - weight) * draws
    worse = without + weight * max(support.mistake, value)
    return float(np.quantile(without, (1 - confidence) / 2)), float(np.quantile(worse, (1 + confidence) / 2))


def _on_logarithm(value: float, draws: np.ndarray, support: Support, confidence: float) -> tuple[float, float]:
    from scipy import stats

    skewness = float(stats.skew(draws)) if draws.std() > 1e-9 * value else 0.0
    # A variance is known as well as the fourth moment allows, and that is no less than the third squared.
    freedom = max(_LEAST_FREEDOM, min(support.rows - 1, 2 / skewness**2 if skewness else np.inf))
    spread = _spread(np.log(np.maximum(draws, value / 100)), support)
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * spread
    return float(value * np.exp(-half)), float(value * np.exp(half))


def _spread(draws: np.ndarray, support: Support) -> float:
    """Standard error: a resample of n rows varies by the root of n - 1 over n less than n rows do."""
    return float(draws.std()) * float(np.sqrt(support.rows / max(support.rows - 1, 1)))
