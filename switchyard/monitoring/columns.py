"""Columns of one table against the same columns of another: how far, by which method, and whether that is usual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.monitoring import evidently, twosample
from switchyard.monitoring.texts import measures
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.report.report import Badge, Name, Table

_FEW_VALUES = 10
"""A number with at most so many values in the reference is compared as categories are."""
_MOST_LEVELS = 200
"""Categories beyond the most frequent are compared as one."""
_STRETCHES = 24
_TENTHS = 10
_NEARER = 0.75
"""A window is as its hours and weekdays were where it is nearer to them than to the whole by so much, and no test tells them apart."""
_OTHER = "other values"


class ColumnDrift(BaseModel):
    """One column against the reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    kind: str
    method: str
    """Of the test of both samples."""
    value: float | None
    """Its p-value; None where a side has no values."""
    adjusted: float | None = None
    """The p-value by Holm, over all columns of the window."""
    threshold: float
    """Distance from which a difference is large enough to be drift, where there are rows enough to call any difference significant."""
    distance_method: str
    """Evidently's name of it."""
    distance: float | None
    """How far, whatever the method was."""
    error: float | None = None
    """Standard error of `distance` where the window was sampled."""
    usual: float | None
    """The largest such distance of a stretch of the training period, as long as the window, from the whole of it; where it drifted."""
    drifted: bool
    unusual: bool
    """Drifted, and farther than `usual`: the model has not been trained on the like of it."""
    weight: float | None = None
    """Share of the model's importance; None for what is no input."""
    effect: float | None = None
    """Drifting inputs: by how much the mean answer (a probability, or the target's units) is moved by this column's drift."""

    @property
    def verdict(self) -> Badge:
        """What was found of the column, in a word."""
        if self.unusual:
            return Badge("drift", "bad")
        return Badge("as within training", "warn") if self.drifted else Badge("stable", "good")


def drift_table(columns: Iterable[ColumnDrift]) -> Table:
    """One line for each column, in the order given."""
    rows = [
        (
            Name(column.column),
            column.verdict,
            column.weight,
            column.effect,
            column.distance,
            column.error,
            column.usual,
            column.threshold,
            f"{column.method}; {column.distance_method}",
            _p_shown(column.adjusted),
        )
        for column in columns
    ]
    headers = (
        "column",
        "verdict",
        "weight",
        "moves the mean answer by",
        "how far",
        "error",
        "within training",
        "limit",
        "method",
        "p, adjusted",
    )
    return Table(headers, rows, {"weight": ".1%", "moves the mean answer by": "+.4f"})


def _p_shown(value: float | None) -> float | str | None:
    """Below a thousandth a p-value is no measure of how far, and `3e-123` would fill the column."""
    return "<0.001" if value is not None and value < 1e-3 else None if value is None else round(value, 3)


def compare(
    past: pd.DataFrame,
    current: pd.DataFrame,
    kinds: Mapping[str, str],
    settings: Monitoring,
    ordered: bool,
    sampled: bool,
    like: np.ndarray | None = None,
) -> list[ColumnDrift]:
    """Every column of `kinds` in `current` against `past`.

    A column drifted where a test of both samples says so with `settings.p_value`, by Holm over all columns, and, where the
    smaller sample has `settings.small_sample` rows and more, the distance is over its limit too: with many rows every
    difference is significant. Rows of `past` at positions `like` are of the window's hours and weekdays: what they explain is
    usual.
    """
    past, current, measured = _texts_measured(past, current, kinds)
    past, current, numeric = _prepared(past, current, {**kinds, **dict.fromkeys(measured, "numeric")})
    # The better of two measures is chosen by what it says: half as surprising (Bonferroni).
    p_values = {
        name: min(1.0, _p_value(past[name], current[name], name in numeric) * (2 if name in measured else 1))
        for name in kinds
        if past[name].notna().any() and current[name].notna().any()
    }
    past, current = _lumped(past, current, numeric)
    distances = _distances(kinds, numeric, settings)
    apart = evidently.measure(past, current, distances, numeric)
    adjusted = twosample.holm(p_values)
    small = min(len(past), len(current)) < settings.small_sample
    stretches = list(_stretches(len(past), len(current), ordered))
    found = []
    for name, kind in kinds.items():
        far = apart.get(name)
        limit = settings.distances.get(name, settings.distance)
        drifted = far is not None and adjusted[name] < settings.p_value and (small or far >= limit)
        usual = _usual(past[name], stretches, distances[name], name in numeric) if drifted else None
        if drifted and like is not None and far is not None:
            season, beyond = past[name].iloc[like], settings.p_value / len(kinds)
            if _is_season(season, current[name], distances[name], name in numeric, far, beyond):
                usual = max(usual or 0.0, far)
        found.append(
            ColumnDrift(
                column=name,
                kind=kind,
                method=(twosample.NUMBERS if name in numeric else twosample.LEVELS) + (f" of {measured[name]}" if name in measured else ""),
                value=p_values.get(name),
                adjusted=adjusted.get(name),
                threshold=limit,
                distance_method=distances[name],
                distance=far,
                error=_error(past[name], current[name], distances[name], name in numeric) if sampled and far is not None else None,
                usual=usual,
                drifted=drifted,
                unusual=drifted and (usual is None or far is None or far > usual),
            )
        )
    return found


def _is_season(season: pd.Series, current: pd.Series, method: str, numeric: bool, far: float, beyond: float) -> bool:
    """Whether the training's rows of the window's hours and weekdays explain how `far` it is: much nearer, and no different by a test."""
    near = season.notna().any() and evidently.distance(season, current, method, numeric) < _NEARER * far
    return bool(near and _p_value(season, current, numeric) >= beyond)


def _p_value(past: pd.Series, current: pd.Series, numeric: bool) -> float:
    past, current = past.dropna(), current.dropna()
    return twosample.of_numbers(past.to_numpy(), current.to_numpy()) if numeric else twosample.of_levels(past, current)


def _texts_measured(
    past: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Both sides with a number in place of each text, and for each column of texts what was measured: that which differs more surely."""
    chosen: dict[str, str] = {}
    for name in [name for name, kind in kinds.items() if kind == "text"]:
        found = measures(past[name], current[name])
        chosen[name] = min(found, key=lambda what: _p_value(*found[what], True) if all(side.notna().any() for side in found[what]) else 1.0)
        past, current = (side.assign(**{name: numbers}) for side, numbers in zip((past, current), found[chosen[name]], strict=True))
    return past, current, chosen


def _prepared(past: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, frozenset[str]]:
    """Both sides with numbers as floats and categories as text, and the columns that are compared as numbers."""
    numeric: set[str] = set()
    sides: tuple[dict[str, pd.Series], dict[str, pd.Series]] = ({}, {})
    for name, kind in kinds.items():
        columns = [past[name], current[name]]
        if kind == "datetime":
            columns = [column.astype("int64").where(column.notna()) / 1e9 for column in columns]
        if kind in ("numeric", "datetime") and columns[0].nunique() > _FEW_VALUES:
            numeric.add(name)
            columns = [column.astype("float64") for column in columns]
        else:
            columns = [column.map(_plain, na_action="ignore").astype(object) for column in columns]
        for side, column in zip(sides, columns):
            side[name] = column
    return pd.DataFrame(sides[0]), pd.DataFrame(sides[1]), frozenset(numeric)


def _lumped(past: pd.DataFrame, current: pd.DataFrame, numeric: frozenset[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides with all categories beyond the most frequent ones as one: of a thousand levels a distance is mostly noise."""
    for name in [name for name in past.columns if name not in numeric]:
        # Of both together, so that a small window's own chance does not choose what it is held against.
        counts = pd.concat([past[name], current[name]]).value_counts()
        if len(counts) > _MOST_LEVELS:
            kept = set(counts.index[:_MOST_LEVELS])
            past, current = (
                side.assign(**{name: side[name].where(side[name].isna() | side[name].isin(kept), _OTHER)}) for side in (past, current)
            )
    return past, current


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _distances(kinds: Mapping[str, str], numeric: frozenset[str], settings: Monitoring) -> dict[str, str]:
    chosen = settings.methods
    return {name: chosen.numeric_large if name in numeric else chosen.categorical_large for name in kinds}


def _stretches(past: int, current: int, ordered: bool) -> Iterator[np.ndarray]:
    """Parts of the reference as long as the window, a third of it at most: in the order of time, or drawn at random."""
    length = max(1, min(current, past // 3))
    order = np.arange(past) if ordered else np.random.default_rng(0).permutation(past)
    for start in np.linspace(0, past - length, _STRETCHES).astype(int):
        yield order[start : start + length]


def _usual(past: pd.Series, stretches: list[np.ndarray], method: str, numeric: bool) -> float | None:
    parts = [part for at in stretches if (part := past.iloc[at]).notna().any()]
    return max((evidently.distance(past, part, method, numeric) for part in parts), default=None)


def _error(past: pd.Series, current: pd.Series, method: str, numeric: bool) -> float | None:
    """Standard error of the sampled distance from ten random groups (Wolter, *Introduction to Variance Estimation*, 2007, ch. 2)."""
    parts = [part for first in range(_TENTHS) if (part := current.iloc[first::_TENTHS]).notna().any()]
    if len(parts) < _TENTHS:
        return None
    return float(np.std([evidently.distance(past, part, method, numeric) for part in parts], ddof=1) / np.sqrt(_TENTHS))
