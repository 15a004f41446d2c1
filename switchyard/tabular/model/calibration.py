"""The `Calibrator`: from the probabilities that a model says to those that come true, learnt on out-of-fold ones.

A map is kept close to doing nothing, so that answers that separate the classes perfectly do not drive it to certainty; and
it is used only where it is clearly better than nothing on rows that it was not learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from switchyard.tabular.families.base import probabilities_of

CalibrationKind = Literal["none", "temperature", "sigmoid", "beta", "matrix"]
FLOOR = 1e-7
"""Probabilities are not taken as smaller than this when their logarithm is."""
LEAST = 1e-6
"""No answered probability is smaller: each is mixed with this much of every class."""
_SLOPES = (0.05, 5.0)
"""Where slopes are looked for."""
_SLOPE_SD, _SHIFT_SD, _ENTRY_SD = 0.5, 1.0, 0.1
"""Standard deviations, before any row is seen, of a slope around one, of an intercept around zero, and of what a matrix adds to a slope."""
_MARGIN = 1.0
"""By how many standard errors of its gain over a simpler map the log loss of another must be smaller."""
_MOST_CLASSES = 12
"""More make a matrix of too many entries."""


@dataclass(frozen=True)
class Calibrator:
    """A map of probabilities, affine in their logarithms.

    Log-probabilities times `weights` plus `intercept` are the log-odds of the second of two classes, or the margins of a
    softmax. `temperature`: one slope. `sigmoid` (two classes): slope and intercept. `beta` (two classes): a slope for the
    log-probability of either class, and an intercept. `matrix` (more classes): any weights. Whatever the kind, each answered
    probability is at least `LEAST`.

    Attributes
    ----------
    kind : str
    weights : tuple of tuple of float
        Of shape (n_classes, 1) for two classes, else (n_classes, n_classes); empty for `none`.
    intercept : tuple of float
        One for each column of `weights`.

    References
    ----------
    Platt, *Probabilistic Outputs for Support Vector Machines*, 1999. Guo, Pleiss, Sun, Weinberger, *On Calibration of
    Modern Neural Networks*, ICML 2017. Kull, Silva Filho, Flach, *Beta calibration*, AISTATS 2017.
    """

    kind: CalibrationKind = "none"
    weights: tuple[tuple[float, ...], ...] = ()
    intercept: tuple[float, ...] = ()

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` made of one, read from JSON."""
        return cls(kept["kind"], tuple(tuple(row) for row in kept["weights"]), tuple(kept["intercept"]))

    def apply(self, proba: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of shape (n, n_classes) from raw ones."""
        if self.kind != "none":
            proba = probabilities_of(_logs(proba) @ np.array(self.weights) + np.array(self.intercept))
        return proba * (1 - proba.shape[1] * LEAST) + LEAST


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def _logs(proba: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(proba, FLOOR))


def fit_calibrator(proba: np.ndarray, y: np.ndarray, kind: str = "auto", folds: int = 5, weights: np.ndarray | None = None) -> Calibrator:
    """The calibrator for out-of-fold probabilities.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
        Rows with NaN (in no validation fold) are left out.
    y : ndarray of int of shape (n,)
        Codes.
    kind : {"auto", "none", "temperature", "sigmoid", "beta", "matrix"}
        auto begins with none and goes on to temperature, sigmoid and beta (two classes) or temperature and matrix (more),
        each only where its log loss on rows that it was not fitted to is clearly smaller: by more than one standard error
        of the difference. Sigmoid and beta are for two classes and mean temperature for more; matrix is for more and means
        sigmoid for two.
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Returns
    -------
    Calibrator
    """
    known = ~np.isnan(proba).any(axis=1)
    proba, y = proba[known], np.asarray(y)[known]
    counts = np.ones(len(y)) if weights is None else weights[known] / weights[known].mean()
    if kind == "none" or len(y) < 10 * folds:
        return Calibrator()
    binary = proba.shape[1] == 2
    able: tuple[str, ...] = ("temperature", "sigmoid", "beta") if binary else ("temperature", "matrix")
    if kind != "auto":
        return _fitted(kind if kind in able else "sigmoid" if binary else "temperature", proba, y, counts)
    if proba.shape[1] > _MOST_CLASSES:
        able = ("temperature",)
    from sklearn.model_selection import KFold

    best, losses = "none", _losses(y, Calibrator().apply(proba))
    for candidate in able:
        calibrated = np.empty(len(y))
        for train, test in KFold(folds, shuffle=True, random_state=0).split(proba):
            calibrated[test] = _losses(y[test], _fitted(candidate, proba[train], y[train], counts[train]).apply(proba[test]))
        gain = (losses - calibrated) * counts
        if gain.mean() > _MARGIN * gain.std(ddof=1) / len(gain) ** 0.5:
            best, losses = candidate, calibrated
    return _fitted(best, proba, y, counts)


def _losses(y: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Log loss of each row."""
    return -np.log(proba[np.arange(len(y)), y])


def _fitted(kind: str, proba: np.ndarray, y: np.ndarray, counts: np.ndarray) -> Calibrator:
    if kind == "none":
        return Calibrator()
    found = (_fit_two if proba.shape[1] == 2 else _fit_several)(kind, _logs(proba), y, counts)
    # Scores that do not rise with the truth: turning them round would be no calibration.
    return Calibrator() if found is None else found


def _fit_two(kind: str, logs: np.ndarray, y: np.ndarray, counts: np.ndarray) -> Calibrator | None:
    """By maximum a posteriori, as below: a logistic regression on the log-odds, or on both log-probabilities."""
    from scipy.optimize import minimize
    from scipy.special import expit

    slopes = np.column_stack([-logs[:, 0], logs[:, 1]]) if kind == "beta" else (logs[:, 1] - logs[:, 0])[:, None]
    free = slopes.shape[1]
    features = slopes if kind == "temperature" else np.column_stack([slopes, np.ones(len(y))])
    middle = np.array([1.0] * free + [0.0] * (features.shape[1] - free))
    spread = np.array([_SLOPE_SD] * free + [_SHIFT_SD] * (features.shape[1] - free))

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        margins, away = features @ values, (values - middle) / spread
        value = (np.logaddexp(0, margins) * counts).sum() - (margins * counts)[y == 1].sum() + away @ away / 2
        return float(value), features.T @ ((expit(margins) - y) * counts) + away / spread

    bounds = [_SLOPES] * free + [(None, None)] * (features.shape[1] - free)
    found = minimize(loss, middle, jac=True, method="L-BFGS-B", bounds=bounds).x
    if (found[:free] <= _SLOPES[0]).all():
        return None
    weights = ((-float(found[0]),), (float(found[free - 1]),))
    return Calibrator(kind, weights, (float(found[-1]) if kind != "temperature" else 0.0,))  # type: ignore[arg-type]


def _fit_several(kind: str, logs: np.ndarray, y: np.ndarray, counts: np.ndarray) -> Calibrator | None:
    """A slope for all classes and, for a matrix, what is added to it and an intercept, all drawn towards doing nothing."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp, softmax

    count = logs.shape[1]
    size = 1 if kind == "temperature" else 1 + count**2 + count
    middle = np.array([1.0] + [0.0] * (size - 1))
    spread = np.array([_SLOPE_SD] + [_ENTRY_SD] * count**2 + [_SHIFT_SD] * count)[:size]
    truth = np.eye(count)[y]

    def parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if size == 1:
            return values[0] * np.eye(count), np.zeros(count)
        return values[0] * np.eye(count) + values[1 : 1 + count**2].reshape(count, count), values[1 + count**2 :]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, intercept = parts(values)
        margins, away = logs @ weights + intercept, (values - middle) / spread
        value = (logsumexp(margins, axis=1) * counts).sum() - (margins * truth * counts[:, None]).sum() + away @ away / 2
        error = (softmax(margins, axis=1) - truth) * counts[:, None]
        of_weights = logs.T @ error
        slope = np.array([np.trace(of_weights)])
        gradient = slope if size == 1 else np.concatenate([slope, of_weights.ravel(), error.sum(axis=0)])
        return float(value), gradient + away / spread

    bounds = [_SLOPES] + [(None, None)] * (size - 1)
    found = minimize(loss, middle, jac=True, method="L-BFGS-B", bounds=bounds).x
    if found[0] <= _SLOPES[0]:
        return None
    weights, intercept = parts(found)
    return Calibrator(kind, _rows(weights), tuple(intercept.tolist()))  # type: ignore[arg-type]
