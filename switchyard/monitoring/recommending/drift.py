"""`measure_shift`: what users come with, get and take, beside what was taken last in training and what the holdout's users got."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.monitoring.columns import ColumnDrift, compare
from switchyard.monitoring.drift import DriftReport, share_of
from switchyard.monitoring.quality import ColumnQuality
from switchyard.monitoring.recommending.figures import Figures, figures_of
from switchyard.monitoring.recommending.shown import taken_in
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.seasons import same_season
from switchyard.monitoring.window import Window, in_words
from switchyard.tabular.config.monitoring import Monitoring

_MOST_ITEMS, _OTHERS = 100, "other items"
"""What is compared by itself: the items that most visits of the training ended with."""


def measure_shift(window: Window, reference: Reference, settings: Monitoring) -> DriftReport:
    """Drift of the items that histories end with, of the first items shown, and of what was taken; and what is new or too common.

    Each user brings an item once, however often it asks. Requests that bring no history tell nothing of what users take: where
    too few do, drift is judged by nothing.
    """
    facts, item = window.facts, reference.facts.target
    judged = len(window.rows) >= settings.min_rows
    sampled = facts.looked_at < facts.rows
    moments = reference.moments
    like = same_season(moments, facts.since, facts.until)[0] if facts.timed and moments is not None else None
    took = taken_in(window.answers)
    latest, taken = _once(window.rows[item], window.answers["user"]), _once(took["item"], took["user"])
    columns: list[ColumnDrift] = []
    notes = [f"a sample of {facts.looked_at:,} of {facts.rows:,} predictions, spread evenly over the window"] if sampled else []
    if not judged:
        notes.append(
            f"drift is not judged from fewer predictions than monitoring.min_rows = {settings.min_rows:,}; there are {facts.rows:,}"
        )
    elif len(latest) < settings.min_rows:
        notes.append(
            f"{len(latest):,} requests bring a history, fewer than monitoring.min_rows = {settings.min_rows:,}: items are not compared"
        )
    else:
        column = _items(reference.rows[item], latest, item, settings, sampled, like, ordered=True)
        columns = [column.model_copy(update={"weight": 1.0})]
    figures = figures_of(window, reference) if judged else None
    return DriftReport(
        window=in_words(facts),
        rows=facts.rows,
        looked_at=facts.looked_at,
        reference_rows=len(reference.rows),
        judged=judged,
        columns=tuple(columns),
        # Users of the holdout are few and in no order.
        prediction=_items(reference.answers["label"], window.answers["label"], "first item shown", settings, sampled) if judged else None,
        target=_items(reference.rows[item], taken, "item taken", settings, sampled, like, ordered=True)
        if judged and len(taken) >= settings.min_labels
        else None,
        quality=() if figures is None else _quality(figures, settings),
        share=share_of(columns, False),
        weighted_share=share_of(columns, True),
        weighing="the items of the histories are all there is",
        notes=tuple(notes),
    )


def _once(items: pd.Series, users: pd.Series) -> pd.Series:
    """Without what is missing, and without what the same user brought before: it would be no observation of its own."""
    there = items.notna()
    again = there & users.notna() & pd.DataFrame({"user": users, "item": items}).duplicated()
    return items[there & ~again].reset_index(drop=True)


def _items(
    past: pd.Series,
    current: pd.Series,
    name: str,
    settings: Monitoring,
    sampled: bool,
    like: np.ndarray | None = None,
    ordered: bool = False,
) -> ColumnDrift:
    # By the reference alone: the most frequent of a small window stand out by chance, and stretches of the training would not.
    kept = past.value_counts().index[:_MOST_ITEMS]
    before, now = (
        pd.DataFrame({name: values.where(values.isin(kept) | values.isna(), _OTHERS).reset_index(drop=True)}) for values in (past, current)
    )
    return compare(before, now, {name: "categorical"}, settings, ordered, sampled, like)[0]


def _quality(figures: Figures, settings: Monitoring) -> tuple[ColumnQuality, ...]:
    """What is new or too common, as the rules read it; what has a finding first."""
    findings = figures.findings(settings)
    rates = {"items of the histories": figures.new_items, "labels": figures.new_labels, "users": figures.new_users}
    found = [
        ColumnQuality(
            column=what,
            missing=0.0,
            missing_before=0.0,
            unseen=rates[what].share if what in rates else 0.0,
            new_categories=rates[what].examples if what in rates else (),
            outside=0.0,
            low=None,
            high=None,
            findings=(findings[what],) if what in findings else (),
        )
        for what in (*rates, "coverage", "popularity")
    ]
    return tuple(sorted(found, key=lambda part: not part.findings))
