"""Answers of a model as columns of a frame, the same for a reference and a window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.predictionlog.records import PROBABILITY
from switchyard.tabular.evaluation.predictions import Predictions

LABEL, PREDICTION, LOWER, UPPER, DISTANCE = "label", "prediction", "lower", "upper", "distance"


def answer_columns(predictions: Predictions, classes: tuple[str, ...]) -> pd.DataFrame:
    """`probability.<class>` and `label`, of groups `distance` too; of a regression `prediction` and, if any, `lower` and `upper`."""
    if predictions.probabilities is not None:
        columns = {f"{PROBABILITY}{label}": predictions.probabilities[:, code] for code, label in enumerate(classes)}
        far = {} if predictions.distances is None else {DISTANCE: predictions.distances}
        return pd.DataFrame({**columns, LABEL: np.array(classes, dtype=object)[predictions.labels], **far})
    bounds = {LOWER: predictions.lower, UPPER: predictions.upper}
    return pd.DataFrame({PREDICTION: predictions.values, **{name: values for name, values in bounds.items() if values is not None}})


def predictions_in(frame: pd.DataFrame, classes: tuple[str, ...]) -> Predictions:
    """The predictions that `answer_columns` put into `frame`, which may have other columns too.

    Raises
    ------
    KeyError
        A class has no column, or a label is no class.
    """
    if classes:
        probabilities = np.column_stack([frame[f"{PROBABILITY}{label}"].to_numpy("float64") for label in classes])
        code = {label: position for position, label in enumerate(classes)}
        distances = frame[DISTANCE].to_numpy("float64") if DISTANCE in frame else None
        labels = np.array([code[label] for label in frame[LABEL]], dtype="int64")
        return Predictions(probabilities=probabilities, labels=labels, distances=distances)
    lower, upper = (frame[name].to_numpy("float64") if name in frame and frame[name].notna().all() else None for name in (LOWER, UPPER))
    return Predictions.of_values(frame[PREDICTION].to_numpy("float64"), lower, upper)


def answer(frame: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """What of each answer is watched, one column under its name: the positive class's probability, the label, or the value."""
    if len(classes) == 2:
        return pd.DataFrame({f"probability of {classes[1]}": frame[f"{PROBABILITY}{classes[1]}"].to_numpy("float64")})
    return pd.DataFrame({"label": frame[LABEL].to_numpy(object)} if classes else {"prediction": frame[PREDICTION].to_numpy("float64")})
