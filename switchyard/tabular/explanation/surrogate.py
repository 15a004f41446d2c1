"""LIME: a linear model around one row (Ribeiro et al., KDD 2016), fitted on the function that SHAP explains."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.bundle.shapley import Function
from switchyard.tabular.explanation.coding import Coding

_SAMPLES = 2000
_SHOWN = 8
"""Columns a surrogate may use."""


class Surrogate(BaseModel):
    """What LIME says of one row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: tuple[tuple[str, float], ...]
    """`column=value or range` and its weight, as LIME's `as_list` gives them: strongest first."""
    fit: float
    """R2 of the linear model on LIME's weighted samples; near 0 says: do not trust the weights."""


class _Bins:
    """Columns as LIME sees them: numbers cut at the training quartiles, with missing a bin of its own.

    LIME's own discretiser knows no missing values. A bin is turned back into a value by drawing one of the training
    values in it, so that every sample consists of values that exist.
    """

    def __init__(self, coding: Coding, train: np.ndarray, seed: int) -> None:
        self._train, self._rng = train, np.random.default_rng(seed)
        self._edges: list[np.ndarray | None] = []
        self.names: dict[int, list[str]] = {}
        for position, name in enumerate(coding.names):
            values = train[:, position]
            if name in coding.categories:
                self._edges.append(None)
                self.names[position] = [coding.shown(position, code) for code in range(len(coding.categories[name]))]
                continue
            known = values[~np.isnan(values)]
            edges = np.unique(np.quantile(known, [0.25, 0.5, 0.75])) if len(known) else np.array([0.0])
            # An edge at the largest value would leave the bin above it empty.
            edges = edges[edges < known.max()] if len(known) else edges
            self._edges.append(edges)
            self.names[position] = [*_ranges([coding.shown(position, edge) for edge in edges]), "missing"]
        self.train = self.cut(train)

    def cut(self, matrix: np.ndarray) -> np.ndarray:
        """Coded rows as bin numbers."""
        bins = matrix.copy()
        for position, edges in enumerate(self._edges):
            if edges is not None:
                values = matrix[:, position]
                bins[:, position] = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        return bins

    def fill(self, bins: np.ndarray) -> np.ndarray:
        """Bin numbers as coded rows, by draws from the training values of each bin."""
        matrix = bins.astype("float64")
        for position, edges in enumerate(self._edges):
            if edges is None:
                continue
            for code in np.unique(bins[:, position]):
                pool = self._train[self.train[:, position] == code, position]
                at = bins[:, position] == code
                matrix[at, position] = self._rng.choice(pool, at.sum()) if len(pool) else np.nan
        return matrix


def _ranges(edges: list[str]) -> list[str]:
    if not edges:
        return ["any value"]
    return [f"up to {edges[0]}", *(f"{low} to {high}" for low, high in pairwise(edges)), f"above {edges[-1]}"]


def surrogates(
    function: Function,
    coding: Coding,
    train: np.ndarray,
    rows: np.ndarray,
    outputs: list[int],
    classification: bool,
    seed: int,
    places: np.ndarray | None = None,
) -> list[Surrogate]:
    """LIME's linear model around each of `rows`.

    Parameters
    ----------
    function : callable
        As for `shapley_values`.
    coding : Coding
    train : ndarray of shape (n_train, n_columns)
        Coded training rows: where LIME takes frequencies and values from; some thousand are enough.
    rows : ndarray of shape (n_rows, n_columns)
    outputs : list of int
        For each row, which output to explain.
    classification : bool
        A function with one output is then the probability of the second of two classes.
    seed : int
    places : ndarray of int, optional
        The columns that change around a row, all when absent; the cost of LIME's regression is their number cubed.
    """
    from lime.lime_tabular import LimeTabularExplainer

    places = np.arange(rows.shape[1]) if places is None else places
    coding = Coding(tuple(coding.columns[place] for place in places), coding.categories)
    bins = _Bins(coding, train[:, places], seed)
    explainer = LimeTabularExplainer(
        bins.train,
        mode="classification" if classification else "regression",
        feature_names=list(coding.names),
        categorical_features=list(range(len(coding.columns))),
        categorical_names=bins.names,
        discretize_continuous=False,
        random_state=seed,
    )
    found = []
    for row, output in zip(rows, outputs):

        def answer(binned: np.ndarray, row: np.ndarray = row) -> np.ndarray:
            matrix = np.repeat(row[None], len(binned), axis=0)
            matrix[1:, places] = bins.fill(binned)[1:]  # LIME puts the row itself first
            out = function(matrix)
            if not classification:
                return out[:, 0]
            return np.column_stack([1 - out, out]) if out.shape[1] == 1 else out

        label = output + (classification and function(row[None]).shape[1] == 1)
        settings = {"labels": (label,)} if classification else {}
        local = explainer.explain_instance(bins.cut(row[None, places])[0], answer, num_features=_SHOWN, num_samples=_SAMPLES, **settings)
        weights = local.as_list(label) if classification else local.as_list()
        found.append(Surrogate(weights=tuple((text, float(weight)) for text, weight in weights), fit=float(local.score)))
    return found
