"""What a model answered for a set of rows, as plain arrays, wherever the model lives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from switchyard.tabular.errors import InputError


@dataclass(frozen=True)
class Predictions:
    """Answers for n rows, in the order of the rows; of a classification or of a regression."""

    probabilities: np.ndarray | None = None
    """Classification: shape (n, n_classes), calibrated; columns in the order of `classes`."""
    labels: np.ndarray | None = None
    """Classification: int codes of the served label, shape (n,), decided with the model's threshold."""
    members: np.ndarray | None = None
    """Classification: bool, shape (n, n_classes), which classes are in the row's conformal set; None where the model has no sets."""
    distances: np.ndarray | None = None
    """Of groups: float64 of shape (n,), to the centre of the row's group."""
    values: np.ndarray | None = None
    """Regression: shape (n,), in units of the target."""
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    """Regression: ends of the prediction interval, shape (n,), or None where the model gives none."""
    quantiles: np.ndarray | None = None
    """Regression: shape (n, n_levels), in the order of `levels`; None where the model gives none."""
    levels: tuple[float, ...] = ()
    """Of the quantiles."""

    def at(self, rows: np.ndarray) -> Predictions:
        """The answers of the rows at these positions."""
        fields = ("probabilities", "labels", "members", "distances", "values", "lower", "upper", "quantiles")
        return Predictions(**{name: None if (array := getattr(self, name)) is None else array[rows] for name in fields}, levels=self.levels)

    def __len__(self) -> int:
        return len(self.values if self.probabilities is None else self.probabilities)

    @classmethod
    def of_classes(cls, probabilities: np.ndarray, threshold: float | None = None) -> Predictions:
        """Predictions whose labels follow from the probabilities: by `threshold` for two classes, else the largest."""
        probabilities = np.asarray(probabilities, dtype="float64")
        if threshold is not None and probabilities.shape[1] == 2:
            labels = (probabilities[:, 1] >= threshold).astype("int64")
        else:
            labels = probabilities.argmax(axis=1)
        return cls(probabilities=probabilities, labels=labels)

    @classmethod
    def of_values(cls, values: np.ndarray, lower: np.ndarray | None = None, upper: np.ndarray | None = None) -> Predictions:
        """Predictions of a regression, with or without intervals."""
        return cls(values=np.asarray(values, dtype="float64"), lower=lower, upper=upper)


def encode_truth(target: np.ndarray, task: str, classes: tuple[str, ...]) -> np.ndarray:
    """The target as predictions are compared with it: int codes into `classes`, or float64.

    Raises
    ------
    InputError
        When a row has no target or a class the model does not know.
    """
    if task == "regression":
        values = np.asarray(target, dtype="float64")
        if not np.isfinite(values).all():
            raise InputError(f"{int((~np.isfinite(values)).sum())} rows of the holdout have no finite target; drop them before evaluating")
        return values
    code = {label: position for position, label in enumerate(classes)}
    unknown = [label for label in target if label not in code]
    if unknown:
        raise InputError(f"class {unknown[0]!r} is in the holdout ({len(unknown)} such rows) but the model knows only {', '.join(classes)}")
    return np.array([code[label] for label in target], dtype="int64")
