"""Broken feeds told apart from drift: a column that arrives in another unit, under other names, empty, or in another's place.

The world drifts by degrees and in shape; a feed breaks as a whole. So a fault is called only where undoing it (dividing by one
factor, giving the names back, swapping two columns) makes the window look like the reference again, and the change is too large
for the world. `benchmarks/feeds.py` measures how often each fault is found and how often honest windows and drift are called one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from switchyard.monitoring.fault import Fault, shown
from switchyard.monitoring.renaming import renamed
from switchyard.monitoring.swaps import swapped

_FEWEST = 30
"""Values, below which nothing is said of a column."""
_EMPTY, _CERTAIN = 0.95, 1e-6
_APART, _SLIGHT, _ALIKE = 0.35, 0.12, 0.05
"""Kolmogorov's distance from which something happened, the same where it is a known unit, and up to which two samples are alike beside
what chance does."""
_UNITS = (1.60934, 2.20462, 2.54, 3.28084, 3.6, 3.78541, 4.54609, 10.0, 10.7639, 12.0, 25.4, 28.3495, 30.48, 60.0, 100.0, 1e3, 3600.0, 1e6)
_FREE = 1.9
"""A factor from here on may be any; a smaller one must be of a known pair of units."""
_SURE = 0.03
"""How near a small factor must be to a known one: prices rise by half, too."""
_ROUGHLY = 0.25
"""How near where the values themselves are those of the unit."""
_GROWTH = 1.5
"""By what the world may grow, or its inverse."""
_LANDING = 0.9
"""Of the values, which another unit takes to values that the column had."""
_AFFINE = (
    (1.8, 32.0, "x 1.8 + 32: Fahrenheit for Celsius?"),
    (1 / 1.8, -32 / 1.8, "(x - 32) / 1.8: Celsius for Fahrenheit?"),
    (1 / 1.8, 459.67 / 1.8, "(x + 459.67) / 1.8: Kelvin for Fahrenheit?"),
    (1.8, -459.67, "x 1.8 - 459.67: Fahrenheit for Kelvin?"),
)
"""Units that have another zero, too."""
_ZEROS = ((273.15, "+ 273.15: Kelvin for Celsius?"), (-273.15, "- 273.15: Celsius for Kelvin?"))
_FARTHEST = 4.5
"""Standard deviations that the world moves a column by at most; of one without tails that is more than its range."""
_STEADY = 0.05
"""Share of the reference that is one run of one value: of a column that the world moves as a whole no shift is called a fault."""
_NEW, _OUTSIDE, _MOSTLY = 0.5, 0.3, 0.8
_MONTHS, _LAST_SWAPPED = 3, 12


def find_faults(past: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str]) -> tuple[Fault, ...]:
    """Faults of the feed, by column.

    Parameters
    ----------
    past, current : DataFrame
        The reference and a window, in canonical types.
    kinds : mapping
        Column -> kind, of those that both have.

    Returns
    -------
    tuple of Fault
        At most one for each column.
    """
    found = {fault.column: fault for fault in swapped(past, current, kinds)}
    for name, kind in kinds.items():
        if name in found:
            continue
        for look in (_gone, _LOOKS.get(kind)):
            if name not in found and look and (fault := look(name, past[name], current[name])):
                found[name] = fault
    return tuple(found[name] for name in kinds if name in found)


def distance(past: np.ndarray, current: np.ndarray) -> float:
    """Kolmogorov's distance of two samples."""
    every = np.concatenate([past, current])
    shares = [np.searchsorted(np.sort(side), every, side="right") / len(side) for side in (past, current)]
    return float(np.abs(shares[0] - shares[1]).max())


def by_chance(rows: int, others: int) -> float:
    """Kolmogorov's distance that one in a hundred pairs of samples exceeds."""
    return 1.63 * float(np.sqrt((rows + others) / (rows * others)))


def _gone(name: str, past: pd.Series, current: pd.Series) -> Fault | None:
    """Empty, or one value for all rows."""
    known, before = current.dropna(), past.dropna()
    if len(current) < _FEWEST or len(before) < _FEWEST:
        return None
    missing, missing_before = 1 - len(known) / len(current), 1 - len(before) / len(past)
    if missing >= _EMPTY and missing_before <= _NEW:
        return Fault(name, "empty", f"{missing_before:.0%} missing", f"{missing:.0%} missing", "the column is no longer delivered?")
    if len(known) < _FEWEST or known.nunique() > 1 or before.nunique() < 2:
        return None
    value = known.iloc[0]
    share = (int((before == value).sum()) + 1) / (len(before) + 1)
    # A column that is nearly always the same is so in an hour, or for some customers, too.
    often, steady = before.value_counts(normalize=True).iloc[0], _longest_run(before) >= min(len(known), len(before) // 3) / 2
    if often < _MOSTLY and not steady and len(known) * np.log(share) < np.log(_CERTAIN):
        return Fault(name, "constant", f"{before.nunique():,} values", f"all {shown(value)}", "a default instead of the value?")
    return None


def _longest_run(values: pd.Series) -> int:
    """Rows one after the other with one value: a rate or an index stays for long, and then moves as a whole."""
    changes = np.flatnonzero(np.append(True, values.to_numpy()[1:] != values.to_numpy()[:-1]))
    return int(np.diff(np.append(changes, len(values))).max())


def _another_unit(name: str, past: pd.Series, current: pd.Series) -> Fault | None:
    """Scaled or shifted as a whole.

    Rows that drift keep the values that the column can have; those of another unit are new, between or beyond them. So a factor is
    believed where half of the values are new to a column that repeats its values, or a third lie outside its range.
    """
    a, b = past.dropna().to_numpy("float64"), current.dropna().to_numpy("float64")
    if min(len(a), len(b)) < _FEWEST or len(np.unique(a)) < 3:
        return None
    apart = distance(a, b)
    values, counts = np.unique(a, return_counts=True)
    other = b[b != 0]
    new = float((~np.isin(other, values)).mean()) if len(other) else 0.0
    once = float((counts == 1).sum()) / len(a)
    low, high = np.quantile(a, [0.001, 0.999])
    outside = float(((b < low) | (b > high)).mean())
    if apart < _SLIGHT or (new - once < _NEW * (1 - once) + 0.05 and outside < _OUTSIDE):
        return None
    enough = min(_ALIKE + by_chance(len(a), len(b)), apart / 3)
    for factor, shift, known, words in _conversions(a, b, max(float(high - low), _FARTHEST * float(a.std()))):
        if factor == 1 and _longest_run(past.dropna()) > _STEADY * len(a):
            continue
        if factor != 1 and not _spreads(a, b, factor):
            continue
        if apart >= (_SLIGHT if known else _APART) and distance(_coarse(a * factor + shift, b), _coarse(b, b)) <= enough:
            return Fault(name, "unit", f"median {shown(np.median(a))}", shown(np.median(b)), words)
    return None


def _conversions(a: np.ndarray, b: np.ndarray, reach: float) -> Iterator[tuple[float, float, bool, str]]:
    """Ways from the one to the other that no drift takes, likeliest first: factor, shift, whether the unit is known, words.

    A shift alone is what the world does, too, by some standard deviations: it is another zero where it is more than `reach`, the whole
    range of the column, and more than the world moves one.
    """
    for factor in _factors(a, b):
        for known in sorted((one if factor > 1 else 1 / one for one in _UNITS), key=lambda one: abs(np.log(factor / one)))[:2]:
            small, near = max(known, 1 / known) < _FREE, abs(factor / known - 1)
            sure = near < (_SURE if small else 0.1) and not (small and _may_be_growth(a, b, factor))
            if sure or (near < _ROUGHLY and _lands(a, b, known)):
                yield known, 0.0, True, f"about x {known:.3g}: a unit?"
        if max(factor, 1 / factor) >= _FREE:
            yield factor, 0.0, False, f"about x {factor:.3g}: a unit?"
    for factor, shift, words in _AFFINE:
        yield factor, shift, False, words
    for shift, words in (*_ZEROS, *((one, f"about {one:+.4g} throughout: shifted as a whole, another zero?") for one in _shifts(a, b))):
        if abs(shift) > reach:
            yield 1.0, shift, False, words


def _spreads(a: np.ndarray, b: np.ndarray, factor: float) -> bool:
    """Whether the spread changed more nearly by `factor` than not at all: few rows, moved by some spreads, look multiplied, too."""
    spreads = [float(np.subtract(*np.quantile(side, [0.9, 0.1]))) for side in (a, b)]
    if min(spreads) <= 0:
        spreads = [float(side.std()) for side in (a, b)]
    if min(spreads) <= 0:
        return False
    return bool(np.log(spreads[1] / spreads[0]) / np.log(factor) > 0.5)


def _may_be_growth(a: np.ndarray, b: np.ndarray, factor: float) -> bool:
    """Whether samples of this size do not tell `factor` from the growth of prices by half, by the standard error of their logs' means."""
    logs = [np.log(side[side > 0]) for side in (a, b)]
    error = np.sqrt(sum(float(side.var()) / max(len(side), 1) for side in logs if len(side)))
    return bool(abs(np.log(factor)) - error < np.log(_GROWTH))


def _lands(a: np.ndarray, b: np.ndarray, factor: float) -> bool:
    """Whether the values of `b` are those of `a` times `factor`, one by one, and not of nearly that factor as well."""
    values = np.unique(a)

    def share(tried: float) -> float:
        back = b / tried
        after = np.clip(np.searchsorted(values, back), 1, len(values) - 1)
        nearest = np.minimum(np.abs(values[after] - back), np.abs(values[after - 1] - back))
        return float((nearest <= 5e-4 * np.abs(back)).mean())

    return share(factor) >= _LANDING and max(share(factor * 1.02), share(factor * 0.98)) < _LANDING / 2


def _coarse(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """In thousandths of the largest of `like`, so that a factor known to four digits maps value to value."""
    return np.round(values / (1e-3 * float(np.abs(like).max()) or 1.0))


def _factors(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Positive factors that may lead from the one to the other: by medians of what is not zero, by its size, by the spread."""
    a, b = a[a != 0], b[b != 0]
    if min(len(a), len(b)) < 10:
        return []
    pairs = [
        (np.median(a), np.median(b)),
        (np.median(np.abs(a)), np.median(np.abs(b))),
        (np.subtract(*np.quantile(a, [0.9, 0.1])), np.subtract(*np.quantile(b, [0.9, 0.1]))),
    ]
    return [float(after / before) for before, after in pairs if before and after / before > 0]


def _shifts(a: np.ndarray, b: np.ndarray) -> list[float]:
    """By the medians, the means and, of a column with one value oftener than others, by that value."""
    modes = []
    for side in (a, b):
        values, counts = np.unique(side, return_counts=True)
        modes.append(values[counts.argmax()])
    return [float(np.median(b) - np.median(a)), float(b.mean() - a.mean()), float(modes[1] - modes[0])]


def _another_date(name: str, past: pd.Series, current: pd.Series) -> Fault | None:
    """Day and month exchanged, or moments counted in another unit."""
    a, b = past.dropna(), current.dropna()
    if len(a) < _FEWEST or b.empty:
        return None
    medians = a.median(), b.median()
    days = f"{medians[0]:%Y-%m-%d}", f"{medians[1]:%Y-%m-%d}"
    seconds = [median.timestamp() for median in medians]
    if seconds[0] > 0 and not 0.05 < seconds[1] / seconds[0] < 20:
        return Fault(name, "dates", f"median {days[0]}", days[1], "seconds counted as milliseconds, or days?")
    early = float((a.dt.day <= _LAST_SWAPPED).mean())
    if (b.dt.day > _LAST_SWAPPED).any() or b.dt.month.nunique() < _MONTHS or early > 0.9:
        return None
    # Of a day after the twelfth there is no month: it is missing, or was read as it was.
    lost = current.isna().mean() - past.isna().mean()
    if len(b) * np.log(max(early, 1e-3)) < np.log(_CERTAIN):
        words = f"no day after the 12th{f', {lost:.0%} more missing' if lost > 0.1 else ''}: day and month exchanged?"
        return Fault(name, "dates", f"{1 - early:.0%} of the days after the 12th", "none", words)
    return None


_LOOKS = {"numeric": _another_unit, "categorical": renamed, "datetime": _another_date}
