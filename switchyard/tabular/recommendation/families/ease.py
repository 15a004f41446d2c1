"""EASE: the linear model that gives each item from all others, in closed form, cut to its largest weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from switchyard.tabular.recommendation.families.base import Params, Recommender, largest, matrix_of, suggest_fade, suggest_half_life
from switchyard.tabular.recommendation.forms import Neighbours
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna

MOST_ITEMS = 3_000
"""Items that are inverted, those that most users took: 36 MB, and a second on two cores. The rest is left to other families."""
KEPT = 200
"""Weights kept of each item: of 9,000 items 14 MB in the bundle, where all would be 320 MB."""


class Ease(Recommender):
    """Weights B without a diagonal that minimise |X - XB|^2 + ridge |B|^2.

    References
    ----------
    Steck, *Embarrassingly Shallow Autoencoders for Sparse Data*, WWW 2019.
    """

    name = "ease"
    title = "EASE"
    defaults = (
        {"ridge": 100.0, "user_power": 0.0, "weighted": False, "fade": None, "half_life": None},
        {"ridge": 300.0, "user_power": 0.5, "weighted": False, "fade": None, "half_life": 20.0},
    )

    def suggest(self, trial: optuna.Trial) -> Params:
        return {
            "ridge": trial.suggest_float("ridge", 5.0, 3000.0, log=True),
            "user_power": trial.suggest_float("user_power", 0.0, 1.0),
            "weighted": trial.suggest_categorical("weighted", [False, True]),
            "fade": suggest_fade(trial),
            "half_life": suggest_half_life(trial),
        }

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Neighbours:
        matrix = matrix_of(log, params)
        kept = np.sort(np.argsort(-matrix.getnnz(axis=0), kind="stable")[:MOST_ITEMS])
        part = matrix[:, kept]
        weights = np.maximum(np.asarray(part.sum(axis=1)).ravel(), 1e-6) ** -params["user_power"]
        # As a mean: the ridge keeps its meaning when users count for less.
        weights *= len(weights) / weights.sum()
        gram = (part.T @ part.multiply(weights[:, None].astype(np.float32)).tocsr()).toarray().astype(np.float32)
        gram[np.diag_indices_from(gram)] += np.float32(params["ridge"])
        inverse = _inverse(gram)
        table = -inverse / np.diag(inverse)[None, :]
        np.fill_diagonal(table, 0.0)
        rows: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, int), np.zeros(0))] * log.n_items
        for place, row in zip(kept, table):
            found, values = largest(row, min(KEPT, len(row)))
            rows[place] = (kept[found], values)
        return Neighbours.of(rows, params["half_life"])


def _inverse(gram: np.ndarray) -> np.ndarray:
    """Inverse of a positive definite matrix, which is overwritten."""
    factor, failed = linalg.lapack.spotrf(gram, lower=True, overwrite_a=True)
    if failed:
        raise FloatingPointError("not positive definite in single precision")
    half, _ = linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    lower = np.tril(half)
    return lower + np.tril(half, -1).T


PARTS = (Ease(),)
