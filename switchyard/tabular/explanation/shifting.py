"""What the answers and their score become when single columns are changed: partial dependence and permutation importance.

Both ask the same function as SHAP. Where columns go together, both ask it for rows that do not exist.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.bundle.shapley import Function
from switchyard.tabular.explanation.coding import Coding
from switchyard.tabular.metrics import Metric

_CALLS = 24_000
"""Rows the function may be asked for by the permutations."""
_REPEATS = 3
_MOST_COLUMNS, _MOST_CURVES = 15, 6
_ROWS, _POINTS, _CATEGORIES = 40, 15, 8
"""Of partial dependence: rows that are changed, values that they are given, and of categories the most frequent."""


class Permuted(BaseModel):
    """What the score loses when the rows exchange their values of a column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    losses: tuple[float, ...]
    """For each repetition, in units of the metric; positive where the score becomes worse."""

    @property
    def loss(self) -> float:
        """Their mean."""
        return float(np.mean(self.losses))


class Dependence(BaseModel):
    """Answers for rows that are all given the same value of a column, for one value after the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    values: tuple[float, ...] | None
    """Of a number, or seconds since the epoch; None for categories."""
    labels: tuple[str, ...]
    """The values for people."""
    means: tuple[tuple[float, ...], ...]
    """Partial dependence: for each output the mean answer at each value."""
    rows: tuple[tuple[float, ...], ...] = ()
    """Individual conditional expectation: for each row its answer at each value; of one output only."""


def permutation_importance(
    function: Function, matrix: np.ndarray, truth: np.ndarray, columns: Sequence[int], coding: Coding, metric: Metric, seed: int
) -> tuple[Permuted, ...]:
    """The loss of each column, largest first; nothing where the metric is not defined on these rows.

    Parameters
    ----------
    function : callable
        From coded rows, shape (n, n_columns), to outputs, shape (n, n_outputs).
    matrix : ndarray of shape (n, n_columns)
        Coded rows of the holdout, of which as many are taken as the calls allow.
    truth : ndarray of shape (n,)
    columns : sequence of int
        The first fifteen are permuted.
    coding : Coding
    metric : Metric
        As the search uses it, which knows no threshold.
    seed : int

    References
    ----------
    Breiman, *Random Forests*, Machine Learning 45, 2001. Fisher, Rudin, Dominici, *All Models are Wrong, but Many are Useful*, JMLR
    20, 2019.
    """
    rng = np.random.default_rng([seed, 1])
    columns = columns[:_MOST_COLUMNS]
    rows = np.sort(rng.permutation(len(matrix))[: _CALLS // (_REPEATS * max(1, len(columns)))])
    matrix, truth = matrix[rows], truth[rows]

    def score(changed: np.ndarray) -> float:
        outputs = function(changed)
        if truth.dtype.kind == "f":
            return float(metric.function(truth, outputs[:, 0]))
        return float(metric.function(truth, np.column_stack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs))

    # Rows of one class have no area under a curve, which scikit-learn says by an error or a warning.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            whole = score(matrix)
        except ValueError:
            return ()
    if not np.isfinite(whole):
        return ()
    found = []
    for column in columns:
        losses = []
        for _ in range(_REPEATS):
            changed = matrix.copy()
            changed[:, column] = rng.permutation(changed[:, column])
            losses.append(metric.sign * (whole - score(changed)))
        found.append(Permuted(column=coding.names[column], losses=tuple(losses)))
    return tuple(sorted(found, key=lambda part: -part.loss))


def partial_dependence(
    function: Function, matrix: np.ndarray, columns: Sequence[int], coding: Coding, outputs: Sequence[int], seed: int
) -> tuple[Dependence, ...]:
    """The curves of the first six of `columns` that are no free text and have more than one value.

    Parameters
    ----------
    function, matrix, coding, seed
        As in `permutation_importance`.
    columns : sequence of int
        What matters most first.
    outputs : sequence of int
        Which outputs are kept.

    References
    ----------
    Friedman, *Greedy Function Approximation*, Annals of Statistics 29, 2001. Goldstein et al., *Peeking Inside the Black Box*, JCGS 24,
    2015.
    """
    rng = np.random.default_rng([seed, 2])
    base = matrix[np.sort(rng.permutation(len(matrix))[:_ROWS])]
    found: list[Dependence] = []
    for column in columns:
        grid = _grid(matrix[:, column], coding, column)
        if len(grid) < 2 or coding.columns[column].kind == "text" or len(found) == _MOST_CURVES:
            continue
        changed = np.repeat(base[None], len(grid), axis=0)
        changed[:, :, column] = grid[:, None]
        answers = function(changed.reshape(-1, base.shape[1])).reshape(len(grid), len(base), -1)[:, :, list(outputs)]
        found.append(
            Dependence(
                column=coding.names[column],
                values=None if coding.names[column] in coding.categories else tuple(grid.tolist()),
                labels=tuple(coding.shown(column, value) for value in grid),
                means=tuple(map(tuple, answers.mean(axis=1).T.round(6).tolist())),
                rows=tuple(map(tuple, answers[:, :, 0].T.round(6).tolist())) if len(outputs) == 1 else (),
            )
        )
    return tuple(found)


def _grid(values: np.ndarray, coding: Coding, column: int) -> np.ndarray:
    """Values worth asking for: of numbers evenly spaced quantiles, of categories the most frequent ones."""
    known, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    if coding.names[column] in coding.categories:
        return known[np.argsort(-counts, kind="stable")[:_CATEGORIES]]
    if len(known) <= _POINTS:
        return known
    # The outermost fortieths would stretch the axis to where hardly a row is.
    return np.unique(np.quantile(np.repeat(known, counts), np.linspace(0.025, 0.975, _POINTS)))
