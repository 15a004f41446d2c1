"""BPR: factors that put what a user took before what it did not, with a map from histories to users learnt beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.recommendation.families.base import Params, Recommender, matrix_of, suggest_half_life
from switchyard.tabular.recommendation.forms import Factors
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna

_RIDGE = 1e-3
"""Of the map, for each user."""


class BayesianPersonalisedRanking(Recommender):
    """`implicit`'s factors, whose users are only those of training.

    Anyone else is the mean of the factors in its history, through the linear map that gives training's users best from the
    means of theirs (ridge regression).

    References
    ----------
    Rendle, Freudenthaler, Gantner and Schmidt-Thieme, *BPR*, UAI 2009.
    """

    name = "bpr"
    title = "BPR"
    defaults = (
        {"factors": 64, "rate": 0.05, "ridge": 0.01, "iterations": 100, "half_life": None},
        {"factors": 32, "rate": 0.03, "ridge": 0.03, "iterations": 150, "half_life": 20.0},
    )

    def suggest(self, trial: optuna.Trial) -> Params:
        return {
            "factors": trial.suggest_categorical("factors", [16, 32, 64, 96, 128]),
            "rate": trial.suggest_float("rate", 0.005, 0.2, log=True),
            "ridge": trial.suggest_float("ridge", 0.001, 0.2, log=True),
            "iterations": trial.suggest_int("iterations", 30, 300, log=True),
            "half_life": suggest_half_life(trial),
        }

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Factors:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        matrix = matrix_of(log, {})
        # One thread: with more, who writes first decides, and no model could be made again.
        model = BayesianPersonalizedRanking(
            factors=min(params["factors"], log.n_items - 1),
            learning_rate=params["rate"],
            regularization=params["ridge"],
            iterations=params["iterations"],
            num_threads=1,
            random_state=seed,
        )
        model.fit(matrix, show_progress=False)
        # The last factor of an item is its bias; a user's is one.
        items, bias = np.asarray(model.item_factors[:, :-1]), np.asarray(model.item_factors[:, -1])
        users = np.asarray(model.user_factors[:, :-1])
        means = (matrix @ items) / np.maximum(np.asarray(matrix.sum(axis=1)), 1)
        means, users = np.asarray(means, np.float64), np.asarray(users, np.float64)
        mapped = np.linalg.solve(means.T @ means + _RIDGE * len(means) * np.var(means) * np.eye(means.shape[1]), means.T @ users)
        return Factors((items @ mapped).astype(np.float32), items.astype(np.float32), bias.astype(np.float32), None, params["half_life"])


PARTS = (BayesianPersonalisedRanking(),)
