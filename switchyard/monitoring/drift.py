"""Drift: how far a window's columns, answers and labels are from the reference, and which of it matters for the score."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.bundle import Scorer
from switchyard.monitoring.answers import DISTANCE, answer
from switchyard.monitoring.columns import ColumnDrift, compare, drift_table
from switchyard.monitoring.effects import with_effects
from switchyard.monitoring.fault import Fault
from switchyard.monitoring.feed import find_faults
from switchyard.monitoring.quality import ColumnQuality, compare_quality, quality_table
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.seasons import same_season
from switchyard.monitoring.window import Window, in_words
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.report.report import Bars, Name, Part, Report, Section, Strong, Table, Text
from switchyard.tabular.storable import Fact, Record


class Shares(BaseModel):
    """Rows that are like no group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    now: float
    """Share of the window's rows."""
    before: float
    """Share of the holdout's rows, which the version's evaluated twin had not seen."""
    rows: int
    """Of the window."""
    rows_before: int
    p_value: float
    """One-sided, of Fisher's exact test: how often chance makes so many more."""


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
    distance: ColumnDrift | None = None
    """Of groups: how far rows are from the centre of theirs."""
    unlike: Shares | None = None
    """Of groups: the rows that are like none of them."""
    target: ColumnDrift | None
    """Labels that have arrived against those of training."""
    quality: tuple[ColumnQuality, ...]
    share: float | None
    """Share of the columns that drift beyond what is usual, unweighted."""
    weighted_share: float | None
    """The same by weight in the model."""
    weighing: str
    """Where the weights are from, in words."""
    notes: tuple[str, ...] = ()
    feed: tuple[Fault, ...] = ()
    """Columns that a feed broke: another unit, other names, empty, constant, swapped, other dates."""

    @property
    def worst(self) -> tuple[ColumnDrift, ...]:
        """The drifting columns, what matters most for the score first."""
        return tuple(column for column in self.columns if column.drifted)

    def metadata(self) -> dict[str, Fact]:
        shares = {"share": self.share, "weighted_share": self.weighted_share}
        known = {name: round(value, 4) for name, value in shares.items() if value is not None}
        return {"columns": len(self.columns), "drifted": len(self.worst), **known, "worst": ", ".join(c.column for c in self.worst[:3])}

    def report(self) -> Report:
        sections = []
        if self.feed:
            faults = [(Name(fault.column), fault.before, fault.after, fault.words) for fault in self.feed]
            sections.append(Section("A broken feed: mend it, and train on none of it", Table(("column", "before", "now", "what"), faults)))
        if self.columns:
            sections.append(Section("What drifts, by its weight in the model", *self._weights()))
            sections.append(Section("Columns, what matters for the score first", drift_table(self.columns)))
        outputs = [part for part in (self.prediction, self.distance, self.target) if part is not None]
        if outputs:
            sections.append(Section("Answers and labels", drift_table(outputs)))
        if self.unlike is not None:
            words = f"{self.unlike.now:.1%} of the window's rows, {self.unlike.before:.1%} of the holdout's."
            sections.append(Section("Rows that are unlike all groups", words))
        if self.quality:
            rows = [(Name(part.column), "; ".join(part.findings)) for part in self.quality if part.findings]
            sections.append(Section("Data quality", Table(("column", "finding"), rows) if rows else "As in training."))
            sections.append(Section("Missing, unseen, outside", quality_table(self.quality)))
        sections.append(Section("How to read this", *self._legend()))
        counts = f"{self.window}; {self.looked_at:,} rows against {self.reference_rows:,}"
        return Report("Drift", "; ".join((counts, *self.notes)) + ".", sections)

    def _weights(self) -> tuple[Part, ...]:
        counted = [(column.column, column.weight or 0.0) for column in self.columns if column.unusual]
        shares = f"{self.share or 0:.1%} of the columns, {self.weighted_share or 0:.1%} of the weight."
        return shares, Bars(counted) if counted else "Nothing beyond the training period."

    def _legend(self) -> tuple[Part, ...]:
        return (
            Text(
                "Verdict: ",
                Strong("drift"),
                " is beyond its limit and farther away than any stretch of the training period was; ",
                Strong("as within training"),
                " is beyond its limit, but the training period changed as much by itself.",
            ),
            f"Weight: share in the model's answers ({self.weighing}).",
            "Moves the mean answer by: the mean answer on this window, less that with the column's values drawn from the reference.",
        )


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
        A column drifts where a test of both samples says so, corrected for the number of columns, and Evidently's distance
        is large enough (`switchyard.monitoring.columns.compare`). It counts when it is also farther away than any stretch
        of the training period was.
    """
    facts = window.facts
    judged = len(window.rows) >= settings.min_rows
    inputs = _inputs(window, reference)
    current, past = window.rows, reference.rows
    sampled = facts.looked_at < facts.rows
    like, outside = (
        same_season(reference.moments, facts.since, facts.until) if facts.timed and reference.moments is not None else (None, "")
    )
    columns = compare(past, current, inputs, settings, reference.facts.ordered, sampled, like) if judged else []
    weights = reference.facts.importance
    columns = [column.model_copy(update={"weight": weights.get(column.column, 0.0)}) for column in columns]
    if scorer is not None:
        columns = with_effects(columns, window, reference, scorer)
    columns.sort(key=lambda c: (not c.unusual, not c.drifted, -(c.weight or 0), -(c.distance or 0), c.column))
    notes = [f"a sample of {facts.looked_at:,} of {facts.rows:,} predictions, spread evenly over the window"] if sampled else []
    notes += (
        []
        if judged
        else [f"drift is not judged from fewer predictions than monitoring.min_rows = {settings.min_rows:,}; there are {len(current):,}"]
    )
    notes += [f"not in the window: {', '.join(facts.absent)}"] if facts.absent else []
    notes += [outside] if outside and judged else []
    return DriftReport(
        window=in_words(facts),
        rows=facts.rows,
        looked_at=facts.looked_at,
        reference_rows=len(past),
        judged=judged,
        columns=tuple(columns),
        prediction=_prediction(window, reference, settings, sampled) if judged else None,
        distance=_distance(window, reference, settings, sampled) if judged else None,
        unlike=_unlike(window, reference) if judged else None,
        target=_target(window, reference, settings, sampled, like) if judged else None,
        quality=compare_quality(window, reference, settings) if judged else (),
        share=share_of(columns, False),
        weighted_share=share_of(columns, True),
        weighing="mean absolute Shapley values of the holdout, from the version's training",
        notes=tuple(notes),
        feed=faults_of(window, reference) if judged else (),
    )


def faults_of(window: Window, reference: Reference) -> tuple[Fault, ...]:
    """Columns of the model that a feed broke."""
    return find_faults(reference.rows, window.rows, _inputs(window, reference))


def _inputs(window: Window, reference: Reference) -> dict[str, str]:
    """Columns that are compared, with their kinds. What orders the rows is not: it moves on."""
    there = [
        column for column in reference.facts.columns.columns if column.name in reference.facts.importance and column.name in window.rows
    ]
    return {column.name: column.kind for column in there if column.role != "time"}


def share_of(columns: Sequence[ColumnDrift], weighted: bool, counted: Container[str] | None = None) -> float | None:
    """Share of `columns`, by their weight in the model or all alike, that drift beyond what is usual and, where given, are `counted`."""
    weight = {c.column: (c.weight or 0.0) if weighted else 1.0 for c in columns}
    total = sum(weight.values())
    if total <= 0:
        return None
    return sum(weight[c.column] for c in columns if c.unusual and (counted is None or c.column in counted)) / total


def _prediction(window: Window, reference: Reference, settings: Monitoring, sampled: bool) -> ColumnDrift | None:
    classes = reference.facts.classes
    past, current = answer(reference.answers, classes), answer(window.answers, classes)
    kind = "categorical" if len(classes) > 2 else "numeric"
    # The holdout's answers are few and of one end of the training period: its stretches say little of what is usual.
    return compare(past, current, {past.columns[0]: kind}, settings, False, sampled)[0]


def _distance(window: Window, reference: Reference, settings: Monitoring, sampled: bool) -> ColumnDrift | None:
    past, current = reference.answers, window.answers
    if DISTANCE not in past or DISTANCE not in current:
        return None
    return compare(past[[DISTANCE]], current[[DISTANCE]], {DISTANCE: "numeric"}, settings, False, sampled)[0]


def _unlike(window: Window, reference: Reference) -> Shares | None:
    limits, classes = reference.facts.unlike, reference.facts.classes
    past, current = reference.holdout, window.predictions(classes)
    if limits is None or past.distances is None or current.distances is None or not len(past):
        return None
    from scipy.stats import fisher_exact

    before, now = (limits.marks(np.asarray(part.distances), np.asarray(part.labels)) for part in (past, current))
    counts = [[int(part.sum()), int((~part).sum())] for part in (now, before)]
    return Shares(
        now=float(now.mean()),
        before=float(before.mean()),
        rows=len(now),
        rows_before=len(before),
        p_value=float(fisher_exact(counts, alternative="greater").pvalue),
    )


def _target(window: Window, reference: Reference, settings: Monitoring, sampled: bool, like: np.ndarray | None) -> ColumnDrift | None:
    name, labelled = reference.facts.target, window.labelled
    if len(labelled) < settings.min_labels:
        return None
    current = pd.DataFrame({name: window.answers["actual"].iloc[labelled].reset_index(drop=True)})
    kind = "categorical" if reference.facts.classes else "numeric"
    return compare(reference.rows[[name]], current, {name: kind}, settings, reference.facts.ordered, sampled, like)[0]
