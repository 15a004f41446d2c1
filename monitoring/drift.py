"""Drift: how far a window's columns, answers and labels are from the reference, and which of it matters for the score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from bundle import Scorer
from monitoring import evidently
from monitoring.answers import answer
from monitoring.quality import ColumnQuality, compare_quality
from monitoring.reference import Reference
from monitoring.window import Window, in_words
from tabular.evaluation.served import predict_served
from tabular.monitoring_config import Monitoring
from tabular.storable import Fact, Record

_FEW_VALUES = 10
"""A number with at most so many values in the reference is compared as categories are."""
_MOST_LEVELS = 200
"""Categories beyond the most frequent are compared as one."""
_STRETCHES = 24
_EFFECT_ROWS = 2000
_TENTHS = 10
_OTHER = "other values"


class ColumnDrift(BaseModel):
    """One column against the reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    kind: str
    method: str
    """Of Evidently."""
    value: float | None
    """Its p-value or distance; None where a side has no values."""
    adjusted: float | None = None
    """P-values: Benjamini-Hochberg's, over all columns of the window."""
    threshold: float
    distance_method: str
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
    """Of drifting inputs: by how much the mean answer (a probability, or the target's units) is moved by this column's drift."""


class DriftReport(Record):
    """A window against the reference of its version."""

    window: str
    rows: int
    looked_at: int
    reference_rows: int
    judged: bool
    """False where the window has too few rows."""
    columns: tuple[ColumnDrift, ...]
    """Inputs of the model; what matters most first."""
    prediction: ColumnDrift | None
    target: ColumnDrift | None
    """Labels that have arrived against those of training."""
    quality: tuple[ColumnQuality, ...]
    share: float | None
    """Of the columns that drift beyond what is usual, unweighted."""
    weighted_share: float | None
    """The same by weight in the model."""
    weighing: str
    """Where the weights are from, in words."""
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> tuple[ColumnDrift, ...]:
        """The drifting columns, what matters most for the score first."""
        return tuple(column for column in self.columns if column.drifted)

    def facts(self) -> dict[str, Fact]:
        shares = {"share": self.share, "weighted_share": self.weighted_share}
        known = {name: round(value, 4) for name, value in shares.items() if value is not None}
        return {"columns": len(self.columns), "drifted": len(self.worst), **known, "worst": ", ".join(c.column for c in self.worst[:3])}

    def html(self) -> str:
        from monitoring.drift_page import drift_page

        return drift_page(self)


def measure_drift(window: Window, reference: Reference, settings: Monitoring, scorer: Scorer | None = None) -> DriftReport:
    """Hold `window` against `reference`.

    Parameters
    ----------
    window, reference
        Of one version.
    settings : Monitoring
        Methods and thresholds.
    scorer : Scorer, optional
        Of the version's bundle; without it no `effect` is measured.

    Returns
    -------
    DriftReport
        Columns are measured by Evidently. Where the smaller sample has fewer than `settings.small_sample` rows by
        p-values, corrected for the number of columns; else by distances, since with many rows every difference is
        significant. A drifting column counts when it is also farther away than any stretch of the training period was.

    References
    ----------
    Benjamini & Hochberg, *J. R. Statist. Soc. B* 57 (1995), for the correction.
    """
    facts = window.facts_
    judged = len(window.rows) >= settings.min_rows
    inputs = _inputs(window, reference)
    current, past = window.rows, reference.rows
    sampled = facts.looked_at < facts.rows
    columns = _compare(past, current, inputs, settings, reference.facts_.ordered, sampled) if judged else []
    weights = reference.facts_.importance
    columns = [column.model_copy(update={"weight": weights.get(column.column, 0.0)}) for column in columns]
    if scorer is not None:
        columns = _with_effects(columns, window, reference, scorer)
    columns.sort(key=lambda c: (not c.unusual, not c.drifted, -(c.weight or 0), -(c.distance or 0), c.column))
    notes = [f"a sample of {facts.looked_at:,} of {facts.rows:,} predictions, spread evenly over the window"] if sampled else []
    notes += [] if judged else [f"{len(current):,} predictions are fewer than monitoring.min_rows = {settings.min_rows:,}: drift is not judged"]
    notes += [f"not in the window: {', '.join(facts.absent)}"] if facts.absent else []
    return DriftReport(
        window=in_words(facts),
        rows=facts.rows,
        looked_at=facts.looked_at,
        reference_rows=len(past),
        judged=judged,
        columns=tuple(columns),
        prediction=_prediction(window, reference, settings, sampled) if judged else None,
        target=_target(window, reference, settings, sampled) if judged else None,
        quality=compare_quality(window, reference, settings) if judged else (),
        share=_share(columns, None),
        weighted_share=_share(columns, weights),
        weighing="mean absolute Shapley values of the holdout, from the version's training",
        notes=tuple(notes),
    )


def adjust(p_values: Mapping[str, float]) -> dict[str, float]:
    """Benjamini and Hochberg's adjusted p-values: those up to q hold a false discovery rate of q."""
    from scipy.stats import false_discovery_control

    names = list(p_values)
    return dict(zip(names, map(float, false_discovery_control([p_values[name] for name in names])))) if names else {}


def _inputs(window: Window, reference: Reference) -> dict[str, str]:
    """Columns that are compared, with their kinds. Texts are not: each is a value of its own."""
    weighted = reference.facts_.importance
    return {c.name: c.kind for c in reference.facts_.columns.columns if c.name in weighted and c.name in window.rows and c.kind != "text"}


def _compare(
    past: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str], settings: Monitoring, ordered: bool, sampled: bool
) -> list[ColumnDrift]:
    """Every column of `kinds` in `current` against `past`."""
    past, current, numeric = _prepared(past, current, kinds)
    small = min(len(past), len(current)) < settings.small_sample
    methods, distances = _methods(kinds, numeric, settings, small), _methods(kinds, numeric, settings, False)
    values = evidently.measure(past, current, methods, numeric)
    apart = values if methods == distances else evidently.measure(past, current, distances, numeric)
    adjusted = adjust({name: value for name, value in values.items() if methods[name] in evidently.P_VALUES})
    stretches = list(_stretches(len(past), len(current), ordered))
    found = []
    for name, kind in kinds.items():
        value, far = values.get(name), apart.get(name)
        by_p = methods[name] in evidently.P_VALUES
        limit = settings.p_value if by_p else settings.distances.get(name, settings.distance)
        drifted = value is not None and (adjusted[name] < limit if by_p else value >= limit)
        usual = _usual(past[name], stretches, distances[name], name in numeric) if drifted else None
        found.append(
            ColumnDrift(
                column=name,
                kind=kind,
                method=methods[name],
                value=value,
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


def _prepared(past: pd.DataFrame, current: pd.DataFrame, kinds: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame, frozenset[str]]:
    """Both sides with numbers as floats and categories as text, and the columns that are compared as numbers."""
    numeric, sides = set(), ({}, {})
    for name, kind in kinds.items():
        columns = [past[name], current[name]]
        if kind == "datetime":
            columns = [column.astype("int64").where(column.notna()) / 1e9 for column in columns]
        if kind in ("numeric", "datetime") and columns[0].nunique() > _FEW_VALUES:
            numeric.add(name)
            columns = [column.astype("float64") for column in columns]
        else:
            columns = _levels(*columns)
        for side, column in zip(sides, columns):
            side[name] = column
    return pd.DataFrame(sides[0]), pd.DataFrame(sides[1]), frozenset(numeric)


def _levels(past: pd.Series, current: pd.Series) -> list[pd.Series]:
    """Both as text; beyond the most frequent categories of both together, all are one."""
    sides = [side.map(_plain, na_action="ignore").astype(object) for side in (past, current)]
    counts = pd.concat([side.value_counts(normalize=True) for side in sides]).groupby(level=0).max()
    if len(counts) <= _MOST_LEVELS:
        return sides
    kept = set(counts.sort_values(ascending=False, kind="stable").index[:_MOST_LEVELS])
    return [side.where(side.isna() | side.isin(kept), _OTHER) for side in sides]


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _methods(kinds: Mapping[str, str], numeric: frozenset[str], settings: Monitoring, small: bool) -> dict[str, str]:
    chosen = settings.methods
    number = chosen.numeric_small if small else chosen.numeric_large
    category = chosen.categorical_small if small else chosen.categorical_large
    return {name: number if name in numeric else category for name in kinds}


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


def _share(columns: list[ColumnDrift], weights: Mapping[str, float] | None) -> float | None:
    if not columns:
        return None
    weight = {c.column: 1.0 if weights is None else weights.get(c.column, 0.0) for c in columns}
    total = sum(weight.values())
    return sum(weight[c.column] for c in columns if c.unusual) / total if total > 0 else None


def _prediction(window: Window, reference: Reference, settings: Monitoring, sampled: bool) -> ColumnDrift | None:
    classes = reference.facts_.classes
    past, current = answer(reference.answers, classes), answer(window.answers, classes)
    kind = "categorical" if len(classes) > 2 else "numeric"
    # The holdout's answers are few and of one end of the training period: its stretches say little of what is usual.
    return _compare(past, current, {past.columns[0]: kind}, settings, False, sampled)[0]


def _target(window: Window, reference: Reference, settings: Monitoring, sampled: bool) -> ColumnDrift | None:
    name, labelled = reference.facts_.target, window.labelled
    if len(labelled) < settings.min_labels:
        return None
    current = pd.DataFrame({name: window.answers["actual"].iloc[labelled].reset_index(drop=True)})
    kind = "categorical" if reference.facts_.classes else "numeric"
    return _compare(reference.rows[[name]], current, {name: kind}, settings, reference.facts_.ordered, sampled)[0]


def _with_effects(columns: list[ColumnDrift], window: Window, reference: Reference, scorer: Scorer) -> list[ColumnDrift]:
    """What each drifting column's drift does to the mean answer: the window as it is, less the window with this column as in the reference."""
    rng = np.random.default_rng(0)
    rows = window.rows
    if any(column.name not in rows for column in scorer.signature.columns):
        return columns
    at = np.sort(rng.choice(len(rows), min(len(rows), _EFFECT_ROWS), replace=False))
    part = rows.iloc[at].reset_index(drop=True)
    drawn = rng.integers(len(reference.rows), size=len(part))
    mean = _mean_answer(scorer, part)
    changed = []
    for column in columns:
        if column.drifted:
            undone = part.assign(**{column.column: reference.rows[column.column].to_numpy()[drawn]})
            difference = mean - _mean_answer(scorer, undone)
            column = column.model_copy(update={"effect": float(difference[np.abs(difference).argmax()])})
        changed.append(column)
    return changed


def _mean_answer(scorer: Scorer, frame: pd.DataFrame) -> np.ndarray:
    """Mean answer: of two classes the positive probability, of more each class's, else the value."""
    predictions = predict_served(scorer, frame)
    if predictions.probabilities is None:
        return np.array([predictions.values.mean()])
    return predictions.probabilities.mean(axis=0)[1 if predictions.probabilities.shape[1] == 2 else 0 :]
