"""How many entities an experiment needs, before it begins: both arms together, by effect, alpha, power and share."""

from __future__ import annotations

import math

from switchyard.monitoring.experiment.sequence import half_width

_LARGEST = 10**12


def fixed(variances: tuple[float, float], effect: float, alpha: float, power: float, share: float) -> int:
    """Entities of a test that is looked at once, at its end: the classical size for the difference of two means.

    Parameters
    ----------
    variances : (float, float)
        Of one entity's value in the candidate's and in the champion's arm: p (1 - p) of a proportion p, or the variance
        of a loss, an absolute or a squared error.
    effect : float
        The smallest difference of the means that must be found.
    alpha : float
        Two-sided.
    power : float
        Chance of finding it.
    share : float
        Of the entities that the candidate gets.

    Raises
    ------
    ValueError
        Effect, alpha, power or share is out of its range.

    References
    ----------
    Chow, Shao, Wang & Lokhnygina, *Sample Size Calculations in Clinical Research*, 3rd ed. 2017, ch. 3 (means) and 4
    (two proportions, unpooled).
    """
    from scipy.stats import norm

    _check(effect, alpha, power, share)
    quantiles = norm.isf(alpha / 2) + norm.isf(1 - power)
    return math.ceil((quantiles / effect) ** 2 * _spread(variances, share))


def sequential(variances: tuple[float, float], effect: float, alpha: float, power: float, share: float) -> int:
    """Entities within which the confidence sequence leaves zero with chance `power`; it may do so much earlier.

    Parameters as of `fixed`. What the freedom to look at any time costs is the ratio of the two, 1.5 to 2; most tests
    end before the larger number, many before the smaller one. The sequence is taken to be tightest at the size that is
    returned, which is what to hand to `sequence.compare` as `optimal_at`.
    """
    from scipy.stats import norm

    _check(effect, alpha, power, share)
    deviation, reserve = math.sqrt(_spread(variances, share)), norm.isf(1 - power)

    def is_enough(count: int) -> bool:
        return float(half_width(count, deviation, alpha, count)) + reserve * deviation / math.sqrt(count) <= effect

    low, high = 1, 2
    while not is_enough(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            raise ValueError(f"an effect of {effect:g} is too small to be found")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _spread(variances: tuple[float, float], share: float) -> float:
    """Variance of the difference of means, times the number of all entities."""
    return variances[0] / share + variances[1] / (1 - share)


def _check(effect: float, alpha: float, power: float, share: float) -> None:
    if effect <= 0:
        raise ValueError(f"the effect is {effect:g}; it must be above 0")
    for name, value in (("alpha", alpha), ("power", power), ("share", share)):
        if not 0 < value < 1:
            raise ValueError(f"{name} is {value:g}; it must be above 0 and below 1")
