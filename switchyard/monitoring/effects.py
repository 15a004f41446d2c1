"""What the drift of a column does to the mean answer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.bundle import Scorer
from switchyard.monitoring.columns import ColumnDrift
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.evaluation.served import predict_served

_ROWS = 2000


def with_effects(columns: list[ColumnDrift], window: Window, reference: Reference, scorer: Scorer) -> list[ColumnDrift]:
    """The columns, the drifting ones with their drift's effect on the mean answer.

    The effect: the mean answer to the window as it is, less that to the window with this column as in the reference.
    """
    rng = np.random.default_rng(0)
    rows = window.rows
    if any(column.name not in rows for column in scorer.signature.columns):
        return columns
    at = np.sort(rng.choice(len(rows), min(len(rows), _ROWS), replace=False))
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
    if predictions.values is not None:
        return np.array([predictions.values.mean()])
    assert predictions.probabilities is not None
    return predictions.probabilities.mean(axis=0)[1 if predictions.probabilities.shape[1] == 2 else 0 :]
