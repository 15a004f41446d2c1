"""`RecommendationModel`: several forms blended into one score, the catalogue that it scores, and the histories that it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from switchyard.tabular.recommendation.forms import Form, Segments
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.reranking import Reranking

AT_ONCE = 20_000_000
"""Scores that are held at a time: 80 MB for each member."""
NEARLY_NONE = 1e-3
"""Weight of popularity where the blend has none: it decides where nothing else does, as for who has no history."""
EPSILON = 1e-6


@dataclass(frozen=True, eq=False)
class Member:
    """A fitted form and its part in the blend."""

    family: str
    params: Mapping[str, Any]
    form: Form
    weight: float


@dataclass(frozen=True, eq=False)
class RecommendationModel:
    """What is exported.

    Attributes
    ----------
    members : tuple of Member
        Scores of each are brought to mean 0 and deviation 1 over the catalogue, row by row, and added by weight. In place of
        ranks: the order of a single member stays what it was, and a graph need not sort the catalogue for each member.
    item_ids : ndarray of object (str), shape (n_items,)
    titles : mapping of str to str
    user_ids : ndarray of object (str)
        Users whose histories it knows.
    histories : Histories
        Theirs.
    reranking : Reranking or None
        What puts the best in another order.
    """

    members: tuple[Member, ...]
    item_ids: np.ndarray
    titles: Mapping[str, str] = field(default_factory=dict)
    user_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=object))
    histories: Histories = field(default_factory=lambda: Histories.of([]))
    reranking: Reranking | None = None

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @property
    def segments(self) -> Segments | None:
        """The member that goes by attributes of users; None where none does."""
        return next((member.form for member in self.members if isinstance(member.form, Segments)), None)

    def top(self, histories: Histories, k: int, excluded: Histories | None = None) -> np.ndarray:
        """The best k places that are not in the history, nor `excluded`, int64 of shape (n, k); -1 where there are no more."""
        step = max(1, AT_ONCE // self.n_items)
        found = [np.zeros((0, k), np.int64)]
        for start in range(0, len(histories), step):
            places = np.arange(start, min(start + step, len(histories)))
            part = histories.part(places)
            seen = part.mask(self.n_items)
            if excluded is not None:
                seen |= excluded.part(places).mask(self.n_items)
            found.append(best(self.final(part, seen), seen, k))
        return np.concatenate(found)

    def final(self, histories: Histories, seen: np.ndarray) -> np.ndarray:
        """Scores by which answers are ordered, re-ranked where the model does; minus infinity where `seen`."""
        parts = [standardised(member.form.score(histories)) for member in self.members]
        masked = np.where(seen, -np.inf, blended(parts, [member.weight for member in self.members]))
        if self.reranking is None or not len(histories):
            return masked
        top = best(masked, seen, self.reranking.size)
        marks = np.zeros((len(histories), 0), np.float32) if self.segments is None else self.segments.marks(histories)
        rows, places = np.nonzero(top >= 0)
        masked[rows, top[rows, places]] += self.reranking.added(top, masked, parts, histories, marks)[rows, places]
        return masked


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each row to mean 0 and deviation 1; a row of equal scores to 0."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    return centred / (np.sqrt((centred * centred).mean(axis=1, keepdims=True)) + np.float32(EPSILON))


def blended(scores: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Sum of the scores by weight."""
    total = np.float32(weights[0]) * scores[0]
    for one, weight in zip(scores[1:], weights[1:]):
        total += np.float32(weight) * one
    return total


def best(scores: np.ndarray, seen: np.ndarray, k: int) -> np.ndarray:
    """Places of the k highest scores of each row that is not `seen`, best first, the earlier of equal ones first; -1 beyond them."""
    masked = np.where(seen, -np.inf, scores)
    k_there = min(k, masked.shape[1])
    part = np.sort(np.argpartition(-masked, k_there - 1, axis=1)[:, :k_there], axis=1)
    values = np.take_along_axis(masked, part, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    top = np.take_along_axis(part, order, axis=1)
    top = np.where(np.isinf(np.take_along_axis(values, order, axis=1)), -1, top)
    return np.pad(top, ((0, 0), (0, k - k_there)), constant_values=-1)


def known_histories(log: Interactions) -> Histories:
    """What each user of `log` took, in the order of `log.user_ids`."""
    pairs = log.pairs
    order = np.argsort(pairs.users, kind="stable")
    starts = np.searchsorted(pairs.users[order], np.arange(log.n_users + 1))
    return Histories(starts.astype(np.int64), pairs.items[order], log.attributes_of(log.user_ids))
