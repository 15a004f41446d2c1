"""Popularity by user segment: what those take who are described as the user is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from switchyard.tabular.recommendation.families.base import Params, Recommender, matrix_of, suggest_fade
from switchyard.tabular.recommendation.forms import Segments
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna

FEWEST, MOST = 5, 200
"""Users of a segment, at least; segments, the largest."""


class SegmentPopularity(Recommender):
    """Shares of the items in each segment (a word of the users' attributes), shrunk towards everybody's, and multiplied.

    `shrink` is a number of interactions, `sharpness` the power of what a segment takes more or less than everybody.
    """

    name = "segments"
    title = "Popularity by segment"
    most_trials = 40
    needs = "attributes of the users; give a user table (data.users)"
    defaults = ({"fade": None, "shrink": 100.0, "sharpness": 0.7}, {"fade": 0.1, "shrink": 300.0, "sharpness": 0.5})

    def suggest(self, trial: optuna.Trial) -> Params:
        return {
            "fade": suggest_fade(trial, 0.01),
            "shrink": trial.suggest_float("shrink", 5.0, 5000.0, log=True),
            "sharpness": trial.suggest_float("sharpness", 0.1, 1.0),
        }

    def suits(self, log: Interactions) -> bool:
        return bool(_segments(log)[0])

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Segments:
        names, members = _segments(log)
        taken = matrix_of(log, params)
        total = np.asarray(taken.sum(axis=0), dtype=np.float64).ravel()
        share = total / total.sum()
        counts = (members.T @ taken).toarray().astype(np.float64)
        shrunk = (counts + params["shrink"] * share) / (counts.sum(axis=1, keepdims=True) + params["shrink"])
        lift = params["sharpness"] * np.log(shrunk / share)
        return Segments(share.astype(np.float32), lift.astype(np.float32), names, log.traits)


def _segments(log: Interactions) -> tuple[tuple[str, ...], sparse.csr_matrix]:
    """The words that describe enough users, and users by words, 1 where it describes one."""
    lists = [log.traits.words(attributes)[0] for attributes in log.attributes_of(log.user_ids)]
    found, counts = np.unique([word for words in lists for word in words], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST]
    names = tuple(sorted(str(found[place]) for place in order if counts[place] >= FEWEST))
    places = {name: place for place, name in enumerate(names)}
    pairs = [(row, places[word]) for row, words in enumerate(lists) for word in words if word in places]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return names, sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(log.n_users, len(names)))


PARTS = (SegmentPopularity(),)
