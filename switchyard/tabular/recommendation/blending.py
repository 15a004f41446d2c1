"""`blend`: weights of the families' best, where several together are better than one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from switchyard.tabular.recommendation.model import NEARLY_NONE
from switchyard.tabular.recommendation.search import Cut, Standing, all_ndcg

STEPS = (0.05, 0.15, 0.35, 0.7)
"""Shares of the blend that a member may be given more at a time."""
ROUNDS = 8
WORTH = 0.5
"""Standard errors by which a round must be better, over the users asked, to be more than luck."""
FALLBACK, BASELINES = "popularity", ("popularity", "item_knn")
"""What decides where nothing else does, and what stands beside each model, whichever families were asked for."""


def blend(standings: Sequence[Standing], cuts: Sequence[Cut]) -> dict[str, float]:
    """Family -> weight, of sum 1: beginning with the best, what helps most is added as long as it helps.

    Popularity is in each blend, asked for or not, if only to decide where nothing else does.
    """
    weights = {standings[0].family: 1.0}
    scores = {one.family: one.scores for one in standings}
    total = list(scores[standings[0].family])
    reached = all_ndcg(total, cuts)
    for _ in range(ROUNDS):
        tried = [(family, step, _mixed(total, scores[family], step)) for family in scores for step in STEPS]
        found = [(all_ndcg(mixed, cuts), family, step, mixed) for family, step, mixed in tried]
        values, family, step, mixed = max(found, key=lambda one: float(one[0].mean()))
        gain = values - reached
        if gain.mean() <= WORTH * gain.std() / np.sqrt(len(gain)) or gain.mean() <= 0:
            break
        weights = {name: weight * (1 - step) for name, weight in weights.items()}
        weights[family] = weights.get(family, 0.0) + step
        total, reached = mixed, values
    weights.setdefault(FALLBACK, NEARLY_NONE)
    return {family: weight / sum(weights.values()) for family, weight in weights.items()}


def _mixed(total: Sequence[np.ndarray], more: Sequence[np.ndarray], step: float) -> list[np.ndarray]:
    return [np.float32(1 - step) * one + np.float32(step) * other for one, other in zip(total, more)]
