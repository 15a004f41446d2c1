"""`Reranker`: another order of a blend's best, by what the families say together and what describes items and users.

The blend is a sum; trees may learn that a family is right about people of few items, or of one segment, and not about others. They
are taught on the search's questions, so what they learn is of a time after the families' own, and they are kept where
users that they have not seen are answered better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.families.ranker import Ranker
from switchyard.tabular.recommendation.graph import Asked
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.interactions import Interactions

CANDIDATES = 100
"""That are put in order; all others stay behind the place that the blend gives them."""
_NONE = -1e4
"""In place of the score of what may not be answered, minus infinity: not a number that trees should see."""
_WORDS, _RARE, _RECENT = 30, 0.02, 0.1
"""Words of items that are features, the most frequent; share of the items that they are of at least; the last share of time."""


class Reranker(BaseModel):
    """What was learnt.

    Attributes
    ----------
    family : str
        Who learnt it.
    learnt : str
        What its ranker makes scores of.
    strength : float
        Deviations of the blend's scores for each unit of the trees.
    low : float
        What the trees say of the worst candidates, from which on it counts.
    families : tuple of str
        Whose scores are features, in this order.
    words : tuple of str
        Of items, that are features.
    user_words : tuple of str
        Of users.
    users : int
        It learnt from.
    gain : float
        Of nDCG@10, for users whom it had not learnt from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    learnt: str
    strength: float
    low: float
    families: tuple[str, ...]
    words: tuple[str, ...]
    user_words: tuple[str, ...]
    users: int
    gain: float

    @property
    def ranker(self) -> Ranker:
        """What its family learns orders by."""
        return ranker_of(self.family)


def ranker_of(family: str) -> Ranker:
    """What a family learns orders by.

    Raises
    ------
    ValueError
        It learns none.
    """
    found = FAMILIES[family].ranker
    if found is None:
        raise ValueError(f"{family} learns no orders")
    return found


def ranking_family() -> str:
    """The first of ours that learns orders."""
    return next(name for name in FAMILIES.ours if FAMILIES[name].ranker is not None)


@dataclass(frozen=True, eq=False)
class Reranking:
    """A `Reranker` with the items of a catalogue.

    Attributes
    ----------
    settings : Reranker
    table : ndarray of float32, shape (n_items, n_features)
        What is known of each item.
    chosen : ndarray of float32, shape (n_words, n_user_words)
        Which of the words that the model knows of users is which feature.
    """

    settings: Reranker
    table: np.ndarray
    chosen: np.ndarray

    @classmethod
    def of(cls, settings: Reranker, log: Interactions, names: Sequence[str]) -> Reranking:
        """Of the catalogue of `log`; `names` are the words that the model knows of users."""
        chosen = np.array([[name == word for word in settings.user_words] for name in names], dtype=np.float32)
        return cls(settings, item_table(log, settings.words), chosen.reshape(len(names), len(settings.user_words)))

    @property
    def size(self) -> int:
        """How many are put in order."""
        return min(CANDIDATES, len(self.table))

    def added(
        self, top: np.ndarray, masked: np.ndarray, parts: Sequence[np.ndarray], histories: Histories, marks: np.ndarray
    ) -> np.ndarray:
        """What is added to the scores of the candidates `top` (n, size), of which -1 is none; `marks` are of the model's words of users."""
        features = candidate_features(top, masked, parts, self.table, histories, marks @ self.chosen)
        found = self.settings.ranker.score(self.settings.learnt, features.reshape(-1, features.shape[-1]))
        lift = np.maximum(found.reshape(top.shape) - self.settings.low, 0.0) * self.settings.strength
        return np.where(top >= 0, lift, 0.0).astype(np.float32)

    def emit(self, asked: Asked, masked: str, parts: Sequence[str]) -> str:
        """The scores with what is added, float [n, n_items]."""
        g, size, one = asked.graph, self.size, asked.ints(2)
        best, top = g.node("TopK", masked, asked.ints(size), axis=1, outputs=2)
        best = g.node("Max", best, asked.f(_NONE))
        taken = [g.node("GatherElements", part, top, axis=1) for part in parts]
        columns = [g.node("Unsqueeze", column, one) for column in (*taken, best)]
        place = g.constant(np.arange(size, dtype=np.float32)[None, :, None])
        columns.append(g.node("Expand", place, g.node("Concat", asked.rows, asked.ints(1, 1), axis=0)))
        columns.append(g.node("Gather", g.constant(self.table), top, axis=0))
        known = [g.node("ReduceSum", asked.present, asked.ints(1), keepdims=1)]
        if self.chosen.shape[1]:
            known.append(g.node("MatMul", asked.described(len(self.chosen)), g.constant(self.chosen)))
        widened = g.node("Unsqueeze", g.node("Concat", *known, axis=1), asked.ints(1))
        columns.append(g.node("Expand", widened, asked.ints(1, size, 1)))
        flat = g.node("Reshape", g.node("Concat", *columns, axis=2), asked.ints(-1, self.width))
        found = g.node("Reshape", self.settings.ranker.emit(g, self.settings.learnt, flat), asked.ints(-1, size))
        lift = g.node("Max", g.node("Sub", found, g.constant(np.array(self.settings.low))), g.constant(np.array(0.0)))
        lift = g.node("Cast", g.node("Mul", lift, g.constant(np.array(self.settings.strength))), to=1)
        return str(g.node("ScatterElements", masked, top, lift, axis=1, reduction="add"))

    @property
    def width(self) -> int:
        """Number of the features."""
        return len(self.settings.families) + 2 + self.table.shape[1] + 1 + self.chosen.shape[1]


def candidate_features(
    top: np.ndarray, masked: np.ndarray, parts: Sequence[np.ndarray], table: np.ndarray, histories: Histories, words: np.ndarray
) -> np.ndarray:
    """float32 of shape (n, candidates, n_features).

    Parameters
    ----------
    top : ndarray of int64, shape (n, candidates)
    masked : ndarray of float32, shape (n, n_items)
        The blend.
    parts : sequence of such
        The families'.
    table : ndarray of float32, shape (n_items, n_features_of_items)
    words : ndarray of float32, shape (n, n_words)
        What describes the users.
    """
    at, size = np.maximum(top, 0), top.shape[1]
    best = np.where(top >= 0, np.take_along_axis(masked, at, axis=1), _NONE)
    found = [np.take_along_axis(part, at, axis=1) for part in parts]
    columns = [column[:, :, None] for column in (*found, np.maximum(best, _NONE))]
    columns.append(np.broadcast_to(np.arange(size)[None, :, None], (len(top), size, 1)))
    columns.append(table[at])
    known = np.concatenate([histories.lengths[:, None], words], axis=1)
    columns.append(np.broadcast_to(known[:, None, :], (len(top), size, known.shape[1])))
    return np.concatenate(columns, axis=2).astype(np.float32)


def frequent_words(log: Interactions) -> tuple[str, ...]:
    """Words of the items that many have, and not all."""
    found, counts = np.unique([word for name in log.item_ids for word in log.words.get(name, ())], return_counts=True)
    fit = [place for place in np.argsort(-counts, kind="stable") if _RARE * log.n_items <= counts[place] < log.n_items]
    return tuple(sorted(str(found[place]) for place in fit[:_WORDS]))


def item_table(log: Interactions, words: Sequence[str]) -> np.ndarray:
    """float32 of shape (n_items, 5 + len(words)): share of the users who took it and of these lately, its first and last moment as a
    share of the time before the end, the mean weight, and which of `words` it has."""
    pairs, end = log.pairs, log.times[-1]
    span = max(float(end - log.times[0]), 1e-9)
    takers = np.bincount(pairs.items, minlength=log.n_items)
    recent = np.bincount(pairs.items, weights=pairs.last > end - _RECENT * span, minlength=log.n_items)
    first, last = np.full(log.n_items, np.inf), np.full(log.n_items, -np.inf)
    np.minimum.at(first, pairs.items, pairs.last)
    np.maximum.at(last, pairs.items, pairs.last)
    mean = np.bincount(pairs.items, weights=pairs.total, minlength=log.n_items) / takers
    columns = [takers / log.n_users, recent / takers, (end - first) / span, (end - last) / span, mean]
    marks = np.array([[word in found for word in words] for found in (set(log.words.get(name, ())) for name in log.item_ids)], dtype=float)
    return np.concatenate([np.stack(columns, axis=1), marks.reshape(log.n_items, len(words))], axis=1).astype(np.float32)
