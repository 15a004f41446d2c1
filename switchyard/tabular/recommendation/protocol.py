"""`split_by_time`: what was before a moment teaches, and who came after it is asked for.

The moment is one for all users (a global quantile of time): leaving out each user's last item lets a model learn from what
others did later (Ji, Sun, Zhang and Li, *A Critical Study on Data Leakage in Recommender System Offline Evaluation*, ACM TOIS
2023). All items of the catalogue are ranked, none is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Questions:
    """Users who came after the moment: what they had taken, and what they took next.

    Attributes
    ----------
    users : ndarray of object (str), shape (n,)
    warm : ndarray of bool, shape (n,)
        Whether they were there before. A new user is asked for with the first half of its later items as its history.
    history, truth : Histories of n lists
        Places in the catalogue of what came before. No item of a truth is in the history beside it.
    unknown : ndarray of int64, shape (n,)
        Items of the truth that nobody had taken before, which no model can answer; they are not in `truth`.
    """

    users: np.ndarray
    warm: np.ndarray
    history: Histories
    truth: Histories
    unknown: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    @property
    def answerable(self) -> np.ndarray:
        """Places of the users with an item in their truth that is known."""
        return np.flatnonzero(self.truth.lengths > 0)

    def part(self, places: np.ndarray) -> Questions:
        """The users at `places`."""
        return Questions(self.users[places], self.warm[places], self.history.part(places), self.truth.part(places), self.unknown[places])

    def at_most(self, users: int, seed: int) -> Questions:
        """These, or as many drawn at random where there are more."""
        if len(self) <= users:
            return self
        return self.part(np.sort(np.random.default_rng(seed).choice(len(self), users, replace=False)))


def split_by_time(log: Interactions, share: float) -> tuple[Interactions, Questions]:
    """The rows before the last `share` of them, 0..1, and questions about those who came after.

    Rows of one moment stay on one side, the later.

    Raises
    ------
    InputError
        When all rows are of one moment, or nobody took anything afterwards that was known before.
    """
    moment = log.times[min(len(log) - 1, int(len(log) * (1 - share)))]
    before = log.times < moment
    if not before.any():
        raise InputError("the interactions can't be split in time: too many are of the first moment; name another time column, or none")
    known = log.rows(before)
    questions = _questions(log, before, known)
    if not len(questions.answerable):
        raise InputError(
            f"nobody took a known item for the first time in the last {share:.0%} of the interactions, so nothing can be scored; "
            "give more interactions, or a larger split.holdout"
        )
    return known, questions


def _questions(log: Interactions, before: np.ndarray, known: Interactions) -> Questions:
    places = np.full(log.n_items, -1)
    places[np.searchsorted(log.item_ids.astype(str), known.item_ids.astype(str))] = np.arange(known.n_items)
    order = np.argsort(log.users, kind="stable")
    bounds = np.searchsorted(log.users[order], np.arange(log.n_users + 1))
    users, warm, history, truth, unknown = [], [], [], [], []
    for user in np.unique(log.users[~before]):
        rows = order[bounds[user] : bounds[user + 1]]
        early = before[rows]
        items = log.items[rows]
        seen, later = items[early], items[~early]
        if not len(seen):
            distinct = _first(later)
            seen, later = distinct[: len(distinct) // 2], distinct[len(distinct) // 2 :]
        fresh = _first(later[~np.isin(later, seen)])
        if not len(fresh):
            continue
        users.append(user)
        warm.append(bool(early.any()))
        history.append(places[seen][places[seen] >= 0])
        truth.append(places[fresh][places[fresh] >= 0])
        unknown.append(int((places[fresh] < 0).sum()))
    names = log.user_ids[users]
    asked = Histories.of(history, log.attributes_of(names))
    return Questions(names, np.array(warm, bool), asked, Histories.of(truth), np.array(unknown, np.int64))


def _first(items: np.ndarray) -> np.ndarray:
    """Without what stood before."""
    return items[np.sort(np.unique(items, return_index=True)[1])]
