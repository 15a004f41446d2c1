"""Scores of each class against the rest, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.evaluation.curves import calibration_error
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Estimate

_OF_A_CLASS = ("precision", "recall", "f1", "set_coverage")


class ClassScores(BaseModel):
    """Scores of one class against the rest, by the served labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    rows: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    set_coverage: Estimate | None = None
    """Share of the class's rows whose conformal set holds it; None where the model has no sets."""


def of_classes(
    truth: np.ndarray,
    predictions: Predictions,
    classes: tuple[str, ...],
    estimates: Mapping[str, Estimate],
    weights: np.ndarray | None,
) -> dict[str, Any]:
    """What an `Evaluation` of a classification has besides, by its field names."""
    sizes = np.bincount(truth, minlength=len(classes))
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (truth, predictions.labels), 1)
    return {
        "calibration_error": calibration_error(truth, predictions, weights),
        "confusion": tuple(map(tuple, confusion.tolist())),
        "per_class": tuple(
            ClassScores(label=label, rows=int(size), **{name: estimates.get(f"{label}:{name}") for name in _OF_A_CLASS})
            for label, size in zip(classes, sizes)
        ),
    }
