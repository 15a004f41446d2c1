"""The `Combiner`: from the outputs of several members to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from switchyard.tabular.families.base import probabilities_of

FLOOR = 1e-5
"""Probabilities are not taken as smaller than this when their logarithm is."""


@dataclass(frozen=True, eq=False)
class Combiner:
    """How members' outputs become the ensemble's.

    Attributes
    ----------
    kind : {"average", "stack"}
        `average`: a weighted mean of probabilities or predictions. `stack`: a linear model on `stack_features`,
        then sigmoid or softmax for classes.
    weights : ndarray
        `average`: shape (n_members,), summing to 1. `stack`: shape (n_features, width), where width is 1 for a binary
        task or a regression, else n_classes.
    intercept : ndarray of shape (width,)
        Of a stack; empty for an average.
    """

    kind: Literal["average", "stack"]
    weights: np.ndarray
    intercept: np.ndarray

    @classmethod
    def average(cls, weights: Sequence[float]) -> Combiner:
        """A mean with these weights, which are brought to a sum of 1."""
        shares = np.asarray(weights, dtype=np.float64)
        if shares.ndim != 1 or not len(shares) or (shares < 0).any() or not shares.sum() > 0:
            raise ValueError(f"weights of an average must be non-negative and not all zero, got {weights}")
        return cls("average", shares / shares.sum(), np.empty(0))

    @classmethod
    def stack(cls, weights: np.ndarray, intercept: np.ndarray | Sequence[float]) -> Combiner:
        """A linear model over `stack_features`: `features @ weights + intercept`."""
        matrix = np.asarray(weights, dtype=np.float64)
        bias = np.asarray(intercept, dtype=np.float64)
        if matrix.ndim != 2 or bias.shape != (matrix.shape[1],):
            raise ValueError(f"a stack needs weights (n_features, width) and an intercept (width,), got {matrix.shape} and {bias.shape}")
        return cls("stack", matrix, bias)

    def repeated(self, times: Sequence[int]) -> Combiner:
        """The same over members of which number i stands `times[i]` times in a row: each has an equal part of its weight."""
        width = len(self.weights) // len(times)
        rows = [place * width + row for place, count in enumerate(times) for _ in range(count) for row in range(width)]
        parts = np.repeat(np.asarray(times, dtype=np.float64), np.asarray(times) * width)
        weights = self.weights[rows]
        return Combiner(self.kind, weights / (parts if weights.ndim == 1 else parts[:, None]), self.intercept)

    def combine(self, outputs: Sequence[np.ndarray]) -> np.ndarray:
        """The ensemble's output from its members'.

        Parameters
        ----------
        outputs : sequence of ndarray
            For each member probabilities of shape (n, n_classes), or predictions of shape (n,).

        Returns
        -------
        ndarray
            Of the same shape as each of `outputs`.
        """
        if self.kind == "average":
            if len(outputs) != len(self.weights):
                raise ValueError(f"{len(self.weights)} weights for {len(outputs)} members")
            return sum(weight * output for weight, output in zip(self.weights, outputs))
        found = stack_features(outputs) @ self.weights + self.intercept
        return probabilities_of(found) if outputs[0].ndim == 2 else found[:, 0]


def stack_features(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """What a stack is fitted on: for each member its log-odds (binary), log-probabilities (multiclass) or prediction.

    Parameters
    ----------
    outputs : sequence of ndarray
        As in `Combiner.combine`; out-of-fold ones when fitting.

    Returns
    -------
    ndarray
        float64 of shape (n, n_members) or, for more than two classes, (n, n_members * n_classes).

    References
    ----------
    Ting, Witten, *Issues in Stacked Generalization*, JAIR 10, 1999: probabilities, not labels, as inputs of a linear
    stack.
    """
    if outputs[0].ndim == 1:
        return np.column_stack(outputs)
    logs = [np.log(np.maximum(output, FLOOR)) for output in outputs]
    if outputs[0].shape[1] == 2:
        return np.column_stack([log[:, 1] - log[:, 0] for log in logs])
    return np.hstack(logs)
