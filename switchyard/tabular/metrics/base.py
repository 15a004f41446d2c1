"""`Metric`: what a search goes by, and what a model is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from switchyard.parts import Part

CLASSES = ("binary", "multiclass")


@dataclass(frozen=True)
class Metric(Part):
    """A score of predictions against truth.

    Parameters
    ----------
    name, title : str
        What configs, and what reports call it.
    function : callable
        `function(truth, prediction)`: for classifications truth is int codes of shape (n,) and prediction is
        probabilities of shape (n, n_classes); for regressions both are floats of shape (n,).
    greater_is_better : bool
    tasks : tuple of str
        That it is defined for.
    constant : {"mean", "median"}
        Of a regression's target: the constant answer that it likes best.
    weighs : bool
        Whether `function`, and `served` where there is one, takes how much each row counts, of shape (n,), as a third argument.
    served : callable, optional
        `served(truth, predictions)` of `Predictions`, which hold the served labels and intervals too, where the evaluation has
        to look at those: a search has no threshold yet.
    """

    noun = "metric"
    home = "switchyard.tabular.metrics:METRICS"
    REQUIRED = ("name", "title", "function", "greater_is_better", "tasks")

    name: str
    title: str
    function: Callable[..., float]
    greater_is_better: bool
    tasks: tuple[str, ...]
    constant: Literal["mean", "median"] = "mean"
    served: Callable[..., float] | None = None
    weighs: bool = False

    @property
    def sign(self) -> float:
        """+1 or -1: `sign * value` is larger for the better model."""
        return 1.0 if self.greater_is_better else -1.0

    def value(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """The metric's value, of rows that count alike or by `weights`; only what `weighs` takes those."""
        return float(self.function(truth, prediction) if weights is None else self.function(truth, prediction, weights))

    def of_served(self, truth: np.ndarray, predictions: Any, weights: np.ndarray | None = None) -> float:
        """The metric's value for what a model serves, as `switchyard.tabular.evaluation.Predictions`."""
        if self.served is not None:
            return float(self.served(truth, predictions) if weights is None else self.served(truth, predictions, weights))
        return self.value(truth, predictions.values if predictions.probabilities is None else predictions.probabilities, weights)
