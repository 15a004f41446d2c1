"""ALS: implicit feedback factorised by alternating least squares, and a new history folded in by the same least squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg

from switchyard.tabular.recommendation.families.base import Params, Recommender, matrix_of, suggest_fade, suggest_half_life
from switchyard.tabular.recommendation.forms import Factors
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna


class AlternatingLeastSquares(Recommender):
    """`implicit`'s factors of the items; a user is the least-squares answer to its history.

    With Y the factors of all items and Y'Y + r = (LL')^-1, a user's system is (I + c Z'Z) u = (1 + c) Z'1 for the rows Z of YL that
    are in its history, and an item's score is its row of YL times u: what `implicit` calls `recalculate_user`.

    References
    ----------
    Hu, Koren and Volinsky, *Collaborative Filtering for Implicit Feedback Datasets*, ICDM 2008.
    """

    name = "als"
    title = "ALS"
    defaults = (
        {"factors": 64, "confidence": 10.0, "ridge": 1.0, "iterations": 10, "weighted": False, "fade": None, "half_life": None},
        {"factors": 32, "confidence": 30.0, "ridge": 10.0, "iterations": 10, "weighted": False, "fade": None, "half_life": 20.0},
    )

    def suggest(self, trial: optuna.Trial) -> Params:
        return {
            "factors": trial.suggest_categorical("factors", [16, 32, 64, 96, 128]),
            "confidence": trial.suggest_float("confidence", 1.0, 100.0, log=True),
            "ridge": trial.suggest_float("ridge", 0.01, 100.0, log=True),
            "iterations": trial.suggest_int("iterations", 5, 20),
            "weighted": trial.suggest_categorical("weighted", [False, True]),
            "fade": suggest_fade(trial),
            "half_life": suggest_half_life(trial),
        }

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Factors:
        from implicit.cpu.als import AlternatingLeastSquares as Als
        from threadpoolctl import threadpool_limits

        confidence = params["confidence"]
        matrix = matrix_of(log, params)
        # What was long ago counts for less, never for less than what nobody took.
        matrix.data = 1 + np.float32(confidence) * matrix.data
        # Its own threads and those of the linear algebra would wait for each other.
        with threadpool_limits(1, "blas"):
            model = Als(
                factors=min(params["factors"], log.n_items - 1),
                regularization=params["ridge"],
                iterations=params["iterations"],
                random_state=seed,
            )
            model.fit(matrix, show_progress=False)
        items = np.asarray(model.item_factors, dtype=np.float64)
        square = items.T @ items + params["ridge"] * np.eye(items.shape[1])
        # Y'Y + r = RR' (lower R), so L = R'^-1 and YL = (R^-1 Y')'.
        lower = linalg.cholesky(square, lower=True)
        vectors = linalg.solve_triangular(lower, items.T, lower=True).T.astype(np.float32)
        return Factors(vectors, vectors, np.zeros(log.n_items, np.float32), float(confidence), params["half_life"])


PARTS = (AlternatingLeastSquares(),)
