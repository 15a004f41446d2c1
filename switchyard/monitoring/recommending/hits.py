"""What labels say of answers: whether the item that was taken had been shown, and at which place; each user counts its answers together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from switchyard.tabular.evaluation.intervals import Support
from switchyard.tabular.evaluation.resampling import Estimate, Resampler, resample
from switchyard.tabular.recommendation.measures import K

METRIC = "hit_rate_at_10"


def ranks_of(answers: pd.DataFrame) -> np.ndarray:
    """Place of the label among the first `K` items shown, 1 is the best, float64; NaN where it is not there or there is no label."""
    places = [list(shown[:K]).index(actual) + 1 if actual in shown[:K] else np.nan for shown, actual in zip(answers.shown, answers.actual)]
    return np.array(places, dtype="float64")


def estimates(
    answers: pd.DataFrame,
    at: np.ndarray,
    asked: Mapping[int, float],
    resamples: int,
    seed: int,
    confidence: float,
    counts: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Hit rate, nDCG and reciprocal rank of the label, with intervals by bootstrap over users.

    Parameters
    ----------
    answers : DataFrame with the columns rank and user
    at : ndarray of positions
        Of the rows with a label.
    asked : mapping of int to float
        How many items were asked for -> share of the requests: answers to ten items are scored as if so many had been shown.
    counts : ndarray of shape (len(at),), optional
        How much each row counts; all the same by default.
    """
    part = answers.iloc[at]
    rank = part["rank"].to_numpy("float64")
    found = {name: np.zeros(len(part)) for name in (METRIC, "ndcg_at_10", "mrr_at_10")}
    for k, share in asked.items():
        hit = rank <= k
        place = np.where(hit, rank, 1.0)
        for name, gain in zip(found, (np.ones(len(part)), 1 / np.log2(place + 1), 1 / place)):
            found[name] += share * np.where(hit, gain, 0.0)
    users = part["user"].astype(object)
    # Whoever has no name is somebody else each time.
    named = users.where(users.notna(), pd.Series([("", row) for row in range(len(part))], index=part.index))
    groups = pd.factorize(named)[0]
    resampler = Resampler(len(part), resamples, seed, groups)
    counts = np.ones(len(part)) if counts is None else counts
    draws = resample({"": lambda weights: {name: weights @ (counts * one) / (weights @ counts) for name, one in found.items()}}, resampler)
    support = Support(int(groups.max()) + 1, {})
    return {name: one.estimate(confidence, name, support) for name, one in draws[""].items()}
