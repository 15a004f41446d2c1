"""Popularity: how many took an item, lately or ever. The yardstick, and what is answered to who has no history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.recommendation.families.base import Params, Recommender, faded, suggest_fade
from switchyard.tabular.recommendation.forms import Constant
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna


class Popularity(Recommender):
    """Users who took an item, those of long ago for less."""

    name = "popularity"
    title = "Popularity"
    most_trials = 20
    defaults = ({"fade": None}, {"fade": 0.1}, {"fade": 0.03}, {"fade": 0.01})

    def suggest(self, trial: optuna.Trial) -> Params:
        return {"fade": suggest_fade(trial, 0.003)}

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Constant:
        pairs = log.pairs
        counts = np.bincount(pairs.items, weights=faded(pairs.last, params["fade"]), minlength=log.n_items)
        return Constant(counts.astype(np.float32))


PARTS = (Popularity(),)
