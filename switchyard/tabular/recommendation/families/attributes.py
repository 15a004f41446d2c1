"""Attributes: items that are described alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from switchyard.tabular.recommendation.families.base import Params, Recommender, largest, suggest_half_life
from switchyard.tabular.recommendation.forms import Neighbours
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna

_BLOCK = 512


class ItemAttributes(Recommender):
    """Cosine of two items' words, each as rare as it is among the items, of each item the nearest.

    Words of more than a share `common` of the items say nothing; `fame` is the power of an item's takers by which it is nearer.
    """

    name = "attributes"
    title = "Item attributes"
    most_trials = 60
    needs = "what describes the items; give an item table (data.items)"
    defaults = ({"neighbours": 100, "common": 0.3, "fame": 0.3, "half_life": 10.0},)

    def suggest(self, trial: optuna.Trial) -> Params:
        return {
            "neighbours": trial.suggest_int("neighbours", 10, 200, log=True),
            "common": trial.suggest_float("common", 0.02, 1.0, log=True),
            "fame": trial.suggest_float("fame", 0.0, 1.0),
            "half_life": suggest_half_life(trial),
        }

    def suits(self, log: Interactions) -> bool:
        return bool(log.words)

    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Neighbours:
        matrix = _described(log, params["common"])
        takers = np.bincount(log.pairs.items, minlength=log.n_items)
        # Of things alike the one that more took is the better guess.
        fame = (takers / takers.max()) ** params["fame"]
        rows = []
        for start in range(0, log.n_items, _BLOCK):
            stop = min(start + _BLOCK, log.n_items)
            alike = (matrix[start:stop] @ matrix.T).toarray() * fame
            alike[np.arange(stop - start), np.arange(start, stop)] = 0
            rows += [largest(row, min(params["neighbours"], log.n_items)) for row in alike.astype(np.float32)]
        return Neighbours.of(rows, params["half_life"])


def _described(log: Interactions, common: float) -> sparse.csr_matrix:
    """Items by words, float64: how rare each word is, rows of length one."""
    lists = [log.words.get(name, ()) for name in log.item_ids]
    names = sorted({word for words in lists for word in words})
    places = {word: place for place, word in enumerate(names)}
    codes = np.array([places[word] for words in lists for word in words], dtype=np.int64)
    rows = np.repeat(np.arange(len(lists)), [len(words) for words in lists])
    found = sparse.csr_matrix((np.ones(len(codes)), (rows, codes)), shape=(len(lists), max(1, len(names))))
    counts = np.asarray(found.sum(axis=0)).ravel()
    rare = np.where(counts <= max(2, common * len(lists)), np.log(len(lists) / np.maximum(counts, 1)), 0.0)
    weighted = found @ sparse.diags(rare)
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(lengths, 1e-9)) @ weighted


PARTS = (ItemAttributes(),)
