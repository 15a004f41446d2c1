"""Rows and labels as the model knows them, whatever they look like where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from switchyard.bundle.encoding import category
from switchyard.monitoring.reference import ReferenceFacts
from switchyard.tabular.tables.conform import conform
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.typing.values import values_in


def conformed(raw: pd.DataFrame, reference: ReferenceFacts, strict: bool = False) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The model's columns in canonical types, and the names of those that are not there."""
    features = [column for column in reference.columns.columns if column.name != reference.target]
    there = [column for column in features if column.name in raw.columns or (strict and column.role == "feature")]
    if raw.empty:
        return pd.DataFrame(), ()
    frame, _ = conform(raw, Schema(columns=tuple(there)))
    return frame, tuple(column.name for column in features if column.name not in frame)


def known_labels(given: pd.Series, reference: ReferenceFacts, logged: bool = True) -> tuple[np.ndarray, int]:
    """Labels as the model's classes, or numbers; and how many are neither.

    Those of the prediction log are spelt as the model's; of any other source they are read as training read its target.
    """
    reading = reference.columns.target.reading
    if not logged and reading is not None and len(given):
        there = pd.notna(values_in(given, replace(reading, kind="categorical", lenient=False)).values)
        given = pd.Series(values_in(given, reading).values)
    else:
        there = given.notna().to_numpy()
    if not reference.classes:
        values = pd.to_numeric(given, errors="coerce").to_numpy("float64")
        values = np.where(np.isfinite(values), values, np.nan)
        return values, int((there & np.isnan(values)).sum())
    classes = set(reference.classes)
    read: Sequence[str | None] = [category(value) if known and value is not None else None for value, known in zip(given, there)]
    kept = np.array([label if label in classes else None for label in read], dtype=object)
    return kept, int(sum(known and label is None for known, label in zip(there, kept)))
