"""`swapped`: pairs of columns that arrive in each other's place."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from switchyard.monitoring.fault import Fault

_FEWEST = 30
_ROWS = 2000
"""So many of a side are looked at: enough for distances of a tenth."""
_MOST = 60
"""Columns that are held against each other, those that changed most."""
_BINS = 50


def swapped(past: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str]) -> list[Fault]:
    """A fault for either column of a pair that looks like the other one in the reference, and no longer like itself.

    Where both have about the same values, their rank correlations with the other columns tell them apart.
    """
    found: dict[str, Fault] = {}
    for family in ("numeric", "categorical"):
        names = [name for name, kind in kinds.items() if kind == family and _enough(past[name], current[name])]
        for one, other in _pairs(past, current, names, family):
            if one not in found and other not in found:
                found |= {a: Fault(a, "swapped", _like(past[a], family), _like(current[a], family), f"as {b!r} was: swapped?")
                          for a, b in ((one, other), (other, one))}  # fmt: skip
    return list(found.values())


def _enough(past: pd.Series, current: pd.Series) -> bool:
    return bool(past.notna().sum() >= _FEWEST and current.notna().sum() >= _FEWEST and past.nunique() > 1)


def _like(values: pd.Series, family: str) -> str:
    return f"median {values.median():,.4g}" if family == "numeric" else f"mostly {values.mode().iloc[0]!r}"


def _pairs(past: pd.DataFrame, current: pd.DataFrame, names: list[str], family: str) -> list[tuple[str, str]]:
    """Pairs, the surest first."""
    if len(names) < 2:
        return []
    chance = 1.63 * np.sqrt(1 / min(_ROWS, len(past)) + 1 / min(_ROWS, len(current)))
    between = _distances(past, current, names, family)
    ranks = _correlations(past, current, names) if family == "numeric" else None
    found = []
    for i, j in combinations(range(len(names)), 2):
        crossed, straight = max(between[i, j], between[j, i]), min(between[i, i], between[j, j])
        if crossed > chance + 0.05:
            continue
        if straight >= max(0.3, 3 * crossed):
            found.append((crossed - straight, names[i], names[j]))
        elif ranks is not None and (gain := _by_others(ranks, i, j, len(past), len(current))) > 0:
            found.append((-gain, names[i], names[j]))
    return [(one, other) for _, one, other in sorted(found)]


def _distances(past: pd.DataFrame, current: pd.DataFrame, names: list[str], family: str) -> np.ndarray:
    """How far each column of the window is from each of the reference, shape (n, n): Kolmogorov's, or total variation."""
    if family == "categorical":
        shares = [{name: side[name].value_counts(normalize=True) for name in names} for side in (past, current)]
        return np.array(
            [[float(shares[0][b].sub(shares[1][a], fill_value=0.0).abs().sum()) / 2 for b in names] for a in names]
        )  # fmt: skip
    sides = [[np.sort(side[name].dropna().to_numpy("float64")[:_ROWS]) for name in names] for side in (past, current)]
    found = np.empty((len(names), len(names)))
    for a, mine in enumerate(sides[1]):
        for b, theirs in enumerate(sides[0]):
            every = np.concatenate([mine, theirs])
            shares_of = [np.searchsorted(part, every, side="right") / len(part) for part in (mine, theirs)]
            found[a, b] = np.abs(shares_of[0] - shares_of[1]).max()
    return found


def _correlations(past: pd.DataFrame, current: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Rank correlations of the columns in the reference and now, each of shape (n, n), 0 where they are not defined."""
    before, now = (side[names].rank().fillna(side[names].rank().mean()).corr().fillna(0.0).to_numpy() for side in (past, current))
    return before, now


def _by_others(ranks: tuple[np.ndarray, np.ndarray], i: int, j: int, rows: int, others: int) -> float:
    """How much better the two fit in each other's place, by what they have to do with the rest; 0 or less where they do not."""
    before, now = ranks
    rest = np.array([k for k in range(len(before)) if k not in (i, j)], dtype=int)
    if not len(rest):
        return 0.0
    noise = 4.5 * np.sqrt(1 / rows + 1 / others)
    straight = np.array([np.abs(now[a, rest] - before[a, rest]).max() for a in (i, j)])
    crossed = np.array([np.abs(now[a, rest] - before[b, rest]).max() for a, b in ((i, j), (j, i))])
    return float(straight.min() - 2 * crossed.max()) if crossed.max() <= noise and straight.min() > max(noise, 0.15) else 0.0
