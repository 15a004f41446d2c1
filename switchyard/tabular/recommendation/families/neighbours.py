"""Item-kNN: what those took who took this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from switchyard.tabular.recommendation.families.base import Params, Recommender, largest, matrix_of, suggest_fade, suggest_half_life
from switchyard.tabular.recommendation.forms import Neighbours
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna

_BLOCK = 512


class ItemNeighbours(Recommender):
    """Cosine of two items' users, asymmetric and shrunk, of each item the nearest.

    References
    ----------
    Aiolli, *Efficient top-n recommendation for very large scale binary rated datasets*, RecSys 2013: the exponents of the norms.
    """

    name = "item_knn"
    title = "Item-kNN"
    defaults = (
        {"neighbours": 100, "power": 0.5, "shrink": 0.1, "user_power": 0.0, "weighted": False, "fade": None, "half_life": None},
        {"neighbours": 200, "power": 0.5, "shrink": 10.0, "user_power": 0.5, "weighted": False, "fade": None, "half_life": 10.0},
    )

    def suggest(self, trial: optuna.Trial) -> Params:
        return {
            "neighbours": trial.suggest_int("neighbours", 10, 200, log=True),
            "power": trial.suggest_float("power", 0.1, 0.9),
            "shrink": trial.suggest_float("shrink", 0.1, 100.0, log=True),
            "user_power": trial.suggest_float("user_power", 0.0, 1.0),
            "weighted": trial.suggest_categorical("weighted", [False, True]),
            "fade": suggest_fade(trial),
            "half_life": suggest_half_life(trial),
        }

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Neighbours:
        matrix = matrix_of(log, params)
        lengths = np.asarray(matrix.sum(axis=1)).ravel()
        # Who takes everything says little of what goes together.
        scaled = sparse.diags((np.maximum(lengths, 1e-6) ** -params["user_power"]).astype(np.float32)) @ matrix
        columns = scaled.tocsc()
        norms = np.asarray(matrix.multiply(scaled).sum(axis=0)).ravel() + 1e-9
        left, right = norms ** params["power"], norms ** (1 - params["power"])
        # Shrinking is in numbers of users: in their unit of weight here.
        unit = float(scaled.sum() / matrix.nnz)
        rows = []
        for start in range(0, log.n_items, _BLOCK):
            stop = min(start + _BLOCK, log.n_items)
            together = (matrix[:, start:stop].T @ columns).toarray()
            together[np.arange(stop - start), np.arange(start, stop)] = 0
            together /= left[start:stop, None] * right[None, :] + params["shrink"] * unit
            rows += [largest(row, min(params["neighbours"], log.n_items)) for row in together.astype(np.float32)]
        return Neighbours.of(rows, params["half_life"])


PARTS = (ItemNeighbours(),)
